//! LIST, LSUB, XLIST, NAMESPACE and STATUS responses.

use crate::encode;
use crate::list_match::DELIMITER;
use crate::response::{end_line, named_number, separate};
use crate::types::{MailboxName, ModSeq, NameEncoding, SpecialUse, Uid, UidValidity, encode_text};

/// Under which name a listing is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListForm {
    /// `LIST`
    List,
    /// `LSUB`
    Lsub,
    /// `XLIST`
    Xlist,
}

/// An attribute of a listed mailbox.
///
/// `mbx-list-flags` (RFC 3501 §9), with those of RFC 5258 §6, RFC 3348 §4 and RFC 6154 §6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListAttribute {
    /// `\Noinferiors`
    NoInferiors,
    /// `\Noselect`
    NoSelect,
    /// `\Marked`
    Marked,
    /// `\Unmarked`
    Unmarked,
    /// `\NonExistent`
    NonExistent,
    /// `\Subscribed`
    Subscribed,
    /// `\Remote`
    Remote,
    /// `\HasChildren`
    HasChildren,
    /// `\HasNoChildren`
    HasNoChildren,
    /// A special use.
    SpecialUse(SpecialUse),
    /// `\Inbox`, of XLIST alone.
    Inbox,
}

/// Why a parent is listed: what its children matched (RFC 5258 §3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildInfo {
    /// `SUBSCRIBED`
    Subscribed,
    /// `SPECIAL-USE` (RFC 6154 §2)
    SpecialUse,
}

/// One line of a listing.
///
/// `mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox
/// [SP mbox-list-extended]` (RFC 5258 §6)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListResponse<'a> {
    /// The response's name.
    pub form: ListForm,
    /// The attributes.
    pub attributes: &'a [ListAttribute],
    /// The name, decoded; empty in the answer to `LIST "" ""`.
    pub name: &'a str,
    /// CHILDINFO, if not empty.
    pub child_info: &'a [ChildInfo],
    /// OLDNAME: what the mailbox was called before (RFC 9051 §6.3.9.7).
    pub old_name: Option<&'a str>,
}

impl ListAttribute {
    fn name(self) -> &'static str {
        match self {
            Self::NoInferiors => "\\Noinferiors",
            Self::NoSelect => "\\Noselect",
            Self::Marked => "\\Marked",
            Self::Unmarked => "\\Unmarked",
            Self::NonExistent => "\\NonExistent",
            Self::Subscribed => "\\Subscribed",
            Self::Remote => "\\Remote",
            Self::HasChildren => "\\HasChildren",
            Self::HasNoChildren => "\\HasNoChildren",
            Self::SpecialUse(special_use) => special_use.name(),
            Self::Inbox => "\\Inbox",
        }
    }
}

impl ListResponse<'_> {
    /// Appends the response.
    pub fn encode(&self, out: &mut Vec<u8>, names: NameEncoding) {
        out.extend_from_slice(match self.form {
            ListForm::List => b"* LIST ".as_slice(),
            ListForm::Lsub => b"* LSUB ",
            ListForm::Xlist => b"* XLIST ",
        });
        encode::list(out, self.attributes, |out, attribute| {
            out.extend_from_slice(attribute.name().as_bytes())
        });
        out.push(b' ');
        delimiter(out);
        out.push(b' ');
        encode_text(out, self.name, names);
        if !self.child_info.is_empty() || self.old_name.is_some() {
            self.encode_extended(out, names);
        }
        end_line(out);
    }

    /// `mbox-list-extended = "(" [mbox-list-extended-item *(SP mbox-list-extended-item)] ")"`
    /// (RFC 5258 §6)
    fn encode_extended(&self, out: &mut Vec<u8>, names: NameEncoding) {
        out.extend_from_slice(b" (");
        let mut first = true;
        if !self.child_info.is_empty() {
            separate(out, &mut first);
            out.extend_from_slice(b"\"CHILDINFO\" ");
            encode::list(out, self.child_info, |out, info| {
                out.extend_from_slice(match info {
                    ChildInfo::Subscribed => b"\"SUBSCRIBED\"".as_slice(),
                    ChildInfo::SpecialUse => b"\"SPECIAL-USE\"",
                });
            });
        }
        if let Some(old_name) = self.old_name {
            separate(out, &mut first);
            out.extend_from_slice(b"\"OLDNAME\" (");
            encode_text(out, old_name, names);
            out.push(b')');
        }
        out.push(b')');
    }
}

/// One namespace: the prefix of its names, with the delimiter at the end if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamespaceRoot<'a> {
    /// The prefix, decoded.
    pub prefix: &'a str,
}

