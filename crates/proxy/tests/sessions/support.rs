//! A proxy before storage nodes in memory, reached over streams in memory.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use mailstore::account::QuotaLimits;
use mailstore::time::Timestamp;
use proxy::{Environment, Proxy, ProxyOptions, Security};
use testkit::MemoryStore;
use testkit::transcript::{Connect, Credentials, Peer, Said, Stream};

use crate::replicas::Replicas;

/// The one user of these tests.
pub const USER: &str = "demo@example.org";
/// His password.
pub const PASSWORD: &str = "secret";
/// Octets that may be on their way in a stream in memory.
const WIRE_BYTES: usize = 64 * 1024;

/// A clock that stands still and randomness that counts.
#[derive(Default)]
pub struct FixedEnvironment {
    drawn: AtomicU64,
}

impl Environment for FixedEnvironment {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_225_600_000)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed) + 1;
        for (byte, value) in bytes
            .iter_mut()
            .rev()
            .zip(number.to_le_bytes().into_iter().chain([0; 64]))
        {
            *byte = value;
        }
    }
}

/// A server in memory.
pub struct Server {
    pub proxy: Proxy,
    pub store: MemoryStore,
    /// The storage nodes, all of which have the store.
    pub replicas: Replicas,
}

impl Server {
    pub fn new(options: ProxyOptions, limits: QuotaLimits) -> Self {
        let store = MemoryStore::new();
        let _ = store.add_account(USER, PASSWORD, limits);
        let replicas = Replicas::new(&store);
        let ports = Arc::new(replicas.router());
        let environment = Arc::new(FixedEnvironment::default());
        let proxy = Proxy::new(options, ports.clone(), ports, environment);
        Self {
            proxy,
            store,
            replicas,
        }
    }

    /// A server that takes passwords from anybody near.
    pub fn local() -> Self {
        Self::new(local_options(), QuotaLimits::default())
    }

    pub fn with_overload_sign(self, sign: proxy::OverloadSign) -> Self {
        let proxy = self.proxy.with_overload_sign(sign);
        Self { proxy, ..self }
    }

    pub fn open(&self) -> tokio::io::DuplexStream {
        let (client, server) = tokio::io::duplex(WIRE_BYTES);
        let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_000);
        self.proxy.spawn(server, peer, Security::Plain);
        client
    }
}

pub fn local_options() -> ProxyOptions {
    ProxyOptions {
        plaintext_on_loopback: true,
        ..ProxyOptions::default()
    }
}

pub fn credentials() -> Credentials {
    Credentials {
        user: USER.to_owned(),
        password: PASSWORD.to_owned(),
    }
}

#[async_trait]
impl Connect for Server {
    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.open()))
    }
}

impl Server {
    /// Opens a connection and reads the greeting.
    pub async fn greeted(&self) -> Peer {
        let mut peer = Peer::new(Box::new(self.open()));
        let greeting = peer.hear().await;
        assert!(matches!(&greeting, Said::Response(line) if line.starts_with("* OK [CAPABILITY IMAP4rev1 ")));
        peer
    }

    /// Opens a connection and logs in.
    pub async fn logged_in(&self) -> Peer {
        let mut peer = self.greeted().await;
        let login = peer.command("in", &format!("LOGIN {USER} {PASSWORD}")).await;
        assert!(is_ok(&login), "{login:?}");
        peer
    }

    /// Opens a connection, logs in and selects INBOX.
    pub async fn selected(&self) -> Peer {
        let mut peer = self.logged_in().await;
        let select = peer.command("in", "SELECT INBOX").await;
        assert!(is_ok(&select), "{select:?}");
        peer
    }
}

/// Tells whether the last response is a tagged OK.
pub fn is_ok(responses: &[String]) -> bool {
    responses.last().and_then(|last| last.split(' ').nth(1)) == Some("OK")
}

/// Returns the tagged response, the last one.
pub fn tagged(responses: &[String]) -> &str {
    responses.last().map_or("", String::as_str)
}

/// Appends a message of that text.
pub async fn append(peer: &mut Peer, text: &str) -> Vec<String> {
    peer.command("ap", &format!("APPEND INBOX {{{}+}}\r\n{text}", text.len()))
        .await
}
