//! The connections that transcripts are played over.

use async_trait::async_trait;
use cluster_tests::certificates::Certificates;
use cluster_tests::server::Access;
use testkit::transcript::{Connect, Stream};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Connects to a server, over TLS or in clear text.
pub struct Line<'a> {
    pub access: &'a Access,
    pub secured: bool,
}

#[async_trait]
impl Connect for Line<'_> {
    async fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        if !self.secured {
            return Ok(Box::new(TcpStream::connect(self.access.imap).await?));
        }
        let stream = TcpStream::connect(self.access.imaps).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(self.access.certificates.client());
        let stream = connector.connect(Certificates::server_name(), stream).await?;
        Ok(Box::new(stream))
    }
}
