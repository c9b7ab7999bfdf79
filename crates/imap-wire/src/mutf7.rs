//! Modified UTF-7, the encoding of mailbox names in IMAP4rev1 (RFC 3501 §5.1.3).
//!
//! Printable US-ASCII stands for itself, `&` is written `&-`, and every run of other characters is
//! `&`, its UTF-16BE in base64 with `,` for `/` and without padding, then `-`. Decoding is strict, so
//! that one name has one encoding: two spellings of a name would be two mailboxes to a client.

use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Why a byte string is not modified UTF-7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ModifiedUtf7Error {
    /// A byte outside 0x20..=0x7e.
    #[error("a byte that is not printable US-ASCII")]
    NotPrintable,
    /// A shift `&` without its closing `-`.
    #[error("an unterminated base64 run")]
    Unterminated,
    /// Base64 with wrong digits, a wrong length or bits left over.
    #[error("malformed base64")]
    Base64,
    /// UTF-16 with an unpaired surrogate.
    #[error("an unpaired surrogate")]
    Surrogate,
    /// Printable US-ASCII in base64, or two runs where one was due.
    #[error("a superfluous base64 run")]
    Superfluous,
}

/// Base64 with the digits of RFC 3501 §5.1.3: `,` in the place of `/`.
const ALPHABET: Alphabet =
    match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,") {
        Ok(alphabet) => alphabet,
        Err(_) => base64::alphabet::STANDARD,
    };

/// Neither padding nor trailing bits, so that one text has one encoding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Returns the modified UTF-7 of `text`.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let direct = rest.find(|c| !is_direct(c)).unwrap_or(rest.len());
        let (plain, tail) = rest.split_at(direct);
        out.push_str(&plain.replace('&', "&-"));
        let shifted = tail.find(is_direct).unwrap_or(tail.len());
        let (run, tail) = tail.split_at(shifted);
        if !run.is_empty() {
            encode_run(&mut out, run);
        }
        rest = tail;
    }
    out
}

fn encode_run(out: &mut String, run: &str) {
    let units: Vec<u8> = run.encode_utf16().flat_map(u16::to_be_bytes).collect();
    out.push('&');
    BASE64.encode_string(units, out);
    out.push('-');
}

/// Returns the text that `bytes` is the modified UTF-7 of.
pub fn decode(bytes: &[u8]) -> Result<String, ModifiedUtf7Error> {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    let mut after_run = false;
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            b'&' => {
                let end = tail
                    .iter()
                    .position(|b| *b == b'-')
                    .ok_or(ModifiedUtf7Error::Unterminated)?;
                let (run, tail) = tail.split_at(end);
                if run.is_empty() {
                    out.push('&');
                } else if after_run {
                    return Err(ModifiedUtf7Error::Superfluous);
                } else {
                    decode_run(&mut out, run)?;
                }
                after_run = !run.is_empty();
                rest = tail.get(1..).unwrap_or_default();
            }
            0x20..=0x7e => {
                out.push(char::from(byte));
                after_run = false;
                rest = tail;
            }
            _ => return Err(ModifiedUtf7Error::NotPrintable),
        }
    }
    Ok(out)
}

fn decode_run(out: &mut String, run: &[u8]) -> Result<(), ModifiedUtf7Error> {
    let bytes = BASE64.decode(run).map_err(|_| ModifiedUtf7Error::Base64)?;
    let pairs = bytes.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(ModifiedUtf7Error::Base64);
    }
    let units = pairs.filter_map(|pair| pair.first_chunk::<2>().copied().map(u16::from_be_bytes));
    for unit in char::decode_utf16(units) {
        let character = unit.map_err(|_| ModifiedUtf7Error::Surrogate)?;
        if is_direct(character) {
            return Err(ModifiedUtf7Error::Superfluous);
        }
        out.push(character);
    }
    Ok(())
}

/// Characters that represent themselves; `&` is among them, written `&-`.
fn is_direct(character: char) -> bool {
    matches!(character, ' '..='~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_answers_both_ways() {
        let cases = [
            ("INBOX", "INBOX"),
            ("", ""),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"), // RFC 3501 §5.1.3
            ("A&B", "A&-B"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("é&è", "&AOk-&-&AOg-"),
            ("😀", "&2D3eAA-"),
        ];
        for (text, wire) in cases {
            assert_eq!(encode(text), wire);
            assert_eq!(decode(wire.as_bytes()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn strict_decoding() {
        use ModifiedUtf7Error::*;
        let cases: [(&[u8], ModifiedUtf7Error); 9] = [
            (b"a&b", Unterminated),
            (b"&AGE-", Superfluous),              // "a" needs no shift
            (b"&U,BTFw-&ZeVnLIqe-", Superfluous), // RFC 3501 §5.1.3: a null shift is not permitted
            (b"&2D0-", Surrogate),
            (b"&AP-", Base64),
            (b"&APx-", Base64), // left-over bits
            (b"&A/w-", Base64),
            (b"caf\xc3\xa9", NotPrintable),
            (b"a\rb", NotPrintable),
        ];
        for (wire, expected) in cases {
            assert_eq!(decode(wire), Err(expected), "{wire:?}");
        }
    }

    proptest! {
        #[test]
        fn decode_inverts_encode(text in ".*") {
            prop_assert_eq!(decode(encode(&text).as_bytes()), Ok(text));
        }

        #[test]
        fn encode_inverts_decode(wire in "[ -~]*|[a-c&+,A-D-]{0,24}") {
            if let Ok(text) = decode(wire.as_bytes()) {
                prop_assert_eq!(encode(&text), wire);
            }
        }
    }
}
