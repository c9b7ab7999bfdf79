//! Responses out of a stream of bytes.

use std::io::{self, Read};

/// Bytes of a response that a test would look at; more is a server gone mad.
const RESPONSE_BYTES_MAX: usize = 64 << 20;

/// Bytes that were read and not yet taken.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
}

impl Reader {
    /// Returns the next response: a line, and as long as lines end with the announcement of a literal, the literal
    /// and the line behind it (RFC 3501 §4.3).
    pub fn response(&mut self, stream: &mut impl Read) -> io::Result<Vec<u8>> {
        let mut taken = 0;
        loop {
            let line_end = self.line_end(stream, taken)?;
            match announced(self.buffer.get(taken..line_end).unwrap_or_default()) {
                Some(length) => {
                    taken = line_end + 2 + length;
                    self.fill(stream, taken)?;
                }
                None => {
                    let mut response: Vec<u8> = self.buffer.drain(..line_end + 2).collect();
                    response.truncate(line_end);
                    return Ok(response);
                }
            }
        }
    }

    /// Returns where the line that begins at `from` ends.
    fn line_end(&mut self, stream: &mut impl Read, from: usize) -> io::Result<usize> {
        let mut seen = from;
        loop {
            let rest = self.buffer.get(seen..).unwrap_or_default();
            if let Some(at) = rest.windows(2).position(|bytes| bytes == b"\r\n") {
                return Ok(seen + at);
            }
            seen = self.buffer.len().saturating_sub(1).max(from);
            self.more(stream)?;
        }
    }

    /// Reads until so many bytes wait to be taken.
    pub fn fill(&mut self, stream: &mut impl Read, length: usize) -> io::Result<()> {
        while self.buffer.len() < length {
            self.more(stream)?;
        }
        Ok(())
    }

    fn more(&mut self, stream: &mut impl Read) -> io::Result<()> {
        let mut chunk = vec![0; 32 << 10];
        let length = stream.read(&mut chunk)?;
        if length == 0 || self.buffer.len() > RESPONSE_BYTES_MAX {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.buffer.extend(chunk.into_iter().take(length));
        Ok(())
    }
}

/// Returns the length of the literal that a line announces with its end.
fn announced(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}")?;
    let start = line.iter().rposition(|byte| *byte == b'{')?;
    std::str::from_utf8(line.get(start + 1..)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_belong_to_their_response() {
        let mut wire: &[u8] = b"* 1 FETCH (BODY[] {5}\r\n\r\n}\r\n)\r\n* OK {x}\r\n";
        let mut reader = Reader::default();
        let first = reader.response(&mut wire).unwrap();
        assert_eq!(first, b"* 1 FETCH (BODY[] {5}\r\n\r\n}\r\n)");
        assert_eq!(reader.response(&mut wire).unwrap(), b"* OK {x}");
        assert!(reader.response(&mut wire).is_err());
    }
}
