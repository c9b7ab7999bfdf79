//! What an option's value can be, and how it is read from TOML or from bare words and written again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::size::ByteSize;
use crate::span;

/// A value as some source gave it.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// Bare words, from the environment or the command line: any type may be read from them.
    Words(String),
    /// A TOML string.
    Text(String),
    /// A TOML integer that fits 64 bits.
    Integer(i64),
    /// A TOML float.
    Float(f64),
    /// A TOML boolean.
    Boolean(bool),
    /// A TOML array.
    List(Vec<Raw>),
    /// Something that no option takes; holds TOML's word for it.
    Other(&'static str),
}

impl Raw {
    /// Returns the value as a person would write it in a message.
    fn shown(&self) -> String {
        match self {
            Self::Words(text) | Self::Text(text) => format!("`{text}`"),
            Self::Integer(number) => format!("`{number}`"),
            Self::Float(number) => format!("`{number}`"),
            Self::Boolean(value) => format!("`{value}`"),
            Self::List(_) => "a list".to_owned(),
            Self::Other(kind) => format!("a {kind}"),
        }
    }
}

/// A type that an option can have.
pub trait Value: Sized {
    /// Says in a few words what may be written.
    fn form() -> String;

    /// Reads bare words.
    fn from_words(words: &str) -> Result<Self, String>;

    /// Reads a value; the error says what is wrong with it.
    fn from_raw(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Words(text) | Raw::Text(text) => Self::from_words(text),
            other => Err(refuse::<Self>(other)),
        }
    }

    /// Writes the value as TOML.
    fn to_toml(&self) -> String;
}

fn refuse<T: Value>(raw: &Raw) -> String {
    format!("{} is not what this takes: {}", raw.shown(), T::form())
}

/// Writes a TOML string with its quotes.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl Value for bool {
    fn form() -> String {
        "true or false".to_owned()
    }

    fn from_words(words: &str) -> Result<Self, String> {
        words
            .trim()
            .parse()
            .map_err(|_| refuse::<Self>(&Raw::Words(words.to_owned())))
    }

    fn from_raw(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Boolean(value) => Ok(*value),
            Raw::Words(words) => Self::from_words(words),
            other => Err(refuse::<Self>(other)),
        }
    }

    fn to_toml(&self) -> String {
        self.to_string()
    }
}

