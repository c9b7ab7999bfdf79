//! Access to the fields of a stored summary without decoding the others.

use super::layout::{FLAG_HEADER_INLINE, FLAG_SENT_DATE, Head, List, SLOTS, Slot, read};
use super::parts::{PartRef, Parts};
use super::section::Section;
use crate::error::Error;
use crate::header::date::SentDate;
use crate::span::{Span, index};

/// A stored summary, borrowed. Every accessor returns stored bytes without copying them.
#[derive(Debug, Clone, Copy)]
pub struct SummaryRef<'a> {
    bytes: &'a [u8],
    head: Head,
    ends: [u32; SLOTS + 1],
}

/// What SORT compares (RFC 5256 §2.2, RFC 5957). Text is folded after `i;unicode-casemap` (RFC 5051), so
/// comparing bytes gives that collation's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortKeys<'a> {
    /// SUBJECT: the base subject (RFC 5256 §2.1). Also what THREAD=ORDEREDSUBJECT groups by.
    pub base_subject: &'a [u8],
    /// FROM: the first address's mailbox.
    pub from: &'a [u8],
    /// TO: the first address's mailbox.
    pub to: &'a [u8],
    /// CC: the first address's mailbox.
    pub cc: &'a [u8],
    /// DISPLAYFROM (RFC 5957 §3).
    pub display_from: &'a [u8],
    /// DISPLAYTO (RFC 5957 §3).
    pub display_to: &'a [u8],
}

/// What THREAD=REFERENCES links by (RFC 5256 §3): message identifiers without angle brackets, normalised.
#[derive(Debug, Clone, Copy)]
pub struct ThreadKeys<'a> {
    message_id: &'a [u8],
    in_reply_to: &'a [u8],
    references: &'a [u8],
}

impl<'a> ThreadKeys<'a> {
    /// Returns the message's own identifier.
    pub fn message_id(&self) -> Option<&'a [u8]> {
        List(self.message_id).next()
    }

    /// Returns the first identifier of In-Reply-To.
    pub fn in_reply_to(&self) -> Option<&'a [u8]> {
        List(self.in_reply_to).next()
    }

    /// Returns the ancestors, oldest first: those of References or, without any there, the first of
    /// In-Reply-To (RFC 5256 §3, step 1).
    pub fn ancestors(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let source = if self.references.is_empty() {
            self.in_reply_to
        } else {
            self.references
        };
        List(source)
    }
}

impl<'a> SummaryRef<'a> {
    /// Reads the table of contents; costs the same however large the summary is.
    ///
    /// # Errors
    /// [`Error::OtherVersion`] or [`Error::Damaged`]: the summary is to be made again. Only lengths are
    /// checked here; whoever stores a summary guards its bytes with a checksum.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let (head, ends) = read(bytes)?;
        Ok(Self { bytes, head, ends })
    }

    /// Returns the size of the message in bytes (RFC822.SIZE).
    pub fn size(&self) -> u32 {
        self.section(&[], Section::Whole).map_or(0, Span::len)
    }

    /// Returns the ENVELOPE value as it goes on the wire: `envelope` (RFC 3501 §9).
    pub fn envelope(&self) -> &'a [u8] {
        self.slot(Slot::Envelope)
    }

    /// Returns the BODY value as it goes on the wire: `body` without extension data (RFC 3501 §9).
    pub fn body(&self) -> &'a [u8] {
        self.slot(Slot::Body)
    }

    /// Returns the BODYSTRUCTURE value as it goes on the wire: `body` (RFC 3501 §9).
    pub fn bodystructure(&self) -> &'a [u8] {
        self.slot(Slot::BodyStructure)
    }

    /// Returns the message's header block if it is at most
    /// [`crate::limits::HEADER_INLINE_BYTES_MAX`] long; else it is to be read from the message, from
    /// the range of `section(&[], Section::Header)`.
    pub fn header(&self) -> Option<&'a [u8]> {
        (self.head.flags & FLAG_HEADER_INLINE != 0).then(|| self.slot(Slot::Header))
    }

    /// Returns the preview text, plain and on one line (RFC 8970 §3.1); may be empty.
    pub fn preview(&self) -> &'a str {
        std::str::from_utf8(self.slot(Slot::Preview)).unwrap_or_default()
    }

    /// Returns the Date field, if there is a valid one. SORT and THREAD fall back on INTERNALDATE
    /// (RFC 5256 §2.2).
    pub fn sent_date(&self) -> Option<SentDate> {
        (self.head.flags & FLAG_SENT_DATE != 0).then_some(SentDate {
            unix_seconds: self.head.sent_seconds,
            offset_minutes: self.head.zone_minutes,
        })
    }

    /// Returns the sort keys.
    pub fn sort_keys(&self) -> SortKeys<'a> {
        SortKeys {
            base_subject: self.slot(Slot::BaseSubject),
            from: self.slot(Slot::SortFrom),
            to: self.slot(Slot::SortTo),
            cc: self.slot(Slot::SortCc),
            display_from: self.slot(Slot::DisplayFrom),
            display_to: self.slot(Slot::DisplayTo),
        }
    }

    /// Returns the thread keys.
    pub fn thread_keys(&self) -> ThreadKeys<'a> {
        ThreadKeys {
            message_id: self.slot(Slot::MessageId),
            in_reply_to: self.slot(Slot::InReplyTo),
            references: self.slot(Slot::References),
        }
    }

    /// Returns all parts.
    pub fn parts(&self) -> Parts<'a> {
        Parts::new(self.slot(Slot::Parts), self.slot(Slot::Names))
    }

    /// Returns the part that a part number such as `1.2` names (RFC 3501 §6.4.5).
    pub fn part(&self, path: &[u32]) -> Option<PartRef<'a>> {
        self.parts().part(path)
    }

    /// Returns where a section lies in the message, or `None` when there is no such section; FETCH then
    /// answers with an empty string. HEADER.FIELDS filters what `Section::Header` gives, and partials are
    /// [`Span::partial`].
    pub fn section(&self, path: &[u32], section: Section) -> Option<Span> {
        self.parts().section(path, section)
    }

    fn slot(&self, slot: Slot) -> &'a [u8] {
        let at = slot as usize;
        let bounds = self.ends.get(at).zip(self.ends.get(at + 1));
        bounds
            .and_then(|(start, end)| self.bytes.get(index(*start)..index(*end)))
            .unwrap_or_default()
    }
}
