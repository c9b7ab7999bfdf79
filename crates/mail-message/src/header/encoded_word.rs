//! Encoded words in header text (RFC 2047).

use std::borrow::Cow;

use crate::mime::part::TransferEncoding;
use crate::text::charset::decode;
use crate::text::transfer::TransferDecoder;

/// Returns unfolded header text with its encoded words decoded.
///
/// White space between two encoded words is not shown (RFC 2047 §6.2), and what two neighbours in one
/// charset hold is decoded together, because senders cut multi-byte characters in two.
pub(crate) fn decode_words(text: &[u8]) -> String {
    let mut out = Output::default();
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, b"=?") {
        let (before, from_word) = rest.split_at_checked(at).unwrap_or((rest, b""));
        match encoded_word(from_word) {
            Some(word) => {
                out.plain(before);
                rest = from_word.get(word.len..).unwrap_or_default();
                out.word(word);
            }
            None => {
                let taken = at + 2;
                out.plain(rest.get(..taken).unwrap_or_default());
                rest = rest.get(taken..).unwrap_or_default();
            }
        }
    }
    out.plain(rest);
    out.flush();
    out.text
}

struct Word<'a> {
    charset: &'a [u8],
    bytes: Vec<u8>,
    len: usize,
}

/// `encoded-word = "=?" charset "?" encoding "?" encoded-text "?="` (RFC 2047 §2)
fn encoded_word(text: &[u8]) -> Option<Word<'_>> {
    let mut fields = text.get(2..)?.splitn(4, |byte| *byte == b'?');
    let (charset, encoding, encoded, behind) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let bytes = match encoding {
        [b'B' | b'b'] => transfer_decode(TransferEncoding::Base64, encoded),
        [b'Q' | b'q'] => {
            // "_" always means a space (RFC 2047 §4.2).
            let spaced: Vec<u8> = encoded
                .iter()
                .map(|byte| if *byte == b'_' { b' ' } else { *byte })
                .collect();
            transfer_decode(TransferEncoding::QuotedPrintable, &spaced)
        }
        _ => return None,
    };
    let closed = behind.first() == Some(&b'=') && !charset.is_empty();
    // RFC 2231 §5 allows a language behind the charset.
    let charset = charset.split(|byte| *byte == b'*').next().unwrap_or_default();
    let len = text.len() - behind.len() + 1;
    closed.then_some(Word { charset, bytes, len })
}

fn transfer_decode(encoding: TransferEncoding, encoded: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(encoded.len());
    TransferDecoder::new(encoding).push(encoded, &mut out);
    out
}

#[derive(Default)]
struct Output<'a> {
    text: String,
    /// Encoded words whose bytes belong together: charset and content.
    pending: Option<(Cow<'a, [u8]>, Vec<u8>)>,
}

impl<'a> Output<'a> {
    fn plain(&mut self, bytes: &[u8]) {
        let is_gap = bytes
            .iter()
            .all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        if is_gap && self.pending.is_some() {
            // A gap before the end of the text is shown like any other white space that nobody sees.
            return;
        }
        self.flush();
        self.text.push_str(&decode(b"", bytes));
    }

    fn word(&mut self, word: Word<'a>) {
        match &mut self.pending {
            Some((charset, bytes)) if charset.eq_ignore_ascii_case(word.charset) => bytes.extend(word.bytes),
            _ => {
                self.flush();
                self.pending = Some((Cow::Borrowed(word.charset), word.bytes));
            }
        }
    }

    fn flush(&mut self) {
        if let Some((charset, bytes)) = self.pending.take() {
            self.text.push_str(&decode(&charset, &bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(decode_words(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn examples_of_rfc_2047_section_8() {
        check("=?ISO-8859-1?Q?a?=", "a");
        check("=?ISO-8859-1?Q?a?= b", "a b");
        check("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab");
        check("=?ISO-8859-1?Q?a?=  \t=?ISO-8859-1?Q?b?=", "ab");
        check("=?ISO-8859-1?Q?a_b?=", "a b");
        check("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b");
        check("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore");
    }

    #[test]
    fn characters_cut_in_two_are_joined() {
        check("=?utf-8?B?w4M=?= =?utf-8?Q?=C3?= =?UTF-8?Q?=A9?=", "Ãé");
    }

    #[test]
    fn what_is_no_encoded_word_stays() {
        check("=?utf-8?X?a?= =?utf-8?Q?a =? x", "=?utf-8?X?a?= =?utf-8?Q?a =? x");
        check("a =??Q?b?=", "a =??Q?b?=");
    }
}
