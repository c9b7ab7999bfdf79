//! The byte stream under a connection, whatever lies around it: plain, TLS, compression.

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection to a client.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Sync + Unpin {
    /// Gives back memory that is not needed while nothing is sent.
    fn rest(&mut self) {}
}

impl ByteStream for tokio::net::TcpStream {}
impl ByteStream for tokio::io::DuplexStream {}
impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> ByteStream for tls::TlsStream<S> {}
impl ByteStream for Box<dyn ByteStream> {
    fn rest(&mut self) {
        (**self).rest();
    }
}
