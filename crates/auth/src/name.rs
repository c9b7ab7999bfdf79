//! User names in their normal form.

use mailstore::address::Address;

use crate::error::AuthError;

/// Characters that have a meaning in mail addresses, mailbox names, shells or LIST patterns. No
/// login name needs them, and each has been part of an injection somewhere.
const FORBIDDEN: &str = "\"\\/()<>[]{}:;,%*`|&$";

/// Returns the normal form of a user name as a client gives it: SASLprep (RFC 4013), then lower case.
/// At most one `@`, with something on both sides of it.
///
/// Letter case is folded although RFC 5321 §2.4 lets local parts differ by it: people type their own
/// address in either case, and two accounts that differ by case alone would be a trap.
pub fn login_name(text: &str) -> Result<Address, AuthError> {
    if text.len() > mailstore::address::ADDRESS_BYTES_MAX {
        return Err(AuthError::InvalidName);
    }
    let prepared = stringprep::saslprep(text).map_err(|_| AuthError::InvalidName)?;
    if prepared
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || FORBIDDEN.contains(c))
    {
        return Err(AuthError::InvalidName);
    }
    match prepared.split_once('@') {
        Some((local, domain)) if local.is_empty() || !is_domain(domain) => Err(AuthError::InvalidName),
        _ => Address::parse(&prepared).ok_or(AuthError::InvalidName),
    }
}

fn is_domain(domain: &str) -> bool {
    !domain.contains('@')
        && domain
            .split('.')
            .all(|label| !label.is_empty() && label.len() <= 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised() {
        let check = |text, expected| assert_eq!(login_name(text).unwrap().as_str(), expected);
        check("user", "user");
        check("User@Example.ORG", "user@example.org");
        check("first.last+tag@example.org", "first.last+tag@example.org");
        // RFC 4013 §3: a soft hyphen is mapped to nothing, feminine ordinal and roman nine are folded.
        check("I\u{ad}X", "ix");
        check("\u{aa}", "a");
        check("\u{2168}", "ix");
        check("JÜRGEN@müller.example", "jürgen@müller.example");
    }

    #[test]
    fn names_that_could_mean_something_else_are_refused() {
        let too_long = "x".repeat(321);
        let long_label = format!("a@{}", "x".repeat(64));
        let names = [
            "",
            " ",
            "a b",
            "a\0",
            "a\r\nb",
            "\u{7}",
            "@example.org",
            "a@",
            "a@b@c",
            "a@.org",
            "a@b..c",
            "a/b",
            "a%b",
            "a*b",
            "a\"b",
            "a\\b",
            "a{3}",
            "\u{627}\u{31}",
            &too_long,
            &long_label,
        ];
        for name in names {
            assert!(
                matches!(login_name(name), Err(AuthError::InvalidName)),
                "{name:?}"
            );
        }
    }
}