/// Whole numbers differ in nothing but their width.
macro_rules! whole_number {
    ($($kind:ty),*) => {$(
        impl Value for $kind {
            fn form() -> String {
                "whole number".to_owned()
            }

            fn from_words(words: &str) -> Result<Self, String> {
                words.trim().parse().map_err(|_| refuse::<Self>(&Raw::Words(words.to_owned())))
            }

            fn from_raw(raw: &Raw) -> Result<Self, String> {
                match raw {
                    Raw::Integer(number) => Self::try_from(*number).map_err(|_| refuse::<Self>(raw)),
                    Raw::Words(words) => Self::from_words(words),
                    other => Err(refuse::<Self>(other)),
                }
            }

            fn to_toml(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

whole_number!(u16, u32, u64);

impl Value for f64 {
    fn form() -> String {
        "number".to_owned()
    }

    fn from_words(words: &str) -> Result<Self, String> {
        let number = words
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| refuse::<Self>(&Raw::Words(words.to_owned())))
    }

    fn from_raw(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Float(number) if number.is_finite() => Ok(*number),
            Raw::Integer(number) => i32::try_from(*number)
                .map(Self::from)
                .map_err(|_| refuse::<Self>(raw)),
            Raw::Words(words) => Self::from_words(words),
            other => Err(refuse::<Self>(other)),
        }
    }

    fn to_toml(&self) -> String {
        toml::Value::Float(*self).to_string()
    }
}

impl Value for String {
    fn form() -> String {
        "text".to_owned()
    }

    fn from_words(words: &str) -> Result<Self, String> {
        Ok(words.to_owned())
    }

    fn to_toml(&self) -> String {
        quoted(self)
    }
}

impl Value for PathBuf {
    fn form() -> String {
        "path".to_owned()
    }

    fn from_words(words: &str) -> Result<Self, String> {
        match words.is_empty() {
            true => Err("a path is not empty".to_owned()),
            false => Ok(Self::from(words)),
        }
    }

    fn to_toml(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

impl Value for SocketAddr {
    fn form() -> String {
        "address:port, as in \"[::1]:143\" or \"127.0.0.1:143\"".to_owned()
    }

    fn from_words(words: &str) -> Result<Self, String> {
        words
            .trim()
            .parse()
            .map_err(|_| refuse::<Self>(&Raw::Words(words.to_owned())))
    }

    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Value for ByteSize {
    fn form() -> String {
        "size, as in \"64KiB\"".to_owned()
    }

    fn from_words(words: &str) -> Result<Self, String> {
        words.parse()
    }

    fn from_raw(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) | Raw::Words(text) => text.parse(),
            Raw::Integer(number) => number.to_string().parse(),
            other => Err(refuse::<Self>(other)),
        }
    }

    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Value for Duration {
    fn form() -> String {
        "duration, as in \"30s\"".to_owned()
    }

    fn from_words(words: &str) -> Result<Self, String> {
        span::parse(words)
    }

    fn from_raw(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) | Raw::Words(text) => span::parse(text),
            Raw::Integer(number) => span::parse(&number.to_string()),
            other => Err(refuse::<Self>(other)),
        }
    }

    fn to_toml(&self) -> String {
        quoted(&span::format(*self))
    }
}

/// An empty text stands for "not set".
impl<T: Value> Value for Option<T> {
    fn form() -> String {
        format!("{}; empty for none", T::form())
    }

    fn from_words(words: &str) -> Result<Self, String> {
        if words.is_empty() {
            Ok(None)
        } else {
            T::from_words(words).map(Some)
        }
    }

    fn from_raw(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) | Raw::Words(text) if text.is_empty() => Ok(None),
            other => T::from_raw(other).map(Some),
        }
    }

    fn to_toml(&self) -> String {
        self.as_ref().map_or_else(|| quoted(""), Value::to_toml)
    }
}

/// Bare words are split at commas, because the environment has no lists.
impl<T: Value> Value for Vec<T> {
    fn form() -> String {
        format!("list of: {}", T::form())
    }

    fn from_words(words: &str) -> Result<Self, String> {
        let items = words.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(T::from_words).collect()
    }

    fn from_raw(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::List(items) => items.iter().map(T::from_raw).collect(),
            Raw::Words(words) => Self::from_words(words),
            other => Err(refuse::<Self>(other)),
        }
    }

    fn to_toml(&self) -> String {
        let items: Vec<String> = self.iter().map(Value::to_toml).collect();
        format!("[{}]", items.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Value + std::fmt::Debug + PartialEq>(raw: Raw, expected: Result<T, &str>) {
        match (T::from_raw(&raw), expected) {
            (Ok(value), Ok(expected)) => assert_eq!(value, expected, "{raw:?}"),
            (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
            (value, expected) => panic!("{raw:?} gave {value:?}, not {expected:?}"),
        }
    }

    fn words(text: &str) -> Raw {
        Raw::Words(text.to_owned())
    }

    fn text(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    #[test]
    fn toml_types_are_not_mixed_up() {
        check(Raw::Integer(30), Ok(30_u32));
        check::<u32>(text("30"), Err("whole number"));
        check::<u32>(Raw::Integer(-1), Err("`-1`"));
        check::<u16>(Raw::Integer(70_000), Err("`70000`"));
        check::<bool>(text("true"), Err("true or false"));
        check::<String>(Raw::Integer(1), Err("text"));
        check::<Duration>(Raw::Integer(30), Err("`30` is no duration"));
        check::<ByteSize>(Raw::Boolean(true), Err("size"));
        check::<Vec<u32>>(Raw::Other("table"), Err("a table"));
    }

    #[test]
    fn bare_words_become_any_type() {
        check(words("30"), Ok(30_u32));
        check(words("true"), Ok(true));
        check(words("0.5"), Ok(0.5));
        check(words("1, 2,3"), Ok(vec![1_u32, 2, 3]));
        check(words(""), Ok(Vec::<u32>::new()));
        check(words(""), Ok(None::<PathBuf>));
        check(words("a"), Ok(Some("a".to_owned())));
        check::<f64>(words("inf"), Err("number"));
    }

    #[test]
    fn written_values_are_toml() {
        assert_eq!("a \"b\"".to_owned().to_toml(), "'a \"b\"'");
        assert_eq!(vec![ByteSize::new(1024)].to_toml(), "[\"1KiB\"]");
        assert_eq!(None::<u32>.to_toml(), "\"\"");
        assert_eq!(1.0_f64.to_toml(), "1.0");
    }
}
