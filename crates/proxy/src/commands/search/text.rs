//! The charset of a search's texts (RFC 3501 §6.4.4).

use encoding_rs::Encoding;
use imap_wire::types::{Charset, SearchText};

use crate::answer::{Answer, Failure};

/// Charsets named in `[BADCHARSET]`: those that every client can be expected to have.
pub(super) const CHARSETS: &[&str] = &[
    "US-ASCII",
    "UTF-8",
    "ISO-8859-1",
    "ISO-8859-15",
    "KOI8-R",
    "GB18030",
];

/// Tells whether texts in this charset can be read.
pub(super) fn is_known(charset: &Charset) -> bool {
    match charset {
        Charset::UsAscii | Charset::Utf8 => true,
        Charset::Other(label) => Encoding::for_label(label.as_bytes()).is_some(),
    }
}

/// Returns a text as UTF-8.
pub(super) fn decode(text: &SearchText, charset: &Charset) -> Result<String, Failure> {
    let invalid = || Failure::from(Answer::bad("Text is not in the charset of the search"));
    match charset {
        Charset::Utf8 => String::from_utf8(text.0.clone()).map_err(|_| invalid()),
        // Octets above 127 are no US-ASCII. Clients send UTF-8 here all the same.
        Charset::UsAscii => String::from_utf8(text.0.clone()).map_err(|_| invalid()),
        Charset::Other(label) => {
            let encoding = Encoding::for_label(label.as_bytes()).ok_or_else(invalid)?;
            let (decoded, _, malformed) = encoding.decode(&text.0);
            if malformed {
                Err(invalid())
            } else {
                Ok(decoded.into_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], charset: &str, expected: Option<&str>) {
        let charset = Charset::Other(charset.to_owned());
        let decoded = decode(&SearchText(bytes.to_vec()), &charset).ok();
        assert_eq!(decoded.as_deref(), expected);
    }

    #[test]
    fn texts_are_read_in_their_charset() {
        check(b"\xe9t\xe9", "ISO-8859-1", Some("été"));
        check(b"\xc9\xd4\xcf\xc7", "KOI8-R", Some("итог"));
        check(b"x", "NO-SUCH", None);
        assert!(is_known(&Charset::Other("windows-1252".to_owned())));
        assert!(!is_known(&Charset::Other("NO-SUCH".to_owned())));
    }
}
