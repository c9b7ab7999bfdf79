//! Content-Transfer-Encodings (RFC 2045 §6), undone piece by piece and without complaint.

use crate::mime::part::TransferEncoding;

/// Decodes a body that arrives in pieces.
#[derive(Debug)]
pub(crate) struct TransferDecoder {
    state: State,
}

#[derive(Debug)]
enum State {
    Identity,
    Base64 { bits: u32, count: u32 },
    QuotedPrintable(Escape),
}

/// Where in `=XX` or in a soft line break the last piece ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Equals,
    Digit(u8),
    SoftBreak,
}

impl TransferDecoder {
    pub fn new(encoding: TransferEncoding) -> Self {
        let state = match encoding {
            TransferEncoding::Identity | TransferEncoding::Unknown => State::Identity,
            TransferEncoding::Base64 => State::Base64 { bits: 0, count: 0 },
            TransferEncoding::QuotedPrintable => State::QuotedPrintable(Escape::None),
        };
        Self { state }
    }

    /// Appends the decoded bytes to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match &mut self.state {
            State::Identity => out.extend_from_slice(bytes),
            State::Base64 { bits, count } => {
                for &byte in bytes {
                    base64_digit(byte, (bits, count), out);
                }
            }
            State::QuotedPrintable(escape) => {
                for &byte in bytes {
                    *escape = quoted_printable(*escape, byte, out);
                }
            }
        }
    }
}

/// RFC 2045 §6.8: bytes outside the alphabet are ignored; padding starts a new quantum, because some
/// programs concatenate encoded pieces.
fn base64_digit(byte: u8, (bits, count): (&mut u32, &mut u32), out: &mut Vec<u8>) {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        b'=' => {
            (*bits, *count) = (0, 0);
            return;
        }
        _ => return,
    };
    *bits = (*bits << 6 | u32::from(value)) & 0x00ff_ffff;
    *count += 6;
    if *count >= 8 {
        *count -= 8;
        out.extend((*bits >> *count).to_le_bytes().first());
    }
}

/// RFC 2045 §6.7: a `=` that starts neither an octet nor a soft line break stands for itself.
fn quoted_printable(escape: Escape, byte: u8, out: &mut Vec<u8>) -> Escape {
    match (escape, byte) {
        (Escape::None, b'=') => return Escape::Equals,
        (Escape::None, _) => out.push(byte),
        (Escape::Equals | Escape::SoftBreak, b'\n') => {}
        (Escape::Equals | Escape::SoftBreak, b'\r' | b' ' | b'\t') => return Escape::SoftBreak,
        (Escape::Equals, _) if byte.is_ascii_hexdigit() => return Escape::Digit(byte),
        (Escape::Equals | Escape::SoftBreak, _) => {
            out.push(b'=');
            return quoted_printable(Escape::None, byte, out);
        }
        (Escape::Digit(high), _) if byte.is_ascii_hexdigit() => out.push(hex(high) << 4 | hex(byte)),
        (Escape::Digit(high), _) => {
            out.extend([b'=', high]);
            return quoted_printable(Escape::None, byte, out);
        }
    }
    Escape::None
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(encoding: TransferEncoding, body: &str, expected: &str) {
        for piece in [1, 3, 1000] {
            let mut decoder = TransferDecoder::new(encoding);
            let mut out = Vec::new();
            for bytes in body.as_bytes().chunks(piece) {
                decoder.push(bytes, &mut out);
            }
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[test]
    fn base64() {
        check(TransferEncoding::Base64, "aGVsbG8=\r\nIHdvcmxk", "hello world");
        check(TransferEncoding::Base64, "aG!V*s\r\nbG8", "hello");
        check(TransferEncoding::Base64, "====", "");
    }

    #[test]
    fn quoted_printable() {
        check(
            TransferEncoding::QuotedPrintable,
            "caf=C3=a9 =\r\nx= \r\ny",
            "café xy",
        );
        check(TransferEncoding::QuotedPrintable, "1=2 =4x =", "1=2 =4x ");
    }
}
