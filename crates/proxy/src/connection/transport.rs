//! Octets in and out of one connection, with bounded buffers that are given back while it idles.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::ready;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

use super::stream::ByteStream;
use crate::load::Held;
use crate::metrics::Traffic;

/// Octets read at a time.
const READ_BYTES: usize = 16 * 1024;
/// Octets that were read and not understood beyond which nothing more is read. What is read is
/// understood before more is asked for, so nobody comes here but by a mistake of ours, which must cost a
/// connection and not the memory.
const UNREAD_BYTES_MAX: usize = 2 * READ_BYTES;
/// How long a peer is waited for when the connection is closed.
const GOODBYE_MAX: Duration = Duration::from_secs(5);

/// The connection's stream with what was read and not yet understood, and what waits to be sent.
pub(crate) struct Transport {
    stream: Box<dyn ByteStream>,
    input: Vec<u8>,
    /// Octets at the beginning of `input` that were understood.
    consumed: usize,
    output: Vec<u8>,
    /// Octets at the beginning of `output` that were sent.
    sent: usize,
    output_bytes_max: usize,
    write_max: Duration,
    traffic: Option<Traffic>,
    held: Option<Held>,
}

impl Transport {
    pub(crate) fn new(stream: Box<dyn ByteStream>, output_bytes_max: usize, write_max: Duration) -> Self {
        Self {
            stream,
            input: Vec::new(),
            consumed: 0,
            output: Vec::new(),
            sent: 0,
            output_bytes_max,
            write_max,
            traffic: None,
            held: None,
        }
    }

    /// Changes how many octets may wait to be sent.
    pub(crate) fn set_output_bytes_max(&mut self, output_bytes_max: usize) {
        self.output_bytes_max = output_bytes_max;
    }

    /// Counts the octets from now on: those that pass, and those that are held.
    pub(crate) fn counted(mut self, traffic: Traffic, held: Held) -> Self {
        self.traffic = Some(traffic);
        self.held = Some(held);
        self
    }

    fn count_held(&mut self) {
        if let Some(held) = &mut self.held {
            held.set(self.input.capacity() + self.output.capacity());
        }
    }

    /// Waits for more input and returns how many octets came; 0 at the end of the stream. Nothing is
    /// lost when this is dropped while it waits, and no buffer is held meanwhile. Fails when too much
    /// waits already that nobody takes.
    pub(crate) async fn read_more(&mut self) -> io::Result<usize> {
        self.compact();
        if self.input.len() >= UNREAD_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "input is not taken"));
        }
        let (stream, input) = (&mut self.stream, &mut self.input);
        let traffic = self.traffic.as_ref();
        let read = poll_fn(move |cx| {
            let mut space = [0; READ_BYTES];
            let mut buffer = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
            input.extend_from_slice(buffer.filled());
            if let Some(traffic) = traffic {
                traffic.received(buffer.filled().len());
            }
            std::task::Poll::Ready(Ok::<_, io::Error>(buffer.filled().len()))
        })
        .await?;
        self.count_held();
        Ok(read)
    }

    /// Returns what was read and not yet understood.
    pub(crate) fn unread(&self) -> &[u8] {
        self.input.get(self.consumed..).unwrap_or_default()
    }

    /// Lets `take` understand some of the input: it moves the slice's beginning.
    pub(crate) fn consume<'t, T>(&'t mut self, take: impl FnOnce(&mut &'t [u8]) -> T) -> T {
        let mut rest = self.input.get(self.consumed..).unwrap_or_default();
        let before = rest.len();
        let taken = take(&mut rest);
        self.consumed += before - rest.len();
        taken
    }

    /// Returns the buffer that responses are written to.
    pub(crate) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Sends what waits if it is much. Called between responses: a client that does not read slows
    /// the command down and costs no memory.
    pub(crate) async fn checkpoint(&mut self) -> io::Result<()> {
        self.count_held();
        if self.output.len() * 4 >= self.output_bytes_max {
            self.send().await?;
        }
        Ok(())
    }

    /// Sends everything that waits. May be dropped and called again without loss.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        self.send().await?;
        timed(self.write_max, self.stream.flush()).await
    }

    /// Gives back the memory of both buffers, before a wait.
    pub(crate) fn give_back_buffers(&mut self) {
        self.compact();
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        if self.output.is_empty() {
            self.output = Vec::new();
        }
        self.count_held();
    }

    /// Gives back what the layers of the stream can do without as well, before a wait that will be long.
    pub(crate) fn rest(&mut self) {
        self.give_back_buffers();
        self.stream.rest();
    }

    /// Says goodbye to the peer's TLS and closes, without waiting long.
    pub(crate) async fn close(&mut self) {
        let goodbye = async {
            self.flush().await?;
            self.stream.shutdown().await
        };
        // Whether the client still listens does not matter any more.
        let _ = tokio::time::timeout(GOODBYE_MAX, goodbye).await;
    }

    /// Takes the transport apart, to put a layer around its stream. Returns what was read and not yet
    /// understood.
    pub(crate) fn into_stream(mut self) -> (Box<dyn ByteStream>, Vec<u8>) {
        self.compact();
        (self.stream, self.input)
    }

    fn compact(&mut self) {
        self.input.drain(..self.consumed);
        self.consumed = 0;
    }

    async fn send(&mut self) -> io::Result<()> {
        while let Some(rest) = self.output.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let written = timed(self.write_max, self.stream.write(rest)).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.sent += written;
            if let Some(traffic) = &self.traffic {
                traffic.sent(written);
            }
        }
        self.output.clear();
        self.sent = 0;
        Ok(())
    }
}

async fn timed<T>(limit: Duration, write: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(limit, write).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "client does not read")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is done with the input, it does not pile up.
    #[tokio::test(start_paused = true)]
    async fn what_nobody_takes_is_not_read_for_ever() {
        let (mut client, server) = tokio::io::duplex(1024 * 1024);
        let mut transport = Transport::new(Box::new(server), 1024, Duration::from_secs(1));
        client.write_all(&[b'x'; 1024 * 1024]).await.unwrap();
        let failed = loop {
            if let Err(error) = transport.read_more().await {
                break error;
            }
        };
        assert_eq!(failed.kind(), io::ErrorKind::InvalidData);
        assert!(transport.unread().len() < UNREAD_BYTES_MAX + READ_BYTES);
    }
}
