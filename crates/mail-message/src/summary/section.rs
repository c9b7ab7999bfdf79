//! Where the sections of FETCH BODY[...] lie (RFC 3501 §6.4.5).

use super::parts::{PartRef, Parts};
use crate::mime::part::PartKind;
use crate::span::Span;

/// What of a part is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// `BODY[]`, `BODY[1.2]`: the whole message, or the body of a part.
    Whole,
    /// `BODY[HEADER]`, `BODY[1.HEADER]`: the header of the message, or of the one inside a part.
    Header,
    /// `BODY[TEXT]`, `BODY[1.TEXT]`: the text of the message, or of the one inside a part.
    Text,
    /// `BODY[1.MIME]`: the header of the part itself.
    Mime,
}

impl<'a> Parts<'a> {
    /// Returns the part that a part number names; no numbers name the message itself.
    pub fn part(&self, path: &[u32]) -> Option<PartRef<'a>> {
        self.get(self.place(path)?)
    }

    /// Returns where a section lies, or `None` when the message has no such section.
    pub fn section(&self, path: &[u32], section: Section) -> Option<Span> {
        if path.is_empty() {
            let message = self.get(0)?;
            return match section {
                Section::Whole => Some(Span::new(message.header().start(), message.body().end())),
                Section::Header => Some(message.header()),
                Section::Text => Some(message.body()),
                Section::Mime => None,
            };
        }
        let place = self.place(path)?;
        let part = self.get(place)?;
        match section {
            Section::Whole => Some(part.body()),
            Section::Mime => Some(part.header()),
            Section::Header => Some(self.inner_message(place)?.header()),
            Section::Text => Some(self.inner_message(place)?.body()),
        }
    }

    fn inner_message(&self, place: usize) -> Option<PartRef<'a>> {
        let part = self.get(place)?;
        if part.kind() == PartKind::Message {
            self.get(self.child(place, 1)?)
        } else {
            None
        }
    }

    /// Follows a part number. "Every message has at least one part number": a message that is no
    /// multipart has itself as part 1 (RFC 3501 §6.4.5).
    fn place(&self, path: &[u32]) -> Option<usize> {
        let mut place = 0;
        let mut is_message = true;
        for &number in path {
            let part = self.get(place)?;
            if !is_message && part.kind() == PartKind::Message {
                place = self.child(place, 1)?;
                is_message = true;
            }
            place = match self.get(place)?.kind() {
                PartKind::Multipart => self.child(place, number)?,
                PartKind::Leaf | PartKind::Message if is_message && number == 1 => place,
                PartKind::Leaf | PartKind::Message => return None,
            };
            is_message = false;
        }
        Some(place)
    }
}
