//! One connection: the driver that owns its socket and timers.

mod channel;
mod delivering;
mod driver;
mod incoming;

pub(crate) use channel::Channel;
pub(crate) use driver::Driver;

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection's octets: a socket, TLS, or a pipe in memory.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for S {}
