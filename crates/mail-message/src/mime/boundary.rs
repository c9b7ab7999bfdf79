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

/// Returns the stored form of a boundary parameter.
pub(crate) fn clip(boundary: &[u8]) -> &[u8] {
    boundary.get(..BOUNDARY_BYTES_MAX).unwrap_or(boundary)
}

/// Finds the multipart that `line` delimits, among boundaries ordered from the outermost inwards.
///
/// A boundary need only be the beginning of the line (RFC 2046 §5.1.1: "an exact match of the entire
/// candidate line is not required"). So when one boundary begins with another, the longest one that
/// fits is meant, and among equal ones the innermost.
pub(crate) fn delimited<'b>(
    line: &[u8],
    boundaries: impl DoubleEndedIterator<Item = (usize, &'b [u8])>,
) -> Option<(usize, Delimiter)> {
    let line = line.strip_prefix(b"--")?;
    let mut best: Option<(usize, &[u8])> = None;
    for (at, boundary) in boundaries.rev() {
        if line.starts_with(boundary) && best.is_none_or(|(_, longest)| boundary.len() > longest.len()) {
            best = Some((at, boundary));
        }
    }
    let (at, boundary) = best?;
    let rest = line.get(boundary.len()..).unwrap_or_default();
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
        let boundaries = boundaries.iter().map(|boundary| boundary.as_bytes()).enumerate();
        assert_eq!(delimited(line.as_bytes(), boundaries), expected, "{line}");
    }

    #[test]
    fn the_longest_and_innermost_boundary_is_meant() {
        check("--a\r\n", &["a"], Some((0, Delimiter::Next)));
        check("--a--\r\n", &["a"], Some((0, Delimiter::Last)));
        check("--ab\r\n", &["a", "ab"], Some((1, Delimiter::Next)));
        check("--ab\r\n", &["ab", "a"], Some((0, Delimiter::Next)));
        check("--a\r\n", &["a", "a"], Some((1, Delimiter::Next)));
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
