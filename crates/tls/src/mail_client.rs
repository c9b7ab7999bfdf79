//! The client's side of a mail connection: probes, migration from other servers, and tests.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use crate::binding::{self, ChannelBindings};
use crate::certificate::{ServedCertificate, parse_roots};
use crate::clock::Clock;
use crate::error::TlsError;
use crate::provider::provider;
use crate::stream::TlsStream;

/// Which protocol versions a client offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OfferedVersions {
    /// TLS 1.2 and 1.3.
    #[default]
    All,
    /// TLS 1.2 alone, as old mail programs do.
    Tls12,
}

/// Connects to mail servers and verifies them against a given authority. Sessions are resumed where
/// the server hands out tickets.
#[derive(Debug, Clone)]
pub struct MailClient {
    config: Arc<ClientConfig>,
}

impl MailClient {
    /// Returns a client that trusts the authorities in a PEM text.
    pub fn trusting(
        authorities_pem: &[u8],
        versions: OfferedVersions,
        clock: Clock,
    ) -> Result<Self, TlsError> {
        let offered = match versions {
            OfferedVersions::All => rustls::ALL_VERSIONS,
            OfferedVersions::Tls12 => &[&rustls::version::TLS12],
        };
        let config = ClientConfig::builder_with_details(provider(), Arc::new(clock))
            .with_protocol_versions(offered)
            .map_err(TlsError::Policy)?
            .with_root_certificates(parse_roots(authorities_pem)?)
            .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
        })
    }

    /// Performs the client's side of the handshake on `io`, within `deadline`, and verifies that the
    /// peer is `host` (a DNS name or IP address).
    pub async fn connect<IO>(&self, io: IO, host: &str, deadline: Duration) -> Result<TlsStream<IO>, TlsError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::HostName(host.to_owned()))?;
        let handshake = TlsConnector::from(Arc::clone(&self.config)).connect(name, io);
        let stream = tokio::time::timeout(deadline, handshake)
            .await
            .map_err(|_| TlsError::HandshakeTimeout(deadline))?
            .map_err(TlsError::Handshake)?;
        let connection = stream.get_ref().1;
        let leaf = connection.peer_certificates().and_then(|chain| chain.first());
        let bindings = ChannelBindings {
            exporter: binding::exporter(connection),
            server_end_point: leaf.and_then(|der| ServedCertificate::end_point_of(der)),
        };
        Ok(TlsStream::new(stream.into(), bindings))
    }
}
