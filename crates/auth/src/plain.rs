//! The messages of PLAIN (RFC 4616), and finding the user's name in a first message.

use crate::mechanism::Mechanism;
use crate::scram;
use crate::secret::Secret;

/// A parsed PLAIN message.
#[derive(Debug)]
pub(crate) struct PlainMessage<'a> {
    /// For whom the user wants to act; empty for himself.
    pub(crate) authzid: &'a str,
    pub(crate) authcid: &'a str,
    pub(crate) password: &'a str,
}

impl<'a> PlainMessage<'a> {
    /// RFC 4616 §2: `message = [authzid] UTF8NUL authcid UTF8NUL passwd`.
    pub(crate) fn parse(message: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(message).ok()?;
        let mut fields = text.split('\0');
        let (authzid, authcid, password) = (fields.next()?, fields.next()?, fields.next()?);
        let complete = fields.next().is_none() && !authcid.is_empty() && !password.is_empty();
        complete.then_some(Self {
            authzid,
            authcid,
            password,
        })
    }
}

/// Returns the PLAIN message of a user name and password, for commands such as IMAP's LOGIN that
/// carry them without SASL. `None` when either contains NUL.
pub fn plain_message(user: &str, password: &str) -> Option<Secret<Vec<u8>>> {
    let valid = !user.contains('\0') && !password.contains('\0');
    valid.then(|| Secret::new([b"\0", user.as_bytes(), b"\0", password.as_bytes()].concat()))
}

/// Returns the user name, as given, in the client's first message of an exchange, or `None` when the
/// message is malformed. It says where the exchange is to be run; nothing is verified.
pub fn named_user(mechanism: Mechanism, first_message: &[u8]) -> Option<String> {
    match mechanism {
        Mechanism::Plain => PlainMessage::parse(first_message).map(|message| message.authcid.to_owned()),
        Mechanism::Login => login_user(first_message).map(str::to_owned),
        Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => scram::named_user(first_message),
    }
}

/// The name in LOGIN's first message. Some clients end it with NUL.
pub(crate) fn login_user(message: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(message).ok()?;
    let name = text.strip_suffix('\0').unwrap_or(text);
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_messages_are_parsed() {
        let check = |message: &[u8], expected| {
            let parsed = PlainMessage::parse(message);
            assert_eq!(
                parsed.map(|p| (p.authzid, p.authcid, p.password)),
                expected,
                "{message:?}"
            );
        };
        // The examples of RFC 4616 §4.
        check(b"\0tim\0tanstaaftanstaaf", Some(("", "tim", "tanstaaftanstaaf")));
        check(b"Ursel\0Kurt\0xipj3plmq", Some(("Ursel", "Kurt", "xipj3plmq")));
        check(
            "\0user\0pässword with space".as_bytes(),
            Some(("", "user", "pässword with space")),
        );
        for malformed in [
            &b""[..],
            b"\0",
            b"\0\0",
            b"user",
            b"user\0pass",
            b"\0user\0",
            b"\0\0pass",
            b"\0a\0b\0c",
            b"\0a\0\xff",
        ] {
            check(malformed, None);
        }
    }

    #[test]
    fn the_login_command_becomes_a_plain_message() {
        let message = plain_message("user", "a \" b").unwrap();
        assert_eq!(message.expose(), b"\0user\0a \" b");
        assert!(plain_message("us\0er", "x").is_none());
        assert!(plain_message("user", "\0").is_none());
    }

    #[test]
    fn the_user_is_found_in_every_first_message() {
        let check = |mechanism, message: &[u8], expected: Option<&str>| {
            assert_eq!(named_user(mechanism, message).as_deref(), expected, "{message:?}");
        };
        check(Mechanism::Plain, b"other\0user\0pass", Some("user"));
        check(Mechanism::Login, b"user", Some("user"));
        check(Mechanism::Login, b"user\0", Some("user"));
        check(Mechanism::Login, b"", None);
        check(Mechanism::ScramSha256, b"n,,n=us=2Cer,r=abc", Some("us,er"));
        check(
            Mechanism::ScramSha256Plus,
            b"p=tls-exporter,,n=user,r=abc",
            Some("user"),
        );
        check(Mechanism::ScramSha256, b"n,,r=abc", None);
    }
}
