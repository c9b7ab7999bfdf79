//! A name with a value, for options that hold a small table.

use std::fmt;

use crate::value::{Value, quoted};

/// A pair, written `name=value`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedValue {
    /// What stands before the first equals sign; never empty.
    pub name: String,
    /// What stands behind it.
    pub value: String,
}

impl fmt::Display for NamedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

impl Value for NamedValue {
    fn form() -> String {
        "name=value".to_owned()
    }

    fn from_words(words: &str) -> Result<Self, String> {
        let pair = words
            .trim()
            .split_once('=')
            .filter(|(name, _)| !name.trim().is_empty());
        let (name, value) = pair.ok_or_else(|| format!("`{words}` is not name=value"))?;
        Ok(Self {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
        })
    }

    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_split_at_the_first_equals_sign() {
        let pair = NamedValue::from_words("support-url = https://example.org/?a=b").expect("valid");
        assert_eq!(
            (pair.name.as_str(), pair.value.as_str()),
            ("support-url", "https://example.org/?a=b")
        );
        assert!(NamedValue::from_words("=x").is_err());
        assert!(NamedValue::from_words("x").is_err());
    }
}
