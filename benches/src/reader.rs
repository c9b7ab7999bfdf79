//! Lines and literals out of a stream, with as little work as counting allows.

use anyhow::{Context, bail, ensure};
use memchr::memchr;
use tokio::io::{AsyncReadExt, ReadHalf};

use crate::stream::Stream;

const BUFFER_BYTES: usize = 64 * 1024;
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

pub struct Reader {
    stream: ReadHalf<Stream>,
    buffer: Vec<u8>,
    /// What lies before it was given out.
    start: usize,
}

impl Reader {
    pub fn new(stream: ReadHalf<Stream>) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            start: 0,
        }
    }

    /// Reads one line, given without its end.
    pub async fn line(&mut self) -> anyhow::Result<&[u8]> {
        let mut searched = self.start;
        let end = loop {
            match memchr(b'\n', self.buffer.get(searched..).unwrap_or_default()) {
                Some(at) => break searched + at,
                None => {
                    let waiting = self.buffer.len() - self.start;
                    ensure!(waiting < LINE_BYTES_MAX, "a line of over {LINE_BYTES_MAX} bytes");
                    self.fill().await?;
                    searched = self.start + waiting;
                }
            }
        };
        let line = self.start..end;
        self.start = end + 1;
        let line = self
            .buffer
            .get(line)
            .context("the line was found in the buffer")?;
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// Reads past `count` bytes.
    pub async fn skip(&mut self, mut count: usize) -> anyhow::Result<()> {
        loop {
            let here = count.min(self.buffer.len() - self.start);
            self.start += here;
            count -= here;
            if count == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// Holds no memory while nothing comes, so that thousands of idle sessions fit in one process.
    pub fn release(&mut self) {
        if self.start == self.buffer.len() {
            self.buffer = Vec::new();
            self.start = 0;
        }
    }

    async fn fill(&mut self) -> anyhow::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.reserve(BUFFER_BYTES);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

/// Returns the length of the literal that a line announces at its end.
pub fn literal_length(line: &[u8]) -> Option<usize> {
    let digits = line.strip_suffix(b"}")?;
    let open = digits.iter().rposition(|byte| *byte == b'{')?;
    std::str::from_utf8(digits.get(open + 1..)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_announced_at_the_end_of_a_line() {
        let check = |line: &str, expected| assert_eq!(literal_length(line.as_bytes()), expected, "{line}");
        check("* 1 FETCH (BODY[] {12}", Some(12));
        check("* 1 FETCH (BODY[] {0}", Some(0));
        check("* 1 FETCH (FLAGS ())", None);
        check("{12} more", None);
        check("{x}", None);
        check("}", None);
    }

    #[tokio::test]
    async fn lines_and_literals_come_out_whatever_the_reads() {
        let (ours, mut theirs) = tokio::io::duplex(3);
        let (read, _write) = tokio::io::split(Box::new(ours) as Stream);
        let mut reader = Reader::new(read);
        let send = async {
            tokio::io::AsyncWriteExt::write_all(&mut theirs, b"* 1 {5}\r\na\r\nbc)\r\nlast\n").await
        };
        let receive = async {
            assert_eq!(reader.line().await.expect("line"), b"* 1 {5}");
            reader.skip(5).await.expect("literal");
            assert_eq!(reader.line().await.expect("line"), b")");
            assert_eq!(reader.line().await.expect("line"), b"last");
        };
        let (sent, ()) = tokio::join!(send, receive);
        sent.expect("sent");
    }
}
