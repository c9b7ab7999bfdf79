//! The part map as the scanner builds it.

use super::content::Content;
use crate::span::Span;

/// What a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// Bytes without inner structure (or one that lies beyond the limits).
    Leaf,
    /// A multipart; its parts are its children.
    Multipart,
    /// A `message/rfc822`; its only child is the message inside.
    Message,
}

/// How a part's body is encoded (RFC 2045 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransferEncoding {
    /// `7bit`, `8bit` or `binary`, or no word on it: the bytes are the content.
    #[default]
    Identity,
    /// `quoted-printable`
    QuotedPrintable,
    /// `base64`
    Base64,
    /// A mechanism that no RFC defines; the content is opaque (RFC 2045 §6.4).
    Unknown,
}

impl TransferEncoding {
    /// Returns the encoding that a Content-Transfer-Encoding mechanism names, ignoring case.
    pub(crate) fn named(mechanism: &[u8]) -> Self {
        match mechanism.to_ascii_lowercase().as_slice() {
            b"7bit" | b"8bit" | b"binary" => Self::Identity,
            b"quoted-printable" => Self::QuotedPrintable,
            b"base64" => Self::Base64,
            _ => Self::Unknown,
        }
    }
}

/// One node of the part tree; the nodes of a tree stand in reading order, parents first.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub kind: PartKind,
    /// The header block with its blank line.
    pub header: Span,
    pub body: Span,
    /// How many line endings the body holds.
    pub lines: u32,
    pub content: Content,
    pub children: Vec<usize>,
}

impl Node {
    /// Tells whether the part is text, said or by default (RFC 2045 §5.2).
    pub fn is_text(&self) -> bool {
        match &self.content.media_type {
            Some(media_type) => media_type.main.eq_ignore_ascii_case(b"text"),
            None => self.kind == PartKind::Leaf,
        }
    }

    /// Returns the encoding of the body.
    pub fn encoding(&self) -> TransferEncoding {
        let mechanism = self.content.transfer_encoding.as_deref();
        mechanism.map(TransferEncoding::named).unwrap_or_default()
    }
}
