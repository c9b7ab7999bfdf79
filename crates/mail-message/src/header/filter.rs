//! HEADER.FIELDS and HEADER.FIELDS.NOT: selected fields of a header block (RFC 3501 §6.4.5).

use super::field::fields;

/// Which fields to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldSelection {
    /// HEADER.FIELDS: those whose name is listed.
    Listed,
    /// HEADER.FIELDS.NOT: those whose name is not listed.
    NotListed,
}

/// Returns the selected fields byte for byte, then a blank line.
///
/// `header` is a whole header block, with or without its blank line. The answer always ends with the
/// delimiting blank line (RFC 3501 §6.4.5: "the blank line is always included"; the exception made
/// there for a message without header and body concerns clients that ask for a part that does not
/// exist, which gives no header to filter). Lines without a colon are no fields, so no list names them.
pub fn filter_fields<N: AsRef<[u8]>>(header: &[u8], selection: FieldSelection, names: &[N]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields(header) {
        let listed =
            !field.name.is_empty() && names.iter().any(|n| n.as_ref().eq_ignore_ascii_case(field.name));
        let keep = match selection {
            FieldSelection::Listed => listed,
            FieldSelection::NotListed => !listed,
        };
        if keep {
            out.extend_from_slice(field.raw);
            if !field.raw.ends_with(b"\n") {
                out.extend_from_slice(b"\r\n");
            }
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"From: a\r\nTo: b,\r\n c\r\nX-A: 1\r\nTO: d\r\n\r\n";

    fn check(selection: FieldSelection, names: &[&str], expected: &str) {
        let found = filter_fields(HEADER, selection, names);
        assert_eq!(String::from_utf8_lossy(&found), expected);
    }

    #[test]
    fn listed_fields_keep_their_order_and_folding() {
        check(
            FieldSelection::Listed,
            &["to", "FROM"],
            "From: a\r\nTo: b,\r\n c\r\nTO: d\r\n\r\n",
        );
        check(FieldSelection::Listed, &["none"], "\r\n");
    }

    #[test]
    fn unlisted_fields() {
        check(FieldSelection::NotListed, &["to"], "From: a\r\nX-A: 1\r\n\r\n");
    }

    #[test]
    fn a_header_cut_short_still_ends_with_a_blank_line() {
        let found = filter_fields(b"A: b", FieldSelection::Listed, &["a"]);
        assert_eq!(found, b"A: b\r\n\r\n");
    }
}
