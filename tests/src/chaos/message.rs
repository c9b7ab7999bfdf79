//! Messages that are known again whatever their UID.

use history::Content;
use sha2::{Digest, Sha256};

/// A message to send.
#[derive(Debug)]
pub struct Message {
    pub token: String,
    pub bytes: Vec<u8>,
    pub content: Content,
}

impl Message {
    pub fn make(token: &str, body_bytes: usize) -> Self {
        let line = format!("{token} says the same again and again.\r\n");
        let body = line.repeat(body_bytes / line.len() + 1);
        let bytes = format!(
            "From: Ada <ada@example.net>\r\nTo: Alice <alice@example.org>\r\nSubject: {token}\r\n\
             Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nX-Chk: {token}\r\n\r\n{body}"
        );
        let bytes = bytes.into_bytes();
        Self {
            token: token.to_owned(),
            content: identify(&bytes),
            bytes,
        }
    }
}

/// Returns what identifies the bytes of a message, or of a part of its header.
pub fn identify(bytes: &[u8]) -> Content {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let (header, body) = bytes.split_at(end.map_or(bytes.len(), |end| end + 4));
    let header = String::from_utf8_lossy(header);
    let token = header.lines().find_map(|line| line.strip_prefix("X-Chk: "));
    let hash: String = Sha256::digest(body)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Content {
        token: token.unwrap_or_default().trim().to_owned(),
        size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        hash,
    }
}

/// Returns a response as it is recorded: what identifies a literal stands in its place.
pub fn recorded(line: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, literal, behind)) = literal(rest) {
        text.push_str(&String::from_utf8_lossy(before));
        text.push_str(&identify(literal).quoted());
        rest = behind;
    }
    text.push_str(&String::from_utf8_lossy(rest));
    text
}

/// Splits a response at its first literal.
fn literal(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let end = line.windows(3).position(|three| three == b"}\r\n")?;
    let start = line.get(..end)?.iter().rposition(|byte| *byte == b'{')?;
    let length: usize = std::str::from_utf8(line.get(start + 1..end)?)
        .ok()?
        .parse()
        .ok()?;
    let from = end + 3;
    Some((
        line.get(..start)?,
        line.get(from..from + length)?,
        line.get(from + length..)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_recorded_by_what_identifies_them() {
        let message = Message::make("a-1", 10);
        let announced = format!("1 FETCH (BODY[] {{{}}}\r\n", message.bytes.len());
        let line = [announced.as_bytes(), &message.bytes, b" UID 7)"];
        let expected = format!("1 FETCH (BODY[] {} UID 7)", message.content.quoted());
        assert_eq!(recorded(&line.concat()), expected);
        assert_eq!(message.content.token, "a-1");
        let stored = [b"Return-Path: <>\r\n".as_slice(), &message.bytes].concat();
        assert_eq!(identify(&stored).hash, message.content.hash);
    }
}
