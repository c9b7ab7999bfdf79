//! A server that is reached over TCP.

use std::net::SocketAddr;

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::peer::Stream;
use super::player::Connect;

/// A server that listens at an address, without TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TcpServer {
    /// Where it listens.
    pub address: SocketAddr,
}

#[async_trait]
impl Connect for TcpServer {
    async fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        Ok(Box::new(TcpStream::connect(self.address).await?))
    }
}
