//! Where the bytes of a FETCH's sections come from, for one message.

use mail_message::{Section, Span, SummaryRef, filter_fields};
use mailstore::Uid;
use mailstore::query::ContentRange;

use super::plan::{Plan, SectionItem};

/// Most octets of a header that are searched for fields. A header beyond this is cut there: no mail
/// program writes one, and a client could have it read over and over.
const HEADER_BYTES_MAX: u32 = 1024 * 1024;

/// Where the value of one section of one message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// There is no such part.
    Absent,
    /// The header in the summary.
    Inline,
    /// Nothing lies there.
    Empty,
    /// To be read from the message, and sent as it comes.
    Content(Span),
    /// To be read from the message, and then searched for fields.
    HeaderContent(Span),
}

/// Finds the sections of a message in its summary.
pub(crate) fn pieces(plan: &Plan, summary: SummaryRef<'_>) -> Vec<Piece> {
    plan.sections
        .iter()
        .map(|section| piece(section, summary))
        .collect()
}

fn piece(item: &SectionItem, summary: SummaryRef<'_>) -> Piece {
    let Some(span) = summary.section(&item.path, item.part) else {
        return Piece::Absent;
    };
    let own_header = item.path.is_empty() && item.part == Section::Header;
    if own_header && summary.header().is_some() {
        return Piece::Inline;
    }
    let wanted = match &item.fields {
        Some(_) => Span::new(
            span.start(),
            span.end().min(span.start().saturating_add(HEADER_BYTES_MAX)),
        ),
        None => item.partial_of(span),
    };
    match &item.fields {
        _ if wanted.is_empty() => Piece::Empty,
        Some(_) => Piece::HeaderContent(wanted),
        None => Piece::Content(wanted),
    }
}

impl SectionItem {
    /// Returns what a header block that is at hand answers: all of it or the fields asked for, cut to
    /// the partial.
    pub(crate) fn of_header(&self, header: &[u8]) -> Vec<u8> {
        let selected = match &self.fields {
            Some(fields) => filter_fields(header, fields.selection, &fields.names),
            None => header.to_vec(),
        };
        let whole = Span::new(0, u32::try_from(selected.len()).unwrap_or(u32::MAX));
        match self.partial {
            Some(_) => self.partial_of(whole).of(&selected).to_vec(),
            None => selected,
        }
    }

    /// Cuts a section to the partial. One that begins behind the end is empty (RFC 3501 §6.4.5).
    fn partial_of(&self, span: Span) -> Span {
        let Some(partial) = self.partial else {
            return span;
        };
        let clamp = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        span.partial(clamp(partial.origin), clamp(partial.length))
    }
}

/// Returns the content that a message's pieces ask for, in their order.
pub(crate) fn ranges(uid: Uid, pieces: &[Piece]) -> impl Iterator<Item = ContentRange> {
    pieces.iter().filter_map(move |piece| match piece {
        Piece::Content(span) | Piece::HeaderContent(span) => Some(ContentRange {
            uid,
            offset: span.start(),
            length: span.len(),
        }),
        Piece::Absent | Piece::Inline | Piece::Empty => None,
    })
}

#[cfg(test)]
mod tests {
    use imap_wire::types::{FetchItem, Partial, Section as Wire, SectionText};
    use mail_message::Summary;

    use super::*;

    const MESSAGE: &[u8] = b"Subject: hi\r\nTo: you\r\n\r\nbody\r\n";

    fn item(text: Option<SectionText>, partial: Option<(u64, u64)>) -> SectionItem {
        let section = Wire {
            part: Vec::new(),
            text,
        };
        let plan = Plan::new(&[FetchItem::Body {
            peek: true,
            section,
            partial: partial.map(|(origin, length)| Partial { origin, length }),
        }]);
        plan.sections[0].clone()
    }

    fn check(text: Option<SectionText>, partial: Option<(u64, u64)>, expected: &[u8]) {
        let summary = Summary::of(MESSAGE).unwrap();
        let item = item(text, partial);
        let value = match piece(&item, summary.view()) {
            Piece::Absent => b"NIL".to_vec(),
            Piece::Empty => Vec::new(),
            Piece::Inline => item.of_header(summary.view().header().unwrap()),
            Piece::Content(span) => span.of(MESSAGE).to_vec(),
            Piece::HeaderContent(span) => item.of_header(span.of(MESSAGE)),
        };
        assert_eq!(value, expected);
    }

    /// RFC 3501 §6.4.5: partials are cut at the end, and empty behind it.
    #[test]
    fn partials_are_cut() {
        check(None, None, MESSAGE);
        check(None, Some((3, 4)), b"ject");
        check(None, Some((1000, 4)), b"");
        check(Some(SectionText::Text), Some((4, 100)), b"\r\n");
        check(Some(SectionText::Header), Some((0, 7)), b"Subject");
        check(Some(SectionText::Header), Some((1000, 7)), b"");
        check(None, Some((0, u64::MAX)), MESSAGE);
    }

    #[test]
    fn fields_are_selected_before_they_are_cut() {
        let fields = SectionText::HeaderFields(vec![b"to".to_vec()]);
        check(Some(fields.clone()), None, b"To: you\r\n\r\n");
        check(Some(fields), Some((4, 3)), b"you");
        let others = SectionText::HeaderFieldsNot(vec![b"TO".to_vec()]);
        check(Some(others), None, b"Subject: hi\r\n\r\n");
    }
}
