//! Addresses as they stand in an envelope.

use std::fmt;

use crate::grammar;

/// Longest local part. RFC 5321 §4.5.3.1.1 promises 64; senders that encode the recipient or an
/// earlier sender in theirs (VERP, SRS) need more.
pub(crate) const LOCAL_BYTES_MAX: usize = 256;
/// RFC 5321 §4.5.3.1.2.
pub(crate) const DOMAIN_BYTES_MAX: usize = 255;
/// RFC 1035 §2.3.4.
pub(crate) const LABEL_BYTES_MAX: usize = 63;

/// A mail address: a local part that is never empty, and usually a domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mailbox {
    local: Box<str>,
    domain: Option<Box<str>>,
}

impl Mailbox {
    /// Returns an address of its parts, both without quotes, or `None` when there is no way to write
    /// it: an empty or overlong part, or a control character. The caller has checked the domain.
    pub(crate) fn new(local: &str, domain: Option<&str>) -> Option<Self> {
        let writable =
            !local.is_empty() && local.len() <= LOCAL_BYTES_MAX && !local.contains(char::is_control);
        writable.then(|| Self {
            local: local.into(),
            domain: domain.map(Into::into),
        })
    }

    /// Parses an address without angle brackets.
    pub fn parse(text: &str) -> Option<Self> {
        grammar::whole_mailbox(text)
    }

    /// Returns the local part, without quotes and as written: whether case matters is the receiving
    /// side's to say (RFC 5321 §2.4).
    pub fn local(&self) -> &str {
        &self.local
    }

    /// Returns the domain or address literal as written, if there is one. Deliveries to a local name
    /// alone are customary in LMTP.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Returns whether the address needs no SMTPUTF8 (RFC 6531 §3.4).
    pub fn is_ascii(&self) -> bool {
        self.local.is_ascii() && self.domain.as_deref().is_none_or(str::is_ascii)
    }
}

/// Writes the address in wire form, the local part quoted where it must be.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.local.chars().all(|c| grammar::is_atext(c) || c == '.') {
            f.write_str(&self.local)?;
        } else {
            f.write_str("\"")?;
            for c in self.local.chars() {
                if matches!(c, '"' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{c}")?;
            }
            f.write_str("\"")?;
        }
        match &self.domain {
            Some(domain) => write!(f, "@{domain}"),
            None => Ok(()),
        }
    }
}

/// Where a bounce would go (RFC 5321 §4.1.2 `Reverse-path`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`: nowhere, this is a bounce itself or wants none.
    Null,
    /// An address.
    Mailbox(Mailbox),
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

/// For whom mail is (RFC 5321 §4.1.2 `Forward-path`). `<Postmaster>` is a mailbox without domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ForwardPath(pub Mailbox);

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}
