//! Values of a FETCH response in a form that does not tell quoted strings from literals.

use std::fmt::{self, Display, Formatter};

/// A value as RFC 3501 §4 has them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Nothing.
    Nil,
    /// A name or a number.
    Atom(String),
    /// A quoted string or a literal.
    Text(Vec<u8>),
    /// A parenthesized list.
    List(Vec<Value>),
}

impl Display for Value {
    /// Writes the form in which `crates/mail-message/corpus` records answers.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => formatter.write_str("NIL"),
            Self::Atom(name) => formatter.write_str(name),
            Self::Text(bytes) => write_text(bytes, formatter),
            Self::List(values) => {
                let values: Vec<String> = values.iter().map(Self::to_string).collect();
                write!(formatter, "({})", values.join(" "))
            }
        }
    }
}

fn write_text(bytes: &[u8], formatter: &mut Formatter<'_>) -> fmt::Result {
    formatter.write_str("\"")?;
    for byte in bytes {
        match byte {
            b'"' | b'\\' => write!(formatter, "\\x{byte:02x}")?,
            0x20..0x7f => write!(formatter, "{}", char::from(*byte))?,
            _ => write!(formatter, "\\x{byte:02x}")?,
        }
    }
    formatter.write_str("\"")
}

/// Returns names and values of a FETCH response, nothing for any other response.
pub fn fetched(response: &[u8]) -> Option<Vec<(String, Value)>> {
    let start = response.windows(7).position(|bytes| bytes == b" FETCH ")?;
    let (values, _) = value(response.get(start + 7..)?)?;
    let Value::List(values) = values else { return None };
    let pairs = values.chunks_exact(2).filter_map(|pair| match pair {
        [Value::Atom(name), value] => Some((name.clone(), value.clone())),
        _ => None,
    });
    Some(pairs.collect())
}

/// Reads a value and returns what is behind it.
fn value(bytes: &[u8]) -> Option<(Value, &[u8])> {
    match bytes.split_first()? {
        (b'(', rest) => list(rest),
        (b'"', rest) => quoted(rest),
        (b'{', rest) => literal(rest),
        _ => Some(atom(bytes)),
    }
}

/// Addresses and parts stand in lists without a space between them (RFC 3501 §9, `envelope` and `body-type-mpart`).
fn list(mut rest: &[u8]) -> Option<(Value, &[u8])> {
    let mut values = Vec::new();
    loop {
        match rest.split_first()? {
            (b')', behind) => return Some((Value::List(values), behind)),
            (b' ', behind) => rest = behind,
            _ => {
                let (next, behind) = value(rest)?;
                values.push(next);
                rest = behind;
            }
        }
    }
}

fn quoted(mut rest: &[u8]) -> Option<(Value, &[u8])> {
    let mut text = Vec::new();
    loop {
        let (byte, behind) = rest.split_first()?;
        rest = behind;
        match byte {
            b'"' => return Some((Value::Text(text), rest)),
            b'\\' => {
                let (escaped, behind) = rest.split_first()?;
                text.push(*escaped);
                rest = behind;
            }
            _ => text.push(*byte),
        }
    }
}

fn literal(rest: &[u8]) -> Option<(Value, &[u8])> {
    let end = rest.iter().position(|byte| *byte == b'}')?;
    let length: usize = std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()?;
    let rest = rest.get(end + 3..)?;
    let (text, behind) = rest.split_at_checked(length)?;
    Some((Value::Text(text.to_owned()), behind))
}

fn atom(bytes: &[u8]) -> (Value, &[u8]) {
    let ends = |byte: &u8| b" ()".contains(byte);
    let end = bytes.iter().position(ends).unwrap_or(bytes.len());
    let (name, behind) = bytes.split_at(end);
    let name = String::from_utf8_lossy(name).into_owned();
    let value = match name.eq_ignore_ascii_case("NIL") {
        true => Value::Nil,
        false => Value::Atom(name),
    };
    (value, behind)
}

#[test]
fn quoted_strings_and_literals_are_the_same_value() {
    let read = |wire: &str| fetched(wire.as_bytes()).expect("a FETCH response");
    let quoted = read("1 FETCH (UID 7 BODY ((\"a\\\"b\" NIL)(\"c\" 3) \"mixed\"))");
    let literal = read("1 FETCH (UID 7 BODY (({3}\r\na\"b nil) ({1}\r\nc 3) {5}\r\nmixed))");
    assert_eq!(quoted, literal);
    let [_, (name, body)] = quoted.as_slice() else {
        panic!("two items: {quoted:?}");
    };
    assert_eq!(
        (name.as_str(), body.to_string().as_str()),
        ("BODY", r#"(("a\x22b" NIL) ("c" 3) "mixed")"#)
    );
    assert_eq!(fetched(b"3 EXISTS"), None);
}
