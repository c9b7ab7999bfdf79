//! Mutual TLS between the processes of a cluster.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::binding::{self, ChannelBindings};
use crate::certificate::{ServedCertificate, parse_roots};
use crate::clock::Clock;
use crate::error::TlsError;
use crate::files;
use crate::identity::{IdentityError, NodeName, PeerIdentity, Role};
use crate::peer_verifier::PeerVerifier;
use crate::provider::provider;
use crate::reload::{Reload, Stamp, Stamps};
use crate::stream::TlsStream;

/// gRPC runs over HTTP/2 (RFC 9113 §3.2).
const APPLICATION_PROTOCOL: &[u8] = b"h2";
/// A name for the handshake's sake; it is neither sent nor verified.
const PLACEHOLDER_NAME: &str = "peer.facteur.invalid";

/// Where a process finds its own identity and the authority of its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFiles {
    /// PEM: the certificates that may sign peers. Two while an authority is being replaced.
    pub authorities: PathBuf,
    /// PEM: our certificate and its intermediates.
    pub chain: PathBuf,
    /// PEM: our private key.
    pub key: PathBuf,
}

impl ClusterFiles {
    fn paths(&self) -> [&Path; 3] {
        [&self.authorities, &self.chain, &self.key]
    }
}

/// Whom a connection is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedPeer {
    /// The role that the peer must have.
    pub role: Role,
    /// The very process, where it is known; seed addresses are dialled before names are.
    pub node: Option<NodeName>,
}

impl ExpectedPeer {
    fn accepts(&self, found: &PeerIdentity) -> bool {
        self.role == found.role && self.node.as_ref().is_none_or(|node| *node == found.node)
    }
}

impl fmt::Display for ExpectedPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "{} {node}", self.role),
            None => write!(f, "any {}", self.role),
        }
    }
}

/// One process's side of mutual TLS: TLS 1.3 only, a certificate demanded from every peer, sessions
/// never resumed so that each connection is judged by the certificates of that moment.
///
/// Revocation lists are not consulted: role certificates are short-lived, and replacing the authority
/// locks out the rest.
#[derive(Debug)]
pub struct Cluster {
    files: ClusterFiles,
    clock: Clock,
    current: ArcSwap<Snapshot>,
    /// The files as they were when `current` was made.
    stamps: Mutex<Stamps>,
}

#[derive(Debug)]
struct Snapshot {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    identity: PeerIdentity,
    expires: SystemTime,
}

impl Cluster {
    /// Loads authority, certificate and key. Fails when one is missing or malformed, or when our own
    /// certificate names no identity.
    pub fn load(files: ClusterFiles, clock: Clock) -> Result<Self, TlsError> {
        let stamps = Stamp::of_all(files.paths())?;
        let snapshot = Snapshot::load(&files, &clock)?;
        Ok(Self {
            current: ArcSwap::from_pointee(snapshot),
            stamps: Mutex::new(stamps),
            files,
            clock,
        })
    }

    /// Looks at the files and, when one has changed, loads them all. On failure what is in use stays
    /// in use, and the next call tries again.
    pub fn reload_if_changed(&self) -> Result<Reload, TlsError> {
        let stamps = Stamp::of_all(self.files.paths())?;
        let mut known = self.stamps.lock();
        if *known == stamps {
            return Ok(Reload::Unchanged);
        }
        let snapshot = Snapshot::load(&self.files, &self.clock)?;
        *known = stamps;
        self.current.store(Arc::new(snapshot));
        Ok(Reload::Replaced)
    }

    /// Returns who we are.
    pub fn identity(&self) -> PeerIdentity {
        self.current.load().identity.clone()
    }

    /// Returns when our certificate expires.
    pub fn expires(&self) -> SystemTime {
        self.current.load().expires
    }

    /// Performs the server's side of the handshake on `io`, within `deadline`. The stream's
    /// `peer_identity` is always present; whether that role may do what it asks for is for the
    /// caller to decide, request by request.
    pub async fn accept<IO>(&self, io: IO, deadline: Duration) -> Result<TlsStream<IO>, TlsError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let config = Arc::clone(&self.current.load().server);
        let handshake = TlsAcceptor::from(config).accept(io);
        let stream = within(deadline, handshake).await?;
        let connection = stream.get_ref().1;
        let peer = peer_identity(connection.peer_certificates())?;
        let exporter = binding::exporter(connection);
        let bindings = ChannelBindings {
            exporter,
            server_end_point: None,
        };
        Ok(TlsStream::new(stream.into(), bindings).with_peer(peer))
    }

    /// Performs the client's side of the handshake on `io`, within `deadline`, and verifies that
    /// `expected` has answered.
    pub async fn connect<IO>(
        &self,
        io: IO,
        expected: &ExpectedPeer,
        deadline: Duration,
    ) -> Result<TlsStream<IO>, TlsError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let config = Arc::clone(&self.current.load().client);
        let name = ServerName::try_from(PLACEHOLDER_NAME)
            .map_err(|_| TlsError::HostName(PLACEHOLDER_NAME.to_owned()))?;
        let stream = within(deadline, TlsConnector::from(config).connect(name, io)).await?;
        let connection = stream.get_ref().1;
        let found = peer_identity(connection.peer_certificates())?;
        if !expected.accepts(&found) {
            return Err(TlsError::UnexpectedPeer {
                expected: expected.to_string(),
                found,
            });
        }
        let exporter = binding::exporter(connection);
        let bindings = ChannelBindings {
            exporter,
            server_end_point: None,
        };
        Ok(TlsStream::new(stream.into(), bindings).with_peer(found))
    }
}

async fn within<T>(
    deadline: Duration,
    handshake: impl Future<Output = std::io::Result<T>>,
) -> Result<T, TlsError> {
    tokio::time::timeout(deadline, handshake)
        .await
        .map_err(|_| TlsError::HandshakeTimeout(deadline))?
        .map_err(TlsError::Handshake)
}

fn peer_identity(chain: Option<&[CertificateDer<'_>]>) -> Result<PeerIdentity, TlsError> {
    let leaf = chain.and_then(<[_]>::first).ok_or(IdentityError::Missing)?;
    Ok(PeerIdentity::from_certificate(leaf)?)
}

impl Snapshot {
    fn load(files: &ClusterFiles, clock: &Clock) -> Result<Self, TlsError> {
        let roots = Arc::new(parse_roots(&files::read(&files.authorities)?)?);
        let own = ServedCertificate::from_pem(&files::read(&files.chain)?, &files::read(&files.key)?)?;
        let identity = PeerIdentity::from_certificate(own.leaf().ok_or(TlsError::NoCertificate)?)?;
        Ok(Self {
            server: Arc::new(server_config(&roots, &own, clock)?),
            client: Arc::new(client_config(&roots, &own, clock)?),
            identity,
            expires: own.expires,
        })
    }
}

fn server_config(
    roots: &Arc<RootCertStore>,
    own: &ServedCertificate,
    clock: &Clock,
) -> Result<ServerConfig, TlsError> {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider())
        .build()
        .map_err(TlsError::Authority)?;
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(clock.clone()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Policy)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&own.certified))));
    config.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn client_config(
    roots: &Arc<RootCertStore>,
    own: &ServedCertificate,
    clock: &Clock,
) -> Result<ClientConfig, TlsError> {
    let verifier = PeerVerifier::new(Arc::clone(roots), provider());
    let mut config = ClientConfig::builder_with_details(provider(), Arc::new(clock.clone()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsError::Policy)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&own.certified))));
    config.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    config.enable_sni = false;
    config.resumption = Resumption::disabled();
    Ok(config)
}
