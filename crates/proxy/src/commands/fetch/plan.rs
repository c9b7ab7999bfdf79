//! What a FETCH needs, read from its items (RFC 3501 §6.4.5).

use imap_wire::types::{FetchItem, Partial, Section, SectionText};
use mail_message::{FieldSelection, Section as Part};

/// The items of a FETCH, by what they cost. Every item is answered once, however often it was named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) uid: bool,
    pub(crate) flags: bool,
    pub(crate) modseq: bool,
    pub(crate) internal_date: bool,
    pub(crate) size: bool,
    pub(crate) email_id: bool,
    pub(crate) thread_id: bool,
    pub(crate) envelope: bool,
    pub(crate) body: bool,
    pub(crate) body_structure: bool,
    /// Sections in the client's order.
    pub(crate) sections: Vec<SectionItem>,
    /// Whether some section sets `\Seen`.
    pub(crate) sets_seen: bool,
}

/// A piece of the message's bytes that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SectionItem {
    pub(crate) label: Label,
    pub(crate) path: Vec<u32>,
    pub(crate) part: Part,
    pub(crate) fields: Option<Fields>,
    pub(crate) partial: Option<Partial>,
}

/// Under which name a section is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// `BODY[1.TEXT]<0>`: the origin octet is echoed, the length is not (RFC 3501 §7.4.2).
    Section(Section, Option<u64>),
    Rfc822,
    Rfc822Header,
    Rfc822Text,
}

/// Header fields that are asked for by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) selection: FieldSelection,
    pub(crate) names: Vec<Vec<u8>>,
}

impl Plan {
    pub(crate) fn new(items: &[FetchItem]) -> Self {
        let mut plan = Self::default();
        for item in items {
            plan.add(item);
        }
        plan
    }

    /// Tells whether flags or modification sequences have to be known.
    pub(crate) fn needs_view(&self) -> bool {
        self.flags || self.modseq || self.sets_seen
    }

    /// Tells whether a summary is needed.
    pub(crate) fn needs_summary(&self) -> bool {
        self.envelope || self.body || self.body_structure || !self.sections.is_empty()
    }

    /// Tells whether anything is needed that the view does not hold.
    pub(crate) fn needs_record(&self) -> bool {
        self.internal_date || self.size || self.email_id || self.needs_summary()
    }

    fn add(&mut self, item: &FetchItem) {
        match item {
            FetchItem::Uid => self.uid = true,
            FetchItem::Flags => self.flags = true,
            FetchItem::InternalDate => self.internal_date = true,
            FetchItem::Rfc822Size => self.size = true,
            FetchItem::Envelope => self.envelope = true,
            FetchItem::BodyWithoutExtensions => self.body = true,
            FetchItem::BodyStructure => self.body_structure = true,
            FetchItem::Rfc822 => self.add_named(Label::Rfc822, Part::Whole, true),
            FetchItem::Rfc822Header => self.add_named(Label::Rfc822Header, Part::Header, false),
            FetchItem::Rfc822Text => self.add_named(Label::Rfc822Text, Part::Text, true),
            FetchItem::Body {
                peek,
                section,
                partial,
            } => {
                self.sets_seen |= !peek;
                self.add_section(SectionItem::new(section, *partial));
            }
            FetchItem::ModSeq => self.modseq = true,
            FetchItem::EmailId => self.email_id = true,
            FetchItem::ThreadId => self.thread_id = true,
        }
    }

    fn add_named(&mut self, label: Label, part: Part, sets_seen: bool) {
        self.sets_seen |= sets_seen;
        self.add_section(SectionItem {
            label,
            path: Vec::new(),
            part,
            fields: None,
            partial: None,
        });
    }

    fn add_section(&mut self, section: SectionItem) {
        if !self.sections.contains(&section) {
            self.sections.push(section);
        }
    }
}

impl SectionItem {
    fn new(section: &Section, partial: Option<Partial>) -> Self {
        let (part, fields) = match &section.text {
            None => (Part::Whole, None),
            Some(SectionText::Header) => (Part::Header, None),
            Some(SectionText::Text) => (Part::Text, None),
            Some(SectionText::Mime) => (Part::Mime, None),
            Some(SectionText::HeaderFields(names)) => {
                (Part::Header, Some(Fields::new(FieldSelection::Listed, names)))
            }
            Some(SectionText::HeaderFieldsNot(names)) => {
                (Part::Header, Some(Fields::new(FieldSelection::NotListed, names)))
            }
        };
        Self {
            label: Label::Section(section.clone(), partial.map(|partial| partial.origin)),
            path: section.part.iter().map(|number| number.get()).collect(),
            part,
            fields,
            partial,
        }
    }
}

impl Fields {
    fn new(selection: FieldSelection, names: &[Vec<u8>]) -> Self {
        Self {
            selection,
            names: names.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_grow_with_the_items() {
        let needs = |items: &[FetchItem]| {
            let plan = Plan::new(items);
            (plan.needs_view(), plan.needs_record(), plan.needs_summary())
        };
        assert_eq!(needs(&[FetchItem::Uid]), (false, false, false));
        assert_eq!(needs(&[FetchItem::Flags]), (true, false, false));
        assert_eq!(needs(&[FetchItem::Rfc822Size]), (false, true, false));
        assert_eq!(needs(&[FetchItem::Envelope]), (false, true, true));
        assert_eq!(needs(&[FetchItem::Rfc822]), (true, true, true));
        assert_eq!(needs(&[FetchItem::Rfc822Header]), (false, true, true));
    }

    #[test]
    fn an_item_named_twice_is_answered_once() {
        let item = FetchItem::Body {
            peek: true,
            section: Section::default(),
            partial: None,
        };
        let peeked = Plan::new(&[item.clone(), item]);
        assert_eq!(peeked.sections.len(), 1);
        assert!(!peeked.sets_seen);
    }
}
