//! An LMTP client (RFC 2033): one recipient, the envelope pipelined.

use anyhow::ensure;
use tokio::io::{AsyncWriteExt, WriteHalf};

use crate::reader::Reader;
use crate::stream::Stream;

pub struct Lmtp {
    reader: Reader,
    writer: WriteHalf<Stream>,
}

impl Lmtp {
    pub async fn greeted(stream: Stream) -> anyhow::Result<Self> {
        let (read, writer) = tokio::io::split(stream);
        let mut client = Self {
            reader: Reader::new(read),
            writer,
        };
        client.expect(b"220").await?;
        client.write(b"LHLO load.example\r\n").await?;
        client.expect(b"250").await?;
        Ok(client)
    }

    pub async fn deliver(&mut self, recipient: &str, message: &[u8]) -> anyhow::Result<()> {
        let envelope = format!("MAIL FROM:<sender@sender.example>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n");
        self.write(envelope.as_bytes()).await?;
        self.expect(b"250").await?;
        self.expect(b"250").await?;
        self.expect(b"354").await?;
        let mut content = Vec::with_capacity(message.len() + 8);
        for line in message.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b".") {
                content.push(b'.');
            }
            content.extend_from_slice(line);
        }
        content.extend_from_slice(b".\r\n");
        self.write(&content).await?;
        self.expect(b"250").await
    }

    async fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.writer.write_all(bytes).await?;
        self.writer.flush().await?;
        Ok(())
    }

    /// Reads one reply, of one line or more.
    async fn expect(&mut self, code: &[u8]) -> anyhow::Result<()> {
        loop {
            let line = self.reader.line().await?;
            ensure!(
                line.starts_with(code),
                "LMTP answered {:?}",
                String::from_utf8_lossy(line)
            );
            if line.get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }
}
