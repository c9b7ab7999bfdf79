//! TLS for the listeners that mail clients connect to.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use crate::binding::{self, ChannelBindings};
use crate::certificate::{CertificateFiles, ServedCertificate};
use crate::clock::Clock;
use crate::error::TlsError;
use crate::files;
use crate::provider::provider;
use crate::reload::{Reload, Stamp, Stamps};
use crate::stream::{TlsStream, trim_dot};

static TLS13_ALONE: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// The oldest protocol version that a mail listener agrees to (RFC 8996 forbids those before 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OldestVersion {
    /// TLS 1.2 (RFC 5246).
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl OldestVersion {
    fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12 => rustls::DEFAULT_VERSIONS,
            Self::Tls13 => TLS13_ALONE,
        }
    }
}

/// What a mail listener needs to speak TLS.
#[derive(Debug, Clone)]
pub struct MailServerOptions {
    /// Certificates to choose from by server name; the first is the default. Not empty.
    pub certificates: Vec<CertificateFiles>,
    /// The oldest version that clients may use.
    pub oldest_version: OldestVersion,
    /// Application protocols to agree on (RFC 7301), such as `imap`; clients that name none are
    /// served, clients that name only others are refused. Empty: the extension is ignored.
    pub application_protocols: Vec<String>,
    /// Bytes that may wait in a connection to be encrypted or sent.
    pub buffer_bytes_max: usize,
    /// The clock against which tickets age.
    pub clock: Clock,
}

impl MailServerOptions {
    /// Returns options for these certificates with everything else at its default: no application
    /// protocol, 16 KiB (one TLS record) of buffer, the machine's clock, TLS 1.2 and 1.3.
    pub fn new(certificates: Vec<CertificateFiles>) -> Self {
        Self {
            certificates,
            oldest_version: OldestVersion::default(),
            application_protocols: Vec::new(),
            buffer_bytes_max: 16 * 1024,
            clock: Clock::system(),
        }
    }

    fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let paths = |files: &CertificateFiles| [files.chain.clone(), files.key.clone(), files.ocsp()];
        self.certificates.iter().flat_map(paths)
    }
}

/// The TLS side of the mail listeners. Certificates are replaced while it runs.
#[derive(Debug)]
pub struct MailServer {
    options: MailServerOptions,
    current: ArcSwap<Snapshot>,
    /// The files as they were when `current` was made.
    stamps: Mutex<Stamps>,
}

/// Everything that one version of the files determines. It is swapped as a whole, ticket keys
/// included: a ticket then never outlives the certificate under which it was issued, so that
/// `tls-server-end-point` always names the certificate that the client has verified.
#[derive(Debug)]
struct Snapshot {
    config: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
}

impl MailServer {
    /// Loads the certificates. Fails when a file is missing or malformed, or a key does not belong to
    /// its certificate.
    pub fn load(options: MailServerOptions) -> Result<Self, TlsError> {
        let stamps = Stamp::of_all(options.paths())?;
        let snapshot = Snapshot::load(&options)?;
        Ok(Self {
            current: ArcSwap::from_pointee(snapshot),
            stamps: Mutex::new(stamps),
            options,
        })
    }

    /// Looks at the files and, when one has changed, loads them all. On failure the certificates in
    /// use stay in use, and the next call tries again: a chain and its key are rarely replaced at
    /// the same instant.
    pub fn reload_if_changed(&self) -> Result<Reload, TlsError> {
        let stamps = Stamp::of_all(self.options.paths())?;
        let mut known = self.stamps.lock();
        if *known == stamps {
            return Ok(Reload::Unchanged);
        }
        let snapshot = Snapshot::load(&self.options)?;
        *known = stamps;
        if snapshot.certificates.same_as(&self.current.load().certificates) {
            return Ok(Reload::Unchanged);
        }
        self.current.store(Arc::new(snapshot));
        Ok(Reload::Replaced)
    }

