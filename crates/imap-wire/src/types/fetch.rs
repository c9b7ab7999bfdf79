//! FETCH items, sections and partials.

use crate::encode::{self, LiteralForm, number};
use std::num::NonZeroU32;

/// One data item that FETCH asks for.
///
/// `fetch-att` (RFC 3501 §9), with those of RFC 7162 §7 and RFC 8474 §7. BINARY (RFC 3516) will be a
/// variant of its own beside [`FetchItem::Body`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchItem {
    /// `UID`
    Uid,
    /// `FLAGS`
    Flags,
    /// `INTERNALDATE`
    InternalDate,
    /// `RFC822.SIZE`
    Rfc822Size,
    /// `ENVELOPE`
    Envelope,
    /// `BODY` without a section: the structure without extension data.
    BodyWithoutExtensions,
    /// `BODYSTRUCTURE`
    BodyStructure,
    /// `RFC822`, answered under that name; sets `\Seen`.
    Rfc822,
    /// `RFC822.HEADER`, answered under that name; does not set `\Seen`.
    Rfc822Header,
    /// `RFC822.TEXT`, answered under that name; sets `\Seen`.
    Rfc822Text,
    /// `BODY[...]<...>` or `BODY.PEEK[...]<...>`
    Body {
        /// Whether it was `BODY.PEEK`, which leaves `\Seen` alone.
        peek: bool,
        /// What is asked for.
        section: Section,
        /// The part of it that is asked for.
        partial: Option<Partial>,
    },
    /// `MODSEQ` (RFC 7162 §3.1.4)
    ModSeq,
    /// `EMAILID` (RFC 8474 §5.1)
    EmailId,
    /// `THREADID` (RFC 8474 §5.2)
    ThreadId,
}

/// A macro, which stands alone in place of the items (RFC 3501 §6.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchMacro {
    /// `ALL`
    All,
    /// `FAST`
    Fast,
    /// `FULL`
    Full,
}

impl FetchMacro {
    /// Returns the items that the macro stands for.
    pub fn items(self) -> Vec<FetchItem> {
        let mut items = vec![FetchItem::Flags, FetchItem::InternalDate, FetchItem::Rfc822Size];
        if matches!(self, Self::All | Self::Full) {
            items.push(FetchItem::Envelope);
        }
        if self == Self::Full {
            items.push(FetchItem::BodyWithoutExtensions);
        }
        items
    }
}

/// Which bytes of a message `BODY[...]` names.
///
/// `section = "[" [section-spec] "]"` (RFC 3501 §9)
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// The part's numbers, outermost first; empty for the message itself.
    pub part: Vec<NonZeroU32>,
    /// What of the part, or `None` for all of it.
    pub text: Option<SectionText>,
}

/// What of a message or part a section names.
///
/// `section-text = section-msgtext / "MIME"` (RFC 3501 §9)
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionText {
    /// `HEADER`
    Header,
    /// `HEADER.FIELDS`, with the names as the client wrote them.
    HeaderFields(Vec<Vec<u8>>),
    /// `HEADER.FIELDS.NOT`, with the names as the client wrote them.
    HeaderFieldsNot(Vec<Vec<u8>>),
    /// `TEXT`
    Text,
    /// `MIME`, of a part only.
    Mime,
}

/// The part of a section that is asked for.
///
/// `partial = "<" number "." nz-number ">"` (RFC 3501 §9). RFC 9051 §9 has number64 here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial {
    /// The first byte, counted from zero.
    pub origin: u64,
    /// The most bytes to send.
    pub length: u64,
}

impl Section {
    /// Appends the section with its brackets, as a response writes it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_as(out, LiteralForm::Synchronising);
    }

    fn encode_as(&self, out: &mut Vec<u8>, form: LiteralForm) {
        out.push(b'[');
        for (index, number) in self.part.iter().enumerate() {
            if index > 0 {
                out.push(b'.');
            }
            encode::number(out, u64::from(number.get()));
        }
        if let Some(text) = &self.text {
            if !self.part.is_empty() {
                out.push(b'.');
            }
            text.encode(out, form);
        }
        out.push(b']');
    }
}

impl SectionText {
    fn encode(&self, out: &mut Vec<u8>, form: LiteralForm) {
        match self {
            Self::Header => out.extend_from_slice(b"HEADER"),
            Self::HeaderFields(names) => header_fields(out, b"HEADER.FIELDS ", names, form),
            Self::HeaderFieldsNot(names) => header_fields(out, b"HEADER.FIELDS.NOT ", names, form),
            Self::Text => out.extend_from_slice(b"TEXT"),
            Self::Mime => out.extend_from_slice(b"MIME"),
        }
    }
}

fn header_fields(out: &mut Vec<u8>, name: &[u8], fields: &[Vec<u8>], form: LiteralForm) {
    out.extend_from_slice(name);
    encode::list(out, fields, |out, field| encode::astring_as(out, field, form));
}

impl FetchItem {
    /// Appends the item as a command writes it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let name: &[u8] = match self {
            Self::Uid => b"UID",
            Self::Flags => b"FLAGS",
            Self::InternalDate => b"INTERNALDATE",
            Self::Rfc822Size => b"RFC822.SIZE",
            Self::Envelope => b"ENVELOPE",
            Self::BodyWithoutExtensions => b"BODY",
            Self::BodyStructure => b"BODYSTRUCTURE",
            Self::Rfc822 => b"RFC822",
            Self::Rfc822Header => b"RFC822.HEADER",
            Self::Rfc822Text => b"RFC822.TEXT",
            Self::Body { peek: true, .. } => b"BODY.PEEK",
            Self::Body { peek: false, .. } => b"BODY",
            Self::ModSeq => b"MODSEQ",
            Self::EmailId => b"EMAILID",
            Self::ThreadId => b"THREADID",
        };
        out.extend_from_slice(name);
        if let Self::Body { section, partial, .. } = self {
            section.encode_as(out, LiteralForm::NonSynchronising);
            if let Some(partial) = partial {
                out.push(b'<');
                number(out, partial.origin);
                out.push(b'.');
                number(out, partial.length);
                out.push(b'>');
            }
        }
    }
}
