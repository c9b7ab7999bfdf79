//! Splits a header block into fields (RFC 5322 §2.2), tolerating bare LF and lines without a colon.

use std::borrow::Cow;

/// One field as it stands in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// The name without white space before the colon (RFC 5322 §4.5.8). Empty on a line without one.
    pub name: &'a [u8],
    /// Everything behind the colon, folded, with the final line ending cut off.
    pub body: &'a [u8],
    /// The field from its name through its final line ending.
    pub raw: &'a [u8],
}

impl<'a> Field<'a> {
    /// Tells whether the field has this name; field names ignore case (RFC 5322 §1.2.2).
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Returns the body without leading white space and without the line endings of folding
    /// (RFC 5322 §2.2.3). Trailing white space stays.
    pub fn unfolded(&self) -> Cow<'a, [u8]> {
        unfold(trim_start(self.body))
    }
}

/// Iterates over the fields of a header block; stops at the blank line or the end.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

/// Returns the fields of `header`.
pub(crate) fn fields(header: &[u8]) -> Fields<'_> {
    Fields { rest: header }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if is_blank(self.rest) {
            return None;
        }
        let mut end = 0;
        loop {
            end += line_len(self.rest.get(end..).unwrap_or_default());
            let continued = matches!(self.rest.get(end), Some(b' ' | b'\t'));
            if !continued {
                break;
            }
        }
        let (raw, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(split(raw))
    }
}

fn split(raw: &[u8]) -> Field<'_> {
    let first_line = raw.get(..line_len(raw)).unwrap_or(raw);
    match memchr::memchr(b':', first_line) {
        Some(colon) => Field {
            name: trim_end(raw.get(..colon).unwrap_or_default()),
            body: cut_line_ending(raw.get(colon + 1..).unwrap_or_default()),
            raw,
        },
        None => Field {
            name: b"",
            body: cut_line_ending(raw),
            raw,
        },
    }
}

/// Returns the length of the first line with its LF, or of everything when there is none.
pub(crate) fn line_len(bytes: &[u8]) -> usize {
    memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1)
}

/// Tells whether the bytes are at their end or start with an empty line.
pub(crate) fn is_blank(bytes: &[u8]) -> bool {
    matches!(bytes, [] | [b'\n', ..] | [b'\r', b'\n', ..])
}

/// Cuts one CRLF or LF off the end.
pub(crate) fn cut_line_ending(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// Cuts leading spaces, tabs and line endings.
pub(crate) fn trim_start(bytes: &[u8]) -> &[u8] {
    let skipped = bytes
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .count();
    bytes.get(skipped..).unwrap_or_default()
}

/// Cuts trailing spaces, tabs and line endings.
pub(crate) fn trim_end(bytes: &[u8]) -> &[u8] {
    let cut = bytes
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .count();
    bytes.get(..bytes.len() - cut).unwrap_or_default()
}

fn unfold(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        out.extend_from_slice(cut_line_ending_of(line));
    }
    Cow::Owned(out)
}

fn cut_line_ending_of(line: &[u8]) -> &[u8] {
    match line.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &[u8], expected: &[(&str, &str)]) {
        let found: Vec<(String, String)> = fields(header)
            .map(|field| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                (text(field.name), text(&field.unfolded()))
            })
            .collect();
        let found: Vec<(&str, &str)> = found.iter().map(|(n, b)| (n.as_str(), b.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn folding_is_undone() {
        check(
            b"A: b\r\n c\r\n\td\r\nE :f\r\n\r\nbody: no",
            &[("A", "b c\td"), ("E", "f")],
        );
        check(b"A:\r\n b\nC: d", &[("A", "b"), ("C", "d")]);
    }

    #[test]
    fn lines_without_colon_have_no_name() {
        check(b"junk\r\nA: b\r\n", &[("", "junk"), ("A", "b")]);
    }

    #[test]
    fn raw_fields_concatenate_to_the_header() {
        let header = b"A: b\r\n c\r\nx\r\nD:\n";
        let all: Vec<u8> = fields(header).flat_map(|field| field.raw.to_vec()).collect();
        assert_eq!(all, header);
    }
}