    /// Returns when the first of the certificates in use expires.
    pub fn expires(&self) -> Option<SystemTime> {
        self.current
            .load()
            .certificates
            .list
            .iter()
            .map(|certificate| certificate.expires)
            .min()
    }

    #[cfg(test)]
    pub(crate) fn stapled(&self) -> Option<Vec<u8>> {
        self.current
            .load()
            .certificates
            .list
            .first()?
            .certified
            .ocsp
            .clone()
    }

    #[cfg(test)]
    pub(crate) fn end_point_for(&self, server_name: Option<&str>) -> Option<Arc<[u8]>> {
        self.current
            .load()
            .certificates
            .select(server_name)
            .and_then(|c| c.end_point.clone())
    }

    /// Performs the server's side of the handshake on `io`, within `deadline`.
    pub async fn accept<IO>(&self, io: IO, deadline: Duration) -> Result<TlsStream<IO>, TlsError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let snapshot = self.current.load_full();
        let limit = self.options.buffer_bytes_max;
        let acceptor = TlsAcceptor::from(Arc::clone(&snapshot.config));
        let handshake = acceptor.accept_with(io, |connection| connection.set_buffer_limit(Some(limit)));
        let stream = tokio::time::timeout(deadline, handshake)
            .await
            .map_err(|_| TlsError::HandshakeTimeout(deadline))?
            .map_err(TlsError::Handshake)?;
        let connection = stream.get_ref().1;
        let certificate = snapshot.certificates.select(connection.server_name());
        let bindings = ChannelBindings {
            exporter: binding::exporter(connection),
            server_end_point: certificate.and_then(|c| c.end_point.clone()),
        };
        Ok(TlsStream::new(stream.into(), bindings))
    }
}

impl Snapshot {
    fn load(options: &MailServerOptions) -> Result<Self, TlsError> {
        let certificates = Arc::new(Certificates::load(&options.certificates)?);
        let mut config = ServerConfig::builder_with_details(provider(), Arc::new(options.clock.clone()))
            .with_protocol_versions(options.oldest_version.versions())
            .map_err(TlsError::Policy)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Certificates>::clone(&certificates));
        config.alpn_protocols = options
            .application_protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        // Stateless tickets under keys that rotate (RFC 5077 §5.5): resuming costs no server memory.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = Ticketer::new().map_err(TlsError::Policy)?;
        // Clients that open several connections at once use a ticket for each (RFC 8446 §C.4).
        config.send_tls13_tickets = 2;
        Ok(Self {
            config: Arc::new(config),
            certificates,
        })
    }
}

/// The certificates of a listener.
#[derive(Debug)]
struct Certificates {
    list: Vec<ServedCertificate>,
}

impl Certificates {
    fn load(files: &[CertificateFiles]) -> Result<Self, TlsError> {
        if files.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let load = |pair: &CertificateFiles| {
            let served = ServedCertificate::from_pem(&files::read(&pair.chain)?, &files::read(&pair.key)?)?;
            Ok::<_, TlsError>(served.with_ocsp(files::read_if_present(&pair.ocsp())?))
        };
        Ok(Self {
            list: files.iter().map(load).collect::<Result<_, _>>()?,
        })
    }

    /// Returns the certificate for a server name, or the first when none is meant for it: a client
    /// that cares verifies the name itself, and one that does not is better served than refused.
    fn select(&self, server_name: Option<&str>) -> Option<&ServedCertificate> {
        let host = server_name.map(|name| trim_dot(name).to_ascii_lowercase());
        let named = host.and_then(|host| self.list.iter().find(|certificate| certificate.covers(&host)));
        named.or_else(|| self.list.first())
    }

    fn same_as(&self, other: &Self) -> bool {
        let pairs = self.list.iter().zip(&other.list);
        let same = |one: &CertifiedKey, two: &CertifiedKey| one.cert == two.cert && one.ocsp == two.ocsp;
        self.list.len() == other.list.len()
            && pairs.into_iter().all(|(a, b)| same(&a.certified, &b.certified))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.select(hello.server_name())
            .map(|certificate| Arc::clone(&certificate.certified))
    }
}
