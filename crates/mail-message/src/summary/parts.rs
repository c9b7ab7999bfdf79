//! The part map in its stored form: one record of fixed size a part, so that any part is found without
//! reading the others.

use super::layout::{List, array, write_list};
use crate::mime::part::{Node, PartKind, TransferEncoding};
use crate::span::{Span, index, position};

/// The length of a record.
///
/// ```text
/// 0   u8      kind              16  u32, u32  body from, to
/// 1   u8      encoding          24  u32       line endings in the body
/// 4   u32     name offset       28  u32       first record behind this part's children
/// 8   u32,u32 header from, to
/// ```
const RECORD_BYTES: usize = 32;

/// How much of a media type or charset is kept.
const NAME_BYTES_MAX: usize = 100;

/// One part of a message, as recorded.
#[derive(Debug, Clone, Copy)]
pub struct PartRef<'a> {
    kind: PartKind,
    encoding: TransferEncoding,
    header: Span,
    body: Span,
    lines: u32,
    next: usize,
    names: [&'a [u8]; 3],
}

impl<'a> PartRef<'a> {
    /// Returns what the part holds.
    pub fn kind(&self) -> PartKind {
        self.kind
    }

    /// Returns how its body is encoded.
    pub fn encoding(&self) -> TransferEncoding {
        self.encoding
    }

    /// Returns its header block with the blank line.
    pub fn header(&self) -> Span {
        self.header
    }

    /// Returns its body.
    pub fn body(&self) -> Span {
        self.body
    }

    /// Returns how many line endings its body holds.
    pub fn lines(&self) -> u32 {
        self.lines
    }

    /// Returns type and subtype in lower case, with the defaults of RFC 2045 §5.2 and RFC 2046 §5.1.5.
    pub fn media_type(&self) -> (&'a [u8], &'a [u8]) {
        (self.names[0], self.names[1])
    }

    /// Returns the charset parameter, empty when there is none.
    pub fn charset(&self) -> &'a [u8] {
        self.names[2]
    }

    /// Tells whether its media type is `main`, whatever the subtype.
    pub fn is_of_type(&self, main: &str) -> bool {
        self.names[0] == main.as_bytes()
    }
}

/// All parts of a message in reading order, the message itself first.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    records: &'a [u8],
    names: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(super) fn new(records: &'a [u8], names: &'a [u8]) -> Self {
        Self { records, names }
    }

    /// Returns how many parts there are.
    pub fn len(&self) -> usize {
        self.records.len() / RECORD_BYTES
    }

    /// Tells whether there are none, which only a damaged summary says.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the part at a place in reading order.
    pub fn get(&self, at: usize) -> Option<PartRef<'a>> {
        let record = self
            .records
            .get(at.checked_mul(RECORD_BYTES)?..)?
            .first_chunk::<RECORD_BYTES>()?;
        let number = |at: usize| array(record, at).map(u32::from_le_bytes).ok();
        let mut names = List(self.names.get(index(number(4)?)..)?);
        Some(PartRef {
            kind: kind_from(record[0])?,
            encoding: encoding_from(record[1])?,
            header: Span::new(number(8)?, number(12)?),
            body: Span::new(number(16)?, number(20)?),
            lines: number(24)?,
            next: index(number(28)?),
            names: [names.next()?, names.next()?, names.next()?],
        })
    }

    /// Iterates over the parts in reading order.
    pub fn iter(&self) -> impl Iterator<Item = PartRef<'a>> + use<'a> {
        let parts = *self;
        (0..self.len()).map_while(move |at| parts.get(at))
    }

    /// Returns the place of the n-th child, counted from 1.
    pub(super) fn child(&self, parent: usize, number: u32) -> Option<usize> {
        let end = self.get(parent)?.next;
        let mut at = parent + 1;
        for _ in 1..number {
            if at >= end {
                return None;
            }
            // A damaged record must not lead backwards.
            at = self.get(at)?.next.max(at + 1);
        }
        (number >= 1 && at < end).then_some(at)
    }
}

/// Writes the records of a part tree and the names that they refer to.
pub(super) fn write(nodes: &[Node]) -> (Vec<u8>, Vec<u8>) {
    let ends = subtree_ends(nodes);
    let mut records = Vec::with_capacity(nodes.len() * RECORD_BYTES);
    let mut names = Vec::new();
    for (node, end) in nodes.iter().zip(ends) {
        records.extend([kind_code(node.kind), encoding_code(node.encoding()), 0, 0]);
        let numbers = [
            position(names.len()),
            node.header.start(),
            node.header.end(),
            node.body.start(),
            node.body.end(),
            node.lines,
            position(end),
        ];
        records.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
        names.extend(write_list(node_names(node)));
    }
    (records, names)
}

/// Returns for each node the place of the first one that is not in its subtree.
fn subtree_ends(nodes: &[Node]) -> Vec<usize> {
    let mut ends: Vec<usize> = (1..=nodes.len()).collect();
    for (at, node) in nodes.iter().enumerate().rev() {
        let end = node.children.last().and_then(|child| ends.get(*child)).copied();
        if let (Some(end), Some(slot)) = (end, ends.get_mut(at)) {
            *slot = end;
        }
    }
    ends
}

fn node_names(node: &Node) -> [Vec<u8>; 3] {
    let name = |name: &[u8]| name.get(..NAME_BYTES_MAX).unwrap_or(name).to_ascii_lowercase();
    let (main, sub) = match (&node.content.media_type, node.kind) {
        (Some(media_type), _) => (name(&media_type.main), name(&media_type.sub)),
        (None, PartKind::Message) => (b"message".to_vec(), b"rfc822".to_vec()),
        (None, _) => (b"text".to_vec(), b"plain".to_vec()),
    };
    let charset =
        crate::header::parameter::parameter(node.content.parameters(), "charset").unwrap_or_default();
    [main, sub, name(charset)]
}

fn kind_code(kind: PartKind) -> u8 {
    match kind {
        PartKind::Leaf => 0,
        PartKind::Multipart => 1,
        PartKind::Message => 2,
    }
}

fn kind_from(code: u8) -> Option<PartKind> {
    Some(match code {
        0 => PartKind::Leaf,
        1 => PartKind::Multipart,
        2 => PartKind::Message,
        _ => return None,
    })
}

fn encoding_code(encoding: TransferEncoding) -> u8 {
    match encoding {
        TransferEncoding::Identity => 0,
        TransferEncoding::QuotedPrintable => 1,
        TransferEncoding::Base64 => 2,
        TransferEncoding::Unknown => 3,
    }
}

fn encoding_from(code: u8) -> Option<TransferEncoding> {
    Some(match code {
        0 => TransferEncoding::Identity,
        1 => TransferEncoding::QuotedPrintable,
        2 => TransferEncoding::Base64,
        3 => TransferEncoding::Unknown,
        _ => return None,
    })
}
