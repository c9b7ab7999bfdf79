//! The octets of a connection, with bounded buffers and deadlines.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use lmtp_wire::Reply;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::ByteStream;
use crate::instruments::Instruments;
use crate::options::Times;

/// Octets read at one time.
const READ_BYTES: usize = 16 * 1024;
/// Replies that wait to be sent before a client that pipelines is made to take them.
const OUTPUT_BYTES_MAX: usize = 16 * 1024;

/// A stream with its buffers.
pub(crate) struct Channel {
    stream: Box<dyn ByteStream>,
    /// What was read and not understood yet.
    pub(crate) input: BytesMut,
    output: Vec<u8>,
    pub(crate) times: Times,
    instruments: Instruments,
}

impl Channel {
    pub(crate) fn new(stream: Box<dyn ByteStream>, times: Times, instruments: Instruments) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            output: Vec::new(),
            times,
            instruments,
        }
    }

    /// Appends to what is to be sent.
    pub(crate) fn reply(&mut self, reply: &Reply) {
        reply.encode(&mut self.output);
    }

    /// Waits for more input. May be dropped while it waits without losing anything.
    pub(crate) async fn read_more(&mut self) -> io::Result<()> {
        self.input.reserve(READ_BYTES);
        let mut window = bytes::BufMut::limit(&mut self.input, READ_BYTES);
        match self.stream.read_buf(&mut window).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            octets => {
                self.instruments.received(octets);
                Ok(())
            }
        }
    }

    /// Waits for more input, as long as this.
    pub(crate) async fn read_within(&mut self, pause_max: Duration) -> io::Result<()> {
        match timeout(pause_max, self.read_more()).await {
            Ok(read) => read,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Sends what waits to be sent.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let (stream, output) = (&mut self.stream, &self.output);
        let send = async {
            stream.write_all(output).await?;
            stream.flush().await
        };
        match timeout(self.times.write_max, send).await {
            Ok(sent) => sent?,
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
        self.instruments.sent(self.output.len());
        self.output.clear();
        Ok(())
    }

    /// Sends what waits when there is much of it.
    pub(crate) async fn flush_if_full(&mut self) -> io::Result<()> {
        if self.output.len() < OUTPUT_BYTES_MAX {
            return Ok(());
        }
        self.flush().await
    }

    /// Sends what waits and ends the stream, as far as the client lets it.
    pub(crate) async fn close(mut self) {
        let ended = async {
            self.flush().await?;
            timeout(self.times.write_max, self.stream.shutdown())
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        };
        if let Err(error) = ended.await {
            tracing::debug!(%error, "client is gone");
        }
    }

    /// Returns the stream. Whatever was read from it and not used is lost.
    pub(crate) fn into_stream(self) -> Box<dyn ByteStream> {
        self.stream
    }
}
