//! Response codes.

use crate::encode::{self, number};
use crate::response::{NumberRange, number_set};
use crate::types::{Capability, FlagRef, ModSeq, SeqNum, Uid, UidValidity};

/// A response code, which tells a program what the text tells a person.
///
/// `resp-text-code` (RFC 3501 §9), with those of the documents named at the variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseCode<'a> {
    /// `ALERT` (RFC 3501 §7.1): the text must be shown.
    Alert,
    /// `BADCHARSET` (RFC 3501 §7.1), with the charsets that are known.
    BadCharset(&'a [&'a str]),
    /// `CAPABILITY` (RFC 3501 §7.1)
    Capability(&'a [Capability]),
    /// `PARSE` (RFC 3501 §7.1)
    Parse,
    /// `PERMANENTFLAGS` (RFC 3501 §7.1)
    PermanentFlags(&'a [FlagRef<'a>]),
    /// `READ-ONLY` (RFC 3501 §7.1)
    ReadOnly,
    /// `READ-WRITE` (RFC 3501 §7.1)
    ReadWrite,
    /// `TRYCREATE` (RFC 3501 §7.1)
    TryCreate,
    /// `UIDNEXT` (RFC 3501 §7.1)
    UidNext(Uid),
    /// `UIDVALIDITY` (RFC 3501 §7.1)
    UidValidity(UidValidity),
    /// `UNSEEN` (RFC 3501 §7.1)
    Unseen(SeqNum),
    /// `APPENDUID` (RFC 4315 §3)
    AppendUid(UidValidity, &'a [NumberRange]),
    /// `COPYUID` (RFC 4315 §3): UIDVALIDITY of the target, UIDs there were, UIDs there are.
    CopyUid(UidValidity, &'a [NumberRange], &'a [NumberRange]),
    /// `UIDNOTSTICKY` (RFC 4315 §3)
    UidNotSticky,
    /// `UNKNOWN-CTE` (RFC 3516 §4.3)
    UnknownCte,
    /// `TOOBIG` (RFC 4469 §4.2, RFC 7889 §4)
    TooBig,
    /// `COMPRESSIONACTIVE` (RFC 4978 §3)
    CompressionActive,
    /// `NOTSAVED` (RFC 5182 §2.1)
    NotSaved,
    /// `UNAVAILABLE` (RFC 5530 §3)
    Unavailable,
    /// `AUTHENTICATIONFAILED` (RFC 5530 §3)
    AuthenticationFailed,
    /// `AUTHORIZATIONFAILED` (RFC 5530 §3)
    AuthorizationFailed,
    /// `EXPIRED` (RFC 5530 §3)
    Expired,
    /// `PRIVACYREQUIRED` (RFC 5530 §3)
    PrivacyRequired,
    /// `CONTACTADMIN` (RFC 5530 §3)
    ContactAdmin,
    /// `NOPERM` (RFC 5530 §3)
    NoPerm,
    /// `INUSE` (RFC 5530 §3)
    InUse,
    /// `EXPUNGEISSUED` (RFC 5530 §3)
    ExpungeIssued,
    /// `CORRUPTION` (RFC 5530 §3)
    Corruption,
    /// `SERVERBUG` (RFC 5530 §3)
    ServerBug,
    /// `CLIENTBUG` (RFC 5530 §3)
    ClientBug,
    /// `CANNOT` (RFC 5530 §3)
    Cannot,
    /// `LIMIT` (RFC 5530 §3)
    Limit,
    /// `OVERQUOTA` (RFC 5530 §3, RFC 9208 §4.3.1)
    OverQuota,
    /// `ALREADYEXISTS` (RFC 5530 §3)
    AlreadyExists,
    /// `NONEXISTENT` (RFC 5530 §3)
    NonExistent,
    /// `USEATTR` (RFC 6154 §3)
    UseAttr,
    /// `HIGHESTMODSEQ` (RFC 7162 §3.1.2.1)
    HighestModSeq(ModSeq),
    /// `NOMODSEQ` (RFC 7162 §3.1.2.2)
    NoModSeq,
    /// `MODIFIED` (RFC 7162 §3.1.3)
    Modified(&'a [NumberRange]),
    /// `CLOSED` (RFC 7162 §3.2.11)
    Closed,
    /// `MAILBOXID` (RFC 8474 §4.1)
    MailboxId(&'a str),
    /// `HASCHILDREN` (RFC 9051 §7.1)
    HasChildren,
}

impl ResponseCode<'_> {
    /// Appends the code without its brackets.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.name().as_bytes());
        match self {
            Self::BadCharset([]) => {}
            Self::BadCharset(names) => {
                out.push(b' ');
                encode::list(out, *names, |out, name| encode::astring(out, name.as_bytes()));
            }
            Self::Capability(capabilities) => {
                for capability in *capabilities {
                    out.push(b' ');
                    capability.encode(out);
                }
            }
            Self::PermanentFlags(flags) => {
                out.push(b' ');
                encode::list(out, *flags, |out, flag| flag.encode(out));
            }
            Self::UidNext(uid) => argument(out, uid.0.get()),
            Self::UidValidity(validity) => argument(out, validity.0.get()),
            Self::Unseen(number) => argument(out, number.0.get()),
            Self::AppendUid(validity, uids) => {
                argument(out, validity.0.get());
                set_argument(out, uids);
            }
            Self::CopyUid(validity, from, to) => {
                argument(out, validity.0.get());
                set_argument(out, from);
                set_argument(out, to);
            }
            Self::HighestModSeq(value) => {
                out.push(b' ');
                number(out, value.get());
            }
            Self::Modified(set) => set_argument(out, set),
            Self::MailboxId(id) => {
                out.extend_from_slice(b" (");
                out.extend(
                    id.bytes()
                        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')),
                );
                out.push(b')');
            }
            _ => {}
        }
    }

    /// Returns the code's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Alert => "ALERT",
            Self::BadCharset(_) => "BADCHARSET",
            Self::Capability(_) => "CAPABILITY",
            Self::Parse => "PARSE",
            Self::PermanentFlags(_) => "PERMANENTFLAGS",
            Self::ReadOnly => "READ-ONLY",
            Self::ReadWrite => "READ-WRITE",
            Self::TryCreate => "TRYCREATE",
            Self::UidNext(_) => "UIDNEXT",
            Self::UidValidity(_) => "UIDVALIDITY",
            Self::Unseen(_) => "UNSEEN",
            Self::AppendUid(..) => "APPENDUID",
            Self::CopyUid(..) => "COPYUID",
            Self::UidNotSticky => "UIDNOTSTICKY",
            Self::UnknownCte => "UNKNOWN-CTE",
            Self::TooBig => "TOOBIG",
            Self::CompressionActive => "COMPRESSIONACTIVE",
            Self::NotSaved => "NOTSAVED",
            Self::Unavailable => "UNAVAILABLE",
            Self::AuthenticationFailed => "AUTHENTICATIONFAILED",
            Self::AuthorizationFailed => "AUTHORIZATIONFAILED",
            Self::Expired => "EXPIRED",
            Self::PrivacyRequired => "PRIVACYREQUIRED",
            Self::ContactAdmin => "CONTACTADMIN",
            Self::NoPerm => "NOPERM",
            Self::InUse => "INUSE",
            Self::ExpungeIssued => "EXPUNGEISSUED",
            Self::Corruption => "CORRUPTION",
            Self::ServerBug => "SERVERBUG",
            Self::ClientBug => "CLIENTBUG",
            Self::Cannot => "CANNOT",
            Self::Limit => "LIMIT",
            Self::OverQuota => "OVERQUOTA",
            Self::AlreadyExists => "ALREADYEXISTS",
            Self::NonExistent => "NONEXISTENT",
            Self::UseAttr => "USEATTR",
            Self::HighestModSeq(_) => "HIGHESTMODSEQ",
            Self::NoModSeq => "NOMODSEQ",
            Self::Modified(_) => "MODIFIED",
            Self::Closed => "CLOSED",
            Self::MailboxId(_) => "MAILBOXID",
            Self::HasChildren => "HASCHILDREN",
        }
    }
}

fn argument(out: &mut Vec<u8>, value: u32) {
    out.push(b' ');
    number(out, u64::from(value));
}

fn set_argument(out: &mut Vec<u8>, set: &[NumberRange]) {
    out.push(b' ');
    number_set(out, set.iter().cloned());
}
