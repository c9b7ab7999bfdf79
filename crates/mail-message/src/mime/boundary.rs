//! Boundary delimiter lines (RFC 2046 §5.1.1).

use crate::limits::BOUNDARY_BYTES_MAX;

/// What a delimiter line says about the multipart that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delimiter {
    /// `--boundary`: a part follows.
    Next,
    /// `--boundary--`: the last part is over; an epilogue may follow.
    Last,
}

/// A boundary to look for, with its first eight bytes as one number: a line is compared with up to a
/// hundred boundaries, and nearly all comparisons end there.
#[derive(Debug, Clone)]
pub(crate) struct Boundary {
    bytes: Vec<u8>,
    head: u64,
    mask: u64,
}

impl Boundary {
    /// Takes a boundary parameter, cut to the length that is compared.
    pub fn new(parameter: &[u8]) -> Self {
        let bytes = parameter.get(..BOUNDARY_BYTES_MAX).unwrap_or(parameter).to_vec();
        let mask = head(&vec![0xff; bytes.len()]);
        Self {
            head: head(&bytes),
            mask,
            bytes,
        }
    }

    fn starts(&self, line: &[u8], line_head: u64) -> bool {
        line_head & self.mask == self.head && line.starts_with(&self.bytes)
    }
}

/// Returns the first eight bytes, filled up with zeros.
fn head(bytes: &[u8]) -> u64 {
    let mut head = [0; 8];
    for (to, from) in head.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_le_bytes(head)
}

/// Finds the multipart that `line` delimits, among boundaries ordered from the outermost inwards.
///
/// A boundary need only be the beginning of the line (RFC 2046 §5.1.1: "an exact match of the entire
/// candidate line is not required"). So when one boundary begins with another, the longest one that
/// fits is meant, and among equal ones the innermost.
pub(crate) fn delimited<'b>(
    line: &[u8],
    boundaries: impl DoubleEndedIterator<Item = (usize, &'b Boundary)>,
) -> Option<(usize, Delimiter)> {
    let line = line.strip_prefix(b"--")?;
    let line_head = head(line);
    let mut best: Option<(usize, usize)> = None;
    for (at, boundary) in boundaries.rev() {
        if boundary.starts(line, line_head) && best.is_none_or(|(_, longest)| boundary.bytes.len() > longest)
        {
            best = Some((at, boundary.bytes.len()));
        }
    }
    let (at, len) = best?;
    let rest = line.get(len..).unwrap_or_default();
    Some((
        at,
        if rest.starts_with(b"--") {
            Delimiter::Last
        } else {
            Delimiter::Next
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, boundaries: &[&str], expected: Option<(usize, Delimiter)>) {
        let boundaries: Vec<Boundary> = boundaries.iter().map(|b| Boundary::new(b.as_bytes())).collect();
        assert_eq!(
            delimited(line.as_bytes(), boundaries.iter().enumerate()),
            expected,
            "{line}"
        );
    }

    #[test]
    fn the_longest_and_innermost_boundary_is_meant() {
        check("--a\r\n", &["a"], Some((0, Delimiter::Next)));
        check("--a--\r\n", &["a"], Some((0, Delimiter::Last)));
        check("--ab\r\n", &["a", "ab"], Some((1, Delimiter::Next)));
        check("--ab\r\n", &["ab", "a"], Some((0, Delimiter::Next)));
        check("--a\r\n", &["a", "a"], Some((1, Delimiter::Next)));
        check(
            "--boundary2\r\n",
            &["boundary1", "boundary2"],
            Some((1, Delimiter::Next)),
        );
        check("--a--\r\n", &["a", "a--"], Some((1, Delimiter::Next)));
    }

    #[test]
    fn other_lines_delimit_nothing() {
        check("a\r\n", &["a"], None);
        check(" --a\r\n", &["a"], None);
        check("--A\r\n", &["a"], None);
        check("--", &["a"], None);
    }
}
