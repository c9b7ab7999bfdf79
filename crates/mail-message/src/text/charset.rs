//! Charsets to UTF-8, piece by piece.

use encoding_rs::{Decoder, Encoding};
use mail_parser::decoders::charsets::{DecoderFnc, map::charset_decoder};

/// How much text in a charset that cannot be decoded piece by piece is kept until its end.
const WHOLE_BYTES_MAX: usize = 4 << 20;

/// Decodes a text that arrives in pieces. Bytes that the charset has no meaning for become U+FFFD.
pub(crate) struct CharsetDecoder {
    state: State,
}

enum State {
    /// No charset, or US-ASCII: read as UTF-8, and byte by byte as Latin-1 where it is not.
    Guess {
        carry: Vec<u8>,
    },
    Streaming(Box<Decoder>),
    /// A charset that `encoding_rs` leaves out because the web does not use it, such as UTF-7.
    Whole {
        decode: DecoderFnc,
        bytes: Vec<u8>,
    },
}

impl CharsetDecoder {
    /// Returns a decoder for a charset label; unknown ones are guessed at.
    pub fn new(label: &[u8]) -> Self {
        let guess = State::Guess { carry: Vec::new() };
        let is_ascii = [b"us-ascii".as_slice(), b"ascii", b""]
            .iter()
            .any(|l| l.eq_ignore_ascii_case(label));
        if is_ascii {
            return Self { state: guess };
        }
        let state = match Encoding::for_label_no_replacement(label) {
            Some(encoding) => State::Streaming(Box::new(encoding.new_decoder_without_bom_handling())),
            None => charset_decoder(label).map_or(guess, |decode| State::Whole {
                decode,
                bytes: Vec::new(),
            }),
        };
        Self { state }
    }

    /// Appends what `bytes` say to `out`; a character cut off at their end waits for the next piece.
    pub fn push(&mut self, bytes: &[u8], out: &mut String) {
        match &mut self.state {
            State::Guess { carry } => guess(carry, bytes, out),
            State::Streaming(decoder) => run(decoder, bytes, out, false),
            State::Whole { bytes: kept, .. } => {
                let room = WHOLE_BYTES_MAX.saturating_sub(kept.len()).min(bytes.len());
                kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
            }
        }
    }

    /// Appends what was waiting for more. The decoder is not to be used again.
    pub fn finish(&mut self, out: &mut String) {
        match &mut self.state {
            State::Guess { carry } => out.extend(carry.drain(..).map(char::from)),
            State::Streaming(decoder) => run(decoder, b"", out, true),
            State::Whole { decode, bytes } => out.push_str(&decode(bytes)),
        }
    }
}

/// Decodes a whole text.
pub(crate) fn decode(label: &[u8], bytes: &[u8]) -> String {
    let mut decoder = CharsetDecoder::new(label);
    let mut out = String::with_capacity(bytes.len());
    decoder.push(bytes, &mut out);
    decoder.finish(&mut out);
    out
}

fn run(decoder: &mut Decoder, mut bytes: &[u8], out: &mut String, last: bool) {
    loop {
        out.reserve(
            decoder
                .max_utf8_buffer_length(bytes.len())
                .unwrap_or(bytes.len())
                .max(16),
        );
        let (result, read, _) = decoder.decode_to_string(bytes, out, last);
        bytes = bytes.get(read..).unwrap_or_default();
        if result == encoding_rs::CoderResult::InputEmpty {
            return;
        }
    }
}

fn guess(carry: &mut Vec<u8>, bytes: &[u8], out: &mut String) {
    let joined;
    let bytes = if carry.is_empty() {
        bytes
    } else {
        carry.extend_from_slice(bytes);
        joined = std::mem::take(carry);
        &joined
    };
    let mut chunks = bytes.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        out.push_str(chunk.valid());
        let cut_off = chunks.peek().is_none() && is_start_of_character(chunk.invalid());
        if cut_off {
            carry.extend_from_slice(chunk.invalid());
        } else {
            out.extend(chunk.invalid().iter().copied().map(char::from));
        }
    }
}

/// Tells whether bytes that are not UTF-8 may become so when more follow.
fn is_start_of_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(label: &str, bytes: &[u8], expected: &str) {
        assert_eq!(decode(label.as_bytes(), bytes), expected, "{label}");
        let mut decoder = CharsetDecoder::new(label.as_bytes());
        let mut out = String::new();
        for byte in bytes {
            decoder.push(&[*byte], &mut out);
        }
        decoder.finish(&mut out);
        assert_eq!(out, expected, "{label} byte by byte");
    }

    #[test]
    fn charsets() {
        check("iso-8859-1", b"caf\xe9", "café");
        check("ISO-2022-JP", b"\x1b$B%F%9%H\x1b(B", "テスト");
        check("utf-7", b"Hi Mom +Jjo-!", "Hi Mom \u{263a}!");
        check("gb2312", b"\xc4\xe3", "你");
    }

    #[test]
    fn unlabelled_text_is_guessed() {
        check("us-ascii", "né".as_bytes(), "né");
        check("", b"n\xe9!", "né!");
        check("x-unknown", b"\xe9", "é");
        check("", b"\xe2\x82", "\u{e2}\u{82}");
    }
}
