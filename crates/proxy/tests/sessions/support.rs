//! A proxy on a store in memory, reached over streams in memory.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use mailstore::account::QuotaLimits;
use mailstore::time::Timestamp;
use proxy::{Environment, Proxy, ProxyOptions, Security};
use testkit::MemoryStore;
use testkit::transcript::{Connect, Credentials, Stream};

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
}

impl Server {
    pub fn new(options: ProxyOptions, limits: QuotaLimits) -> Self {
        let store = MemoryStore::new();
        let _ = store.add_account(USER, PASSWORD, limits);
        let ports = Arc::new(store.clone());
        let environment = Arc::new(FixedEnvironment::default());
        let proxy = Proxy::new(options, ports.clone(), ports, environment);
        Self { proxy, store }
    }

    /// A server that takes passwords from anybody near.
    pub fn local() -> Self {
        Self::new(local_options(), QuotaLimits::default())
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
