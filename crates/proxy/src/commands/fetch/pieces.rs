//! Where the bytes of a FETCH's sections come from, for one message.

use mail_message::{Span, SummaryRef, filter_fields};
use mailstore::Uid;
use mailstore::query::ContentRange;

use super::plan::{Plan, SectionItem};

/// Most octets of a header that are searched for fields. A header beyond this is cut there: no mail
/// program writes one, and a client could have it read over and over.
const HEADER_BYTES_MAX: u32 = 1024 * 1024;

/// The value of one section of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// There is no such part.
    Absent,
    /// At hand.
    Bytes(Vec<u8>),
    /// To be read from the message, and sent as it comes.
    Content(Span),
    /// To be read from the message, and then searched for fields.
    HeaderContent(Span),
}

/// Finds the sections of a message in its summary.
pub(crate) fn pieces(plan: &Plan, summary: SummaryRef<'_>) -> Vec<Piece> {
    plan.sections.iter().map(|section| piece(section, summary)).collect()
}

fn piece(item: &SectionItem, summary: SummaryRef<'_>) -> Piece {
    let Some(span) = summary.section(&item.path, item.part) else {
        return Piece::Absent;
    };
    let own_header = item.path.is_empty() && item.part == mail_message::Section::Header;
    let inline = summary.header().filter(|_| own_header);
    match (&item.fields, inline) {
        (Some(_), Some(header)) => Piece::Bytes(item.selected_fields(header)),
        (Some(_), None) => Piece::HeaderContent(Span::new(
            span.start(),
            span.end().min(span.start().saturating_add(HEADER_BYTES_MAX)),
        )),
        (None, inline) => {
            let wanted = item.partial_of(span);
            match inline {
                Some(header) => Piece::Bytes(cut(header, wanted, span)),
                None if wanted.is_empty() => Piece::Bytes(Vec::new()),
                None => Piece::Content(wanted),
            }
        }
    }
}

impl SectionItem {
    /// Returns the fields of a header block that are asked for, cut to the partial.
    pub(crate) fn selected_fields(&self, header: &[u8]) -> Vec<u8> {
        let Some(fields) = &self.fields else {
            return header.to_vec();
        };
        let selected = filter_fields(header, fields.selection, &fields.names);
        let length = u32::try_from(selected.len()).unwrap_or(u32::MAX);
        let whole = Span::new(0, length);
        self.partial_of(whole).of(&selected).to_vec()
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

/// Cuts what lies at `wanted` out of the bytes of `whole`.
fn cut(bytes: &[u8], wanted: Span, whole: Span) -> Vec<u8> {
    let start = wanted.start().saturating_sub(whole.start());
    Span::new(start, start.saturating_add(wanted.len())).of(bytes).to_vec()
}

/// Returns the content that a message's pieces ask for, in their order.
pub(crate) fn ranges(uid: Uid, pieces: &[Piece]) -> impl Iterator<Item = ContentRange> {
    pieces.iter().filter_map(move |piece| match piece {
        Piece::Content(span) | Piece::HeaderContent(span) => Some(ContentRange {
            uid,
            offset: span.start(),
            length: span.len(),
        }),
        Piece::Absent | Piece::Bytes(_) => None,
    })
}
