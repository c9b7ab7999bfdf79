//! QUOTA and QUOTAROOT responses.

use crate::encode::{self, number};
use crate::response::end_line;
use crate::types::{MailboxName, NameEncoding};

/// A resource that a quota limits (RFC 9208 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaResource {
    /// `STORAGE`, in units of 1024 bytes.
    Storage,
    /// `MESSAGE`
    Message,
    /// `MAILBOX`
    Mailbox,
}

/// How much of a resource is used and allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaUsage {
    /// Which resource.
    pub resource: QuotaResource,
    /// How much is used, in the resource's unit.
    pub used: u64,
    /// How much is allowed, in the resource's unit.
    pub limit: u64,
}

impl QuotaResource {
    fn name(self) -> &'static str {
        match self {
            Self::Storage => "STORAGE",
            Self::Message => "MESSAGE",
            Self::Mailbox => "MAILBOX",
        }
    }
}

/// Appends `* QUOTA root (...)`.
///
/// `quota-response = "QUOTA" SP quota-root-name SP quota-list` (RFC 9208 §7)
pub fn quota(out: &mut Vec<u8>, root: &str, usages: &[QuotaUsage]) {
    out.extend_from_slice(b"* QUOTA ");
    encode::astring(out, root.as_bytes());
    out.push(b' ');
    encode::list(out, usages, |out, usage| {
        out.extend_from_slice(usage.resource.name().as_bytes());
        out.push(b' ');
        number(out, usage.used);
        out.push(b' ');
        number(out, usage.limit);
    });
    end_line(out);
}

/// Appends `* QUOTAROOT mailbox root...`.
///
/// `quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name)` (RFC 9208 §7)
pub fn quota_root(out: &mut Vec<u8>, mailbox: &MailboxName, roots: &[&str], names: NameEncoding) {
    out.extend_from_slice(b"* QUOTAROOT ");
    mailbox.encode(out, names);
    for root in roots {
        out.push(b' ');
        encode::astring(out, root.as_bytes());
    }
    end_line(out);
}
