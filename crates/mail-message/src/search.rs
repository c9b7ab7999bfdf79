//! The text keys of SEARCH: HEADER, SUBJECT, FROM, BODY, TEXT and so on (RFC 3501 §6.4.4).
//!
//! Matching is by substring, ignoring case and compatibility forms (`i;unicode-casemap`, RFC 5051), on
//! text whose encodings are undone. Parts are decoded piece by piece, so memory stays bounded.

use crate::header::encoded_word::decode_words;
use crate::header::field::fields;
use crate::header::lexer::Lexer;
use crate::header::parameter::{Parameter, parse_parameters};
use crate::limits::HEADER_PARSE_BYTES_MAX;
use crate::mime::part::PartKind;
use crate::summary::{PartRef, SummaryRef};
use crate::text::casemap::{fold, fold_into};
use crate::text::charset::decode;
use crate::text::stream::TextDecoder;

/// How much of a body is decoded at a time.
const PIECE_BYTES: usize = 16 << 10;

/// A text to look for, prepared once for any number of messages.
#[derive(Debug, Clone)]
pub struct Needle {
    folded: String,
}

impl Needle {
    /// Prepares a search string.
    pub fn new(text: &str) -> Self {
        Self { folded: fold(text) }
    }

    /// Tells whether `text` contains it. The empty string is in every text.
    pub fn is_in(&self, text: &str) -> bool {
        memchr::memmem::find(fold(text).as_bytes(), self.folded.as_bytes()).is_some()
    }
}

/// Looks for a text in pieces, across their seams.
#[derive(Debug)]
pub struct PieceSearch<'n> {
    finder: memchr::memmem::Finder<'n>,
    /// The end of the folded text so far, as long as a match may still begin in it, then the new piece.
    window: String,
}

impl<'n> PieceSearch<'n> {
    /// Starts looking for `needle`.
    pub fn new(needle: &'n Needle) -> Self {
        Self {
            finder: memchr::memmem::Finder::new(&needle.folded),
            window: String::new(),
        }
    }

    /// Tells whether the text up to the end of this piece contains the needle.
    pub fn push(&mut self, piece: &str) -> bool {
        fold_into(piece, &mut self.window);
        if self.finder.find(self.window.as_bytes()).is_some() {
            return true;
        }
        let kept = self.finder.needle().len().saturating_sub(1);
        let cut = self.window.len().saturating_sub(kept);
        self.window.drain(..self.window.floor_char_boundary(cut));
        false
    }
}

/// Tells whether a field with this name contains the needle, decoded or as it stands.
///
/// The empty needle asks whether there is such a field (RFC 3501 §6.4.4, HEADER). `header` is a whole
/// header block.
pub fn header_contains(header: &[u8], name: &str, needle: &Needle) -> bool {
    let parsed = header.get(..HEADER_PARSE_BYTES_MAX).unwrap_or(header);
    fields(parsed)
        .filter(|field| field.is(name))
        .any(|field| value_contains(&field.unfolded(), needle))
}

/// Tells whether the decoded text of the message's parts contains the needle (BODY).
pub fn body_contains(message: &[u8], summary: &SummaryRef<'_>, needle: &Needle) -> bool {
    summary.parts().iter().enumerate().any(|(at, part)| {
        let has_mime_header = at > 0;
        has_mime_header && header_block_contains(part.header().of(message), needle)
            || part.kind() == PartKind::Leaf && part_contains(&part, message, needle)
    })
}

/// Tells whether the message's header or the decoded text of its parts contains the needle (TEXT).
pub fn text_contains(message: &[u8], summary: &SummaryRef<'_>, needle: &Needle) -> bool {
    let header = summary
        .part(&[])
        .map(|root| root.header().of(message))
        .unwrap_or_default();
    header_block_contains(header, needle) || body_contains(message, summary, needle)
}

/// Tells whether the decoded text of one part contains the needle. Parts that hold no text do not.
pub fn part_contains(part: &PartRef<'_>, message: &[u8], needle: &Needle) -> bool {
    if !part.is_of_type("text") && !part.is_of_type("message") {
        return false;
    }
    let mut decoder = TextDecoder::new(part.encoding(), part.charset());
    let mut search = PieceSearch::new(needle);
    let mut text = String::new();
    for piece in part.body().of(message).chunks(PIECE_BYTES) {
        text.clear();
        decoder.push(piece, &mut text);
        if search.push(&text) {
            return true;
        }
    }
    text.clear();
    decoder.finish(&mut text);
    search.push(&text)
}

/// Looks through every field of a header block, names included.
pub fn header_block_contains(header: &[u8], needle: &Needle) -> bool {
    let parsed = header.get(..HEADER_PARSE_BYTES_MAX).unwrap_or(header);
    fields(parsed).any(|field| {
        let unfolded = field.unfolded();
        let line = [field.name, b": ", &unfolded].concat();
        value_contains(&line, needle)
    })
}

fn value_contains(value: &[u8], needle: &Needle) -> bool {
    if needle.is_in(&decode_words(value)) || needle.is_in(&decode(b"", value)) {
        return true;
    }
    // RFC 2231 encoding marks itself by an asterisk before the equals sign.
    memchr::memmem::find(value, b"*=").is_some() && extended_parameters_contain(value, needle)
}

fn extended_parameters_contain(value: &[u8], needle: &Needle) -> bool {
    let start = memchr::memchr(b';', value).unwrap_or(value.len());
    let parameters = parse_parameters(&mut Lexer::new(value.get(start..).unwrap_or_default()));
    let extended = parameters
        .iter()
        .filter(|parameter| parameter.name.ends_with(b"*"));
    extended.map(decode_extended).any(|text| needle.is_in(&text))
}

/// `extended-initial-value = [charset] "'" [language] "'" extended-other-values` (RFC 2231 §7)
fn decode_extended(parameter: &Parameter) -> String {
    let mut fields = parameter.value.splitn(3, |byte| *byte == b'\'');
    match (fields.next(), fields.next(), fields.next()) {
        (Some(charset), Some(_language), Some(value)) => decode(charset, &percent_decode(value)),
        _ => decode(b"", &percent_decode(&parameter.value)),
    }
}

fn percent_decode(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, behind)) = rest.split_first() {
        let octet = behind
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let octet = octet
            .filter(|_| byte == b'%')
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(octet.unwrap_or(byte));
        rest = behind
            .get(if octet.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    out
}
