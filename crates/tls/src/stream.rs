//! A byte stream over TLS, with what its handshake established.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::binding::ChannelBindings;
use crate::identity::PeerIdentity;

/// A TLS connection over `IO`, after its handshake.
///
/// Reads end with `UnexpectedEof` when the peer closes the transport without a `close_notify` alert;
/// many mail clients do. The stream keeps no buffers of its own while idle.
#[derive(Debug)]
pub struct TlsStream<IO> {
    inner: tokio_rustls::TlsStream<IO>,
    bindings: ChannelBindings,
    peer: Option<Arc<PeerIdentity>>,
}

impl<IO> TlsStream<IO> {
    pub(crate) fn new(inner: tokio_rustls::TlsStream<IO>, bindings: ChannelBindings) -> Self {
        Self {
            inner,
            bindings,
            peer: None,
        }
    }

    pub(crate) fn with_peer(self, peer: PeerIdentity) -> Self {
        Self {
            peer: Some(Arc::new(peer)),
            ..self
        }
    }

    /// Returns the bytes that tie an authentication exchange to this connection.
    pub fn channel_binding(&self) -> &ChannelBindings {
        &self.bindings
    }

    /// Returns who the peer is, verified; `None` where no client certificate was asked for, as on
    /// mail listeners.
    pub fn peer_identity(&self) -> Option<&Arc<PeerIdentity>> {
        self.peer.as_ref()
    }

    /// Returns the protocol version in the words of the log, such as `TLSv1.3`.
    pub fn version(&self) -> &'static str {
        match self.inner.get_ref().1.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _ => "unknown",
        }
    }

    /// Returns the IANA name of the cipher suite.
    pub fn cipher_suite(&self) -> Option<&'static str> {
        self.inner.get_ref().1.negotiated_cipher_suite()?.suite().as_str()
    }

    /// Returns the application protocol that was agreed on, if any (RFC 7301).
    pub fn application_protocol(&self) -> Option<&[u8]> {
        self.inner.get_ref().1.alpn_protocol()
    }

    /// Returns whether the handshake resumed an earlier session from a ticket.
    pub fn is_resumed(&self) -> bool {
        self.inner.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed)
    }

    /// Returns the host name that the client asked for, on the server's side (RFC 6066 §3).
    pub fn server_name(&self) -> Option<&str> {
        match &self.inner {
            tokio_rustls::TlsStream::Server(stream) => stream.get_ref().1.server_name().map(trim_dot),
            tokio_rustls::TlsStream::Client(_) => None,
        }
    }

    /// Returns the transport under the connection, for its addresses and socket options.
    pub fn transport(&self) -> &IO {
        self.inner.get_ref().0
    }

    /// Bounds the bytes that wait in this connection to be encrypted or sent; writers wait beyond it.
    pub fn set_buffer_limit(&mut self, bytes_max: usize) {
        match &mut self.inner {
            tokio_rustls::TlsStream::Server(s) => s.get_mut().1.set_buffer_limit(Some(bytes_max)),
            tokio_rustls::TlsStream::Client(s) => s.get_mut().1.set_buffer_limit(Some(bytes_max)),
        }
    }
}

/// RFC 6066 §3 forbids the trailing dot that some clients send.
pub(crate) fn trim_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
