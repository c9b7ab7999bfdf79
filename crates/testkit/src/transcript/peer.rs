//! One connection to the server under test.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How long a response may take before the transcript fails.
const RESPONSE_MAX: Duration = Duration::from_secs(300);

/// A byte stream to a server.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One connection, from the client's side.
pub struct Peer {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// What the server did next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    /// One response, its literals included, CRLF and unprintable octets written as escapes.
    Response(String),
    /// The end of the connection.
    Closed,
    /// Nothing for a long time.
    Silence,
}

impl Peer {
    /// Talks over a stream.
    #[must_use]
    pub fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Sends octets and tells whether they could be sent.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// Waits for one response.
    pub async fn hear(&mut self) -> Said {
        match tokio::time::timeout(RESPONSE_MAX, self.response()).await {
            Ok(Some(bytes)) => Said::Response(show(&bytes)),
            Ok(None) => Said::Closed,
            Err(_) => Said::Silence,
        }
    }

    /// Sends a command and returns its responses, the tagged one last. What else comes, the end of the
    /// connection included, ends the list.
    pub async fn command(&mut self, tag: &str, command: &str) -> Vec<String> {
        self.send(format!("{tag} {command}\r\n").as_bytes()).await;
        self.until(&format!("{tag} ")).await
    }

    /// Returns responses up to the first that begins so, or to the end of the connection.
    pub async fn until(&mut self, start: &str) -> Vec<String> {
        let mut responses = Vec::new();
        while let Said::Response(response) = self.hear().await {
            let last = response.starts_with(start);
            responses.push(response);
            if last {
                break;
            }
        }
        responses
    }

    async fn response(&mut self) -> Option<Vec<u8>> {
        let mut length = 0;
        loop {
            let line = self.line_behind(length).await?;
            length += line;
            let literal = literal_length(self.buffer.get(..length)?);
            let Some(literal) = literal else {
                let mut response: Vec<u8> = self.buffer.drain(..length).collect();
                response.truncate(response.len().saturating_sub(2));
                return Some(response);
            };
            length += literal;
            while self.buffer.len() < length {
                self.read().await?;
            }
        }
    }

    /// Reads until there is a whole line behind `start`, and returns its length.
    async fn line_behind(&mut self, start: usize) -> Option<usize> {
        loop {
            let rest = self.buffer.get(start..)?;
            if let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
                return Some(end + 2);
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Option<()> {
        let mut space = [0; 4096];
        let read = self.stream.read(&mut space).await.ok().filter(|read| *read > 0)?;
        self.buffer.extend_from_slice(space.get(..read)?);
        Some(())
    }
}

/// Returns the length of the literal that a line announces at its end.
fn literal_length(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}\r\n")?;
    let open = line.iter().rposition(|byte| *byte == b'{')?;
    std::str::from_utf8(line.get(open + 1..)?).ok()?.parse().ok()
}

/// Writes octets as one line of text.
pub(super) fn show(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\r' => text.push_str("\\r"),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                control if control.is_control() => text.push_str(&format!("\\x{:02x}", u32::from(control))),
                other => text.push(other),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}
