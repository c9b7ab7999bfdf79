//! The proxies of a world: each a process of its own, with a router of its own, that mail programs connect to.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use cluster::Router;
use parking_lot::Mutex;
use proxy::{Proxy, ProxyOptions, Security};
use tokio::io::DuplexStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::environment::SimEnvironment;

/// Octets that may be on their way between a mail program and a proxy.
const WIRE_BYTES: usize = 64 * 1024;

/// The proxies that run. Cheap to clone.
#[derive(Clone, Default)]
pub struct Proxies {
    running: Arc<Mutex<BTreeMap<String, RunningProxy>>>,
}

struct RunningProxy {
    proxy: Proxy,
    connections: JoinSet<()>,
    process: CancellationToken,
}

impl Proxies {
    /// Starts a proxy. `process` ends with it, and with it whatever is under way of the router.
    pub(crate) fn start(
        &self,
        name: &str,
        router: Router,
        environment: Arc<SimEnvironment>,
        process: CancellationToken,
    ) {
        let options = ProxyOptions {
            name: Arc::from(name),
            plaintext_on_loopback: true,
            ..ProxyOptions::default()
        };
        let proxy = Proxy::new(options, Arc::new(router.clone()), Arc::new(router), environment);
        let running = RunningProxy {
            proxy,
            connections: JoinSet::new(),
            process,
        };
        self.running.lock().insert(name.to_owned(), running);
    }

    /// Kills a proxy: its connections are lost, and what it asked the storage nodes for.
    pub fn kill(&self, name: &str) {
        let running = self.running.lock().remove(name);
        if let Some(mut running) = running {
            running.process.cancel();
            running.connections.abort_all();
        }
    }

    /// Connects a mail program with a proxy, or `None` when that does not run. The token is cancelled when the proxy
    /// is gone.
    #[must_use]
    pub fn connect(&self, name: &str) -> Option<(DuplexStream, CancellationToken)> {
        let mut all = self.running.lock();
        let running = all.get_mut(name)?;
        let (client, server) = tokio::io::duplex(WIRE_BYTES);
        let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40_000);
        let proxy = running.proxy.clone();
        running.connections.spawn(async move {
            // What a mail program hears is what counts.
            drop(proxy.serve(server, peer, Security::Plain).await);
        });
        // Those that have ended are forgotten.
        while running.connections.try_join_next().is_some() {}
        Some((client, running.process.clone()))
    }

    /// Tells whether a proxy runs.
    #[must_use]
    pub fn is_running(&self, name: &str) -> bool {
        self.running.lock().contains_key(name)
    }
}
