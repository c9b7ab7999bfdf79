//! What never leaves the process in logs and traces: secrets and the content of messages anywhere, and people's
//! names and addresses anywhere but in the authentication log.
//!
//! Code that handles a password holds it in a type that prints nothing; this is the second line, which holds even
//! for a field that somebody added in haste. It goes by the names of fields.

/// What stands in place of a withheld value.
pub const WITHHELD: &str = "[withheld]";

/// Words of field names whose values are withheld. A name is split at dots and underscores, so `auth.password`
/// and `new_password` are both found, and `token_ttl` is withheld too: rather one time too often.
const PRIVATE_WORDS: &[&str] = &[
    // Secrets.
    "password",
    "passwd",
    "secret",
    "token",
    "credential",
    "credentials",
    "authorization",
    "salt",
    "verifier",
    // Content.
    "body",
    "content",
    "literal",
    "subject",
    "preview",
    "payload",
    // People and what is theirs.
    "user",
    "username",
    "login",
    "email",
    "sender",
    "recipient",
    "recipients",
    "mailbox",
    "address",
    "peer",
    "client",
    "ip",
];

/// Says whether the value of a field of this name is withheld.
pub fn is_private(field: &str) -> bool {
    field.split(['.', '_']).any(|word| PRIVATE_WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_content_and_people_are_private() {
        for field in [
            "password",
            "new_password",
            "auth.token",
            "user",
            "mailbox",
            "client.address",
            "body",
        ] {
            assert!(is_private(field), "{field}");
        }
    }

    #[test]
    fn what_operators_need_is_not() {
        for field in [
            "message",
            "group",
            "node",
            "command",
            "uid",
            "error",
            "elapsed_ms",
            "account",
            "bytes",
        ] {
            assert!(!is_private(field), "{field}");
        }
    }
}
