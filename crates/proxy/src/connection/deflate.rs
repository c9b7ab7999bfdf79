//! COMPRESS=DEFLATE (RFC 4978): raw deflate in both directions, inside TLS.
//!
//! What is inflated passes through the same limits as what arrives plain, a few KiB at a time, so the
//! ratio of compression decides nothing. Passwords never pass through: compression starts after login
//! (the CRIME class of attacks needs secret and chosen text in one compressed stream).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::ByteStream;

/// Compressed octets that may wait to be sent.
const PENDING_BYTES_MAX: usize = 32 * 1024;
/// Octets compressed or read in one step.
const STEP_BYTES: usize = 16 * 1024;

/// A stream that is compressed on the wire.
pub(crate) struct DeflateStream<S> {
    inner: S,
    inflate: Decompress,
    received: Vec<u8>,
    consumed: usize,
    /// The inflater filled the whole buffer last time, so it may hold more without new input.
    more: bool,
    /// Absent while idle: its tables are the largest thing that a session can hold. A flush ends on a
    /// whole octet, and a new compressor that refers to nothing before it may continue the stream.
    deflate: Option<Box<Compress>>,
    pending: Vec<u8>,
    sent: usize,
    /// Something was compressed since the last flush.
    unflushed: bool,
}

impl<S> DeflateStream<S> {
    /// Compresses what is sent from now on and inflates what is received, beginning with octets that
    /// were read already.
    pub(crate) fn new(inner: S, received: Vec<u8>) -> Self {
        Self {
            inner,
            inflate: Decompress::new(false),
            received,
            consumed: 0,
            more: false,
            deflate: None,
            pending: Vec::new(),
            sent: 0,
            unflushed: false,
        }
    }

    /// Inflates into `buffer` and tells how much was written, or `None` when more input is needed.
    fn inflate_into(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<Option<usize>> {
        let input = self.received.get(self.consumed..).unwrap_or_default();
        if input.is_empty() && !self.more {
            return Ok(None);
        }
        let (read_before, written_before) = (self.inflate.total_in(), self.inflate.total_out());
        let output = buffer.initialize_unfilled();
        let room = output.len();
        let status = self
            .inflate
            .decompress(input, output, FlushDecompress::None)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not a deflate stream"))?;
        let read = difference(self.inflate.total_in(), read_before);
        let written = difference(self.inflate.total_out(), written_before);
        self.consumed += read;
        self.more = written == room && room > 0;
        buffer.advance(written);
        match (status, written) {
            (Status::StreamEnd, 0) => Err(io::ErrorKind::UnexpectedEof.into()),
            (Status::Ok | Status::BufError, 0) if read == 0 && self.consumed < self.received.len() => Err(
                io::Error::new(io::ErrorKind::InvalidData, "deflate stream makes no progress"),
            ),
            (_, 0) => Ok(None),
            (_, written) => Ok(Some(written)),
        }
    }

    fn compress(&mut self, input: &[u8], flush: FlushCompress) -> io::Result<usize> {
        let deflate = self
            .deflate
            .get_or_insert_with(|| Box::new(Compress::new(Compression::fast(), false)));
        let before = deflate.total_in();
        loop {
            let read = difference(deflate.total_in(), before);
            self.pending.reserve(STEP_BYTES);
            let rest = input.get(read..).unwrap_or_default();
            deflate
                .compress_vec(rest, &mut self.pending, flush)
                .map_err(io::Error::other)?;
            let read = difference(deflate.total_in(), before);
            // Spare room in the output means that the compressor had nothing left to say.
            if read == input.len() && self.pending.len() < self.pending.capacity() {
                return Ok(read);
            }
        }
    }
}

impl<S: ByteStream> DeflateStream<S> {
    fn poll_send_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.pending.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += written;
        }
        self.pending.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl<S: ByteStream> AsyncRead for DeflateStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = &mut *self;
        loop {
            if stream.inflate_into(buffer)?.is_some() {
                return Poll::Ready(Ok(()));
            }
            stream.received = Vec::new();
            stream.consumed = 0;
            let mut space = [0; 4096];
            let mut step = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut stream.inner).poll_read(cx, &mut step))?;
            if step.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            stream.received = step.filled().to_vec();
        }
    }
}

impl<S: ByteStream> AsyncWrite for DeflateStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let stream = &mut *self;
        if stream.pending.len() >= PENDING_BYTES_MAX {
            ready!(stream.poll_send_pending(cx))?;
        }
        let step = bytes.get(..STEP_BYTES).unwrap_or(bytes);
        stream.unflushed = true;
        Poll::Ready(stream.compress(step, FlushCompress::None))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = &mut *self;
        // RFC 4978 §4: what is flushed must be decodable by the client at once.
        if std::mem::take(&mut stream.unflushed) {
            stream.compress(&[], FlushCompress::Sync)?;
        }
        ready!(stream.poll_send_pending(cx))?;
        Pin::new(&mut stream.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: ByteStream> ByteStream for DeflateStream<S> {
    fn rest(&mut self) {
        if self.pending.is_empty() {
            self.deflate = None;
            self.pending = Vec::new();
        }
        self.inner.rest();
    }
}

/// Both totals count octets of one call's buffers, so their difference fits.
fn difference(after: u64, before: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}
