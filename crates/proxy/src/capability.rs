//! What is announced to whom, and thereby what is permitted.

use imap_wire::types::{Capability, SaslMechanism};

/// What decides on the capabilities of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Offer {
    pub(crate) logged_in: bool,
    /// The client may start TLS.
    pub(crate) starttls: bool,
    /// Passwords may be sent.
    pub(crate) passwords: bool,
    /// SCRAM can be bound to the TLS connection.
    pub(crate) channel_binding: bool,
    /// The connection may be compressed.
    pub(crate) compress: bool,
    /// It is compressed already.
    pub(crate) compressed: bool,
    pub(crate) append_bytes_max: u32,
}

/// Usable in every state, so announced in every state.
const ALWAYS: [Capability; 5] = [
    Capability::Imap4Rev1,
    Capability::SaslIr,
    Capability::LiteralPlus,
    Capability::Enable,
    Capability::Id,
];

/// Usable after login, and announced only there (PROTOCOL §1).
const AFTER_LOGIN: [Capability; 22] = [
    Capability::Idle,
    Capability::Namespace,
    Capability::Unselect,
    Capability::UidPlus,
    Capability::Move,
    Capability::Children,
    Capability::ListExtended,
    Capability::ListStatus,
    Capability::SpecialUse,
    Capability::CreateSpecialUse,
    Capability::XList,
    Capability::ESearch,
    Capability::SearchRes,
    Capability::Within,
    Capability::StatusSize,
    Capability::CondStore,
    Capability::QResync,
    Capability::Quota,
    Capability::QuotaResStorage,
    Capability::QuotaResMessage,
    Capability::Utf8Accept,
    Capability::ObjectId,
];

impl Offer {
    /// Lists the capabilities, in the order in which they are announced.
    pub(crate) fn capabilities(&self) -> Vec<Capability> {
        let mut list = ALWAYS.to_vec();
        if self.logged_in {
            list.extend(AFTER_LOGIN);
            list.push(Capability::AppendLimit(Some(self.append_bytes_max)));
            if self.compress && !self.compressed {
                list.push(Capability::CompressDeflate);
            }
        } else {
            self.extend_before_login(&mut list);
        }
        list
    }

    fn extend_before_login(&self, list: &mut Vec<Capability>) {
        if self.starttls {
            list.push(Capability::StartTls);
        }
        if !self.passwords {
            // RFC 3501 §6.2.3, RFC 8314 §4.1: no mechanism that sends a password without TLS.
            list.push(Capability::LoginDisabled);
            return;
        }
        list.push(Capability::Auth(SaslMechanism::Plain));
        list.push(Capability::Auth(SaslMechanism::Login));
        list.push(Capability::Auth(SaslMechanism::ScramSha256));
        if self.channel_binding {
            list.push(Capability::Auth(SaslMechanism::ScramSha256Plus));
        }
    }

    /// Tells whether commands of this capability are permitted.
    pub(crate) fn has(&self, capability: Capability) -> bool {
        // RFC 4978 §3 has an answer of its own for a second COMPRESS.
        let compresses = self.compress && capability == Capability::CompressDeflate;
        compresses || self.capabilities().contains(&capability)
    }
}

/// Leaves the capabilities with these names out.
pub(crate) fn announced(mut list: Vec<Capability>, hidden: &[String]) -> Vec<Capability> {
    list.retain(|capability| !hidden.iter().any(|name| is_named(*capability, name)));
    list
}

/// Tells whether this is the name of a capability that is announced and may be left out. What the protocol
/// or the safety of passwords rests on may not.
#[must_use]
pub fn can_be_hidden(name: &str) -> bool {
    let richest = Offer {
        logged_in: true,
        starttls: false,
        passwords: true,
        channel_binding: true,
        compress: true,
        compressed: false,
        append_bytes_max: 0,
    };
    let mut list = richest.capabilities();
    richest.extend_before_login(&mut list);
    list.retain(|capability| *capability != Capability::Imap4Rev1);
    list.into_iter().any(|capability| is_named(capability, name))
}

/// Compares without the parameter of `APPENDLIMIT=n`, which varies.
fn is_named(capability: Capability, name: &str) -> bool {
    let capability = match capability {
        Capability::AppendLimit(_) => Capability::AppendLimit(None),
        other => other,
    };
    let mut encoded = Vec::new();
    capability.encode(&mut encoded);
    encoded.eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: Offer = Offer {
        logged_in: false,
        starttls: true,
        passwords: false,
        channel_binding: false,
        compress: true,
        compressed: false,
        append_bytes_max: 1,
    };

    /// RFC 3501 §6.2.3: LOGINDISABLED stands until the connection is encrypted.
    #[test]
    fn passwords_wait_for_tls() {
        let list = BARE.capabilities();
        assert!(list.contains(&Capability::StartTls) && list.contains(&Capability::LoginDisabled));
        assert!(!list.iter().any(|one| matches!(one, Capability::Auth(_))));
        let secure = Offer {
            starttls: false,
            passwords: true,
            channel_binding: true,
            ..BARE
        };
        let list = secure.capabilities();
        assert!(list.contains(&Capability::Auth(SaslMechanism::ScramSha256Plus)));
        assert!(!list.contains(&Capability::LoginDisabled) && !list.contains(&Capability::StartTls));
    }

    /// RFC 4978 §3: COMPRESS=DEFLATE is not announced once it is active.
    #[test]
    fn compression_is_announced_once() {
        let after = Offer {
            logged_in: true,
            ..BARE
        };
        assert!(after.capabilities().contains(&Capability::CompressDeflate));
        let compressed = Offer {
            compressed: true,
            ..after
        };
        assert!(!compressed.capabilities().contains(&Capability::CompressDeflate));
        assert!(!after.capabilities().contains(&Capability::StartTls));
        assert!(compressed.has(Capability::CompressDeflate), "to say so");
        let never = Offer {
            compress: false,
            ..after
        };
        assert!(!never.capabilities().contains(&Capability::CompressDeflate));
        assert!(!never.has(Capability::CompressDeflate));
    }

    #[test]
    fn only_what_is_announced_and_can_be_spared_is_hidden() {
        for name in [
            "QRESYNC",
            "qresync",
            "APPENDLIMIT",
            "AUTH=PLAIN",
            "COMPRESS=DEFLATE",
        ] {
            assert!(can_be_hidden(name), "{name}");
        }
        for name in ["IMAP4rev1", "LOGINDISABLED", "STARTTLS", "NOTIFY", ""] {
            assert!(!can_be_hidden(name), "{name}");
        }
        let hidden = ["qresync".to_owned(), "APPENDLIMIT".to_owned()];
        let list = vec![
            Capability::CondStore,
            Capability::QResync,
            Capability::AppendLimit(Some(7)),
        ];
        assert_eq!(announced(list, &hidden), [Capability::CondStore]);
    }
}
