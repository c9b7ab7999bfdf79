//! The SASL mechanisms that are offered.

use std::fmt;
use std::str::FromStr;

use mailstore::ports::ChannelBinding;

/// A SASL mechanism (RFC 4422).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// `PLAIN`, RFC 4616.
    Plain,
    /// `LOGIN`, never standardised (draft-murchison-sasl-login-00), spoken by Outlook.
    Login,
    /// `SCRAM-SHA-256`, RFC 7677.
    ScramSha256,
    /// `SCRAM-SHA-256-PLUS`, RFC 7677, with channel binding.
    ScramSha256Plus,
}

impl Mechanism {
    /// Every mechanism, best first: clients are shown them in this order.
    pub const ALL: [Self; 4] = [Self::ScramSha256Plus, Self::ScramSha256, Self::Plain, Self::Login];

    /// Returns the registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
        }
    }

    /// Returns whether the mechanism sends the password itself, so that it is offered under TLS only
    /// (RFC 4616 §6).
    pub fn sends_password(self) -> bool {
        matches!(self, Self::Plain | Self::Login)
    }

    /// Returns whether the mechanism can be offered on a connection with these properties.
    pub fn is_offered(self, encrypted: bool, binding: &ChannelBinding) -> bool {
        match self {
            Self::Plain | Self::Login => encrypted,
            Self::ScramSha256 => true,
            Self::ScramSha256Plus => has_binding(binding),
        }
    }

    /// Returns what to send to a client that gave no initial response (RFC 4959 §3), before its
    /// first message: nothing for mechanisms in which the client speaks first.
    pub fn opening_challenge(self) -> &'static [u8] {
        match self {
            Self::Login => b"Username:",
            Self::Plain | Self::ScramSha256 | Self::ScramSha256Plus => b"",
        }
    }
}

/// Returns whether any channel binding exists on the connection.
pub(crate) fn has_binding(binding: &ChannelBinding) -> bool {
    binding.tls_exporter.is_some() || binding.tls_server_end_point.is_some()
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name is not that of an offered mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown SASL mechanism")]
pub struct UnknownMechanism;

impl FromStr for Mechanism {
    type Err = UnknownMechanism;

    /// Mechanism names are upper case (RFC 4422 §3.1), but IMAP arguments are not case-sensitive
    /// (RFC 3501 §9).
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|m| m.as_str().eq_ignore_ascii_case(name))
            .ok_or(UnknownMechanism)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn names_round_trip_in_any_case() {
        for mechanism in Mechanism::ALL {
            assert_eq!(mechanism.as_str().parse(), Ok(mechanism));
            assert_eq!(mechanism.as_str().to_lowercase().parse(), Ok(mechanism));
        }
        assert_eq!("CRAM-MD5".parse::<Mechanism>(), Err(UnknownMechanism));
    }

    #[test]
    fn what_is_offered_depends_on_the_connection() {
        let none = ChannelBinding::default();
        let some = ChannelBinding {
            tls_exporter: Some(Bytes::from_static(b"x")),
            ..none.clone()
        };
        let offered = |encrypted, binding: &ChannelBinding| {
            let list = Mechanism::ALL
                .into_iter()
                .filter(|m| m.is_offered(encrypted, binding));
            list.map(Mechanism::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(offered(false, &none), "SCRAM-SHA-256");
        assert_eq!(offered(true, &none), "SCRAM-SHA-256 PLAIN LOGIN");
        assert_eq!(
            offered(true, &some),
            "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"
        );
    }
}