/// The NAMESPACE response; an empty kind is `NIL`.
///
/// `Namespace-Response = "*" SP "NAMESPACE" SP Namespace SP Namespace SP Namespace` (RFC 2342 §6)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamespaceResponse<'a> {
    /// The user's own.
    pub personal: &'a [NamespaceRoot<'a>],
    /// Those of other users.
    pub other_users: &'a [NamespaceRoot<'a>],
    /// The shared ones.
    pub shared: &'a [NamespaceRoot<'a>],
}

impl NamespaceResponse<'_> {
    /// Appends the response.
    pub fn encode(&self, out: &mut Vec<u8>, names: NameEncoding) {
        out.extend_from_slice(b"* NAMESPACE");
        for roots in [self.personal, self.other_users, self.shared] {
            out.push(b' ');
            if roots.is_empty() {
                encode::nil(out);
                continue;
            }
            out.push(b'(');
            for root in roots {
                out.push(b'(');
                quoted_prefix(out, root.prefix, names);
                out.push(b' ');
                delimiter(out);
                out.push(b')');
            }
            out.push(b')');
        }
        end_line(out);
    }
}

/// A namespace's prefix is a string, never an atom (RFC 2342 §6).
fn quoted_prefix(out: &mut Vec<u8>, prefix: &str, names: NameEncoding) {
    match names {
        NameEncoding::ModifiedUtf7 => encode::string(out, crate::mutf7::encode(prefix).as_bytes()),
        NameEncoding::Utf8 if prefix.is_ascii() => encode::string(out, prefix.as_bytes()),
        NameEncoding::Utf8 => encode::utf8_astring(out, prefix),
    }
}

fn delimiter(out: &mut Vec<u8>) {
    out.extend([b'"', u8::try_from(DELIMITER).unwrap_or(b'/'), b'"']);
}

/// One item of a STATUS response and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusValue<'a> {
    /// `MESSAGES`
    Messages(u32),
    /// `RECENT`
    Recent(u32),
    /// `UIDNEXT`
    UidNext(Uid),
    /// `UIDVALIDITY`
    UidValidity(UidValidity),
    /// `UNSEEN`
    Unseen(u32),
    /// `SIZE`, in bytes
    Size(u64),
    /// `HIGHESTMODSEQ`
    HighestModSeq(ModSeq),
    /// `MAILBOXID`
    MailboxId(&'a str),
    /// `APPENDLIMIT`, in bytes; `None` is `NIL`, no limit (RFC 7889 §3.1)
    AppendLimit(Option<u32>),
    /// `DELETED`
    Deleted(u32),
    /// `DELETED-STORAGE`, in bytes
    DeletedStorage(u64),
}

/// The STATUS response.
///
/// `"STATUS" SP mailbox SP "(" [status-att-list] ")"` (RFC 3501 §9)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusResponse<'a> {
    /// The mailbox.
    pub mailbox: &'a MailboxName,
    /// The values, in the order to be sent.
    pub values: &'a [StatusValue<'a>],
}

impl StatusResponse<'_> {
    /// Appends the response.
    pub fn encode(&self, out: &mut Vec<u8>, names: NameEncoding) {
        out.extend_from_slice(b"* STATUS ");
        self.mailbox.encode(out, names);
        out.extend_from_slice(b" (");
        let mut first = true;
        for value in self.values {
            value.encode(out, &mut first);
        }
        out.push(b')');
        end_line(out);
    }
}

impl StatusValue<'_> {
    fn encode(self, out: &mut Vec<u8>, first: &mut bool) {
        match self {
            Self::Messages(count) => named_number(out, first, "MESSAGES", count.into()),
            Self::Recent(count) => named_number(out, first, "RECENT", count.into()),
            Self::UidNext(uid) => named_number(out, first, "UIDNEXT", uid.0.get().into()),
            Self::UidValidity(validity) => named_number(out, first, "UIDVALIDITY", validity.0.get().into()),
            Self::Unseen(count) => named_number(out, first, "UNSEEN", count.into()),
            Self::Size(bytes) => named_number(out, first, "SIZE", bytes),
            Self::HighestModSeq(value) => named_number(out, first, "HIGHESTMODSEQ", value.get()),
            Self::MailboxId(id) => {
                separate(out, first);
                crate::response::ResponseCode::MailboxId(id).encode(out);
            }
            Self::AppendLimit(Some(bytes)) => named_number(out, first, "APPENDLIMIT", bytes.into()),
            Self::AppendLimit(None) => {
                separate(out, first);
                out.extend_from_slice(b"APPENDLIMIT NIL");
            }
            Self::Deleted(count) => named_number(out, first, "DELETED", count.into()),
            Self::DeletedStorage(bytes) => named_number(out, first, "DELETED-STORAGE", bytes),
        }
    }
}
