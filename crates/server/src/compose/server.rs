//! What runs: the parts, their tasks, and the order in which they end.

use std::future::Future;
use std::sync::Arc;

use observability::Metrics;
use proxy::{Proxy, Security};
use rpc::Services;
use settings::Role;
use tls::{Reload, TlsError};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::doors::{Addresses, Doors};
use super::health::{Phase, Progress, health};
use super::storage::Storage;
use super::{Site, links, maintenance};
use crate::exit::{Exit, Failure, OrExit};
use crate::options;
use crate::surroundings::Machine;

/// A running process.
pub struct Server {
    site: Site,
    addresses: Addresses,
    storage: Option<Storage>,
    proxy: Option<Proxy>,
    metrics: Option<Metrics>,
    progress: Progress,
    /// Every task. One that fails ends the process; see [`Server::failed`].
    tasks: JoinSet<Result<(), Failure>>,
    /// Ends what faces mail programs, transfer agents and administrators.
    fronts: CancellationToken,
    /// Ends what the fronts stand on.
    backs: CancellationToken,
}

impl Server {
    /// Binds the listeners, opens the storage, and serves.
    ///
    /// # Errors
    /// Why it cannot be.
    pub async fn start(site: Site) -> Result<Self, Failure> {
        let doors = Doors::open(&site)?;
        let storage = match site.topology.membership() {
            Some(membership) => Some(Storage::open(&site, membership).await?),
            None => None,
        };
        let metrics = site.settings.telemetry.metrics.then(Metrics::new).transpose();
        let metrics = metrics.or_exit(Exit::Software, "metrics")?;
        let mut server = Self {
            addresses: doors.addresses(&site),
            site,
            storage,
            proxy: None,
            metrics,
            progress: Progress::default(),
            tasks: JoinSet::new(),
            fronts: CancellationToken::new(),
            backs: CancellationToken::new(),
        };
        server.serve(doors)?;
        server.progress.set(Phase::Serving);
        Ok(server)
    }

    fn serve(&mut self, doors: Doors) -> Result<(), Failure> {
        self.serve_metrics(doors.metrics);
        self.serve_cluster(doors.rpc);
        self.serve_administration(doors.admin)?;
        self.maintain();
        if self.site.plays(Role::Proxy) {
            self.serve_imap(doors.imap, doors.imaps)?;
        }
        self.watch_certificates();
        Ok(())
    }

    /// Returns where the process can be reached.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Returns what the process knows of its surroundings.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Returns the storage node, if it is in this process.
    pub fn storage(&self) -> Option<&Storage> {
        self.storage.as_ref()
    }

    /// Returns what reads the certificates again. It blocks.
    pub fn certificate_check(&self) -> impl Fn() -> Result<Reload, TlsError> + Send + Sync + Clone + 'static {
        self.site.certificates.reload()
    }

    fn spawn(&mut self, task: impl Future<Output = Result<(), Failure>> + Send + 'static) {
        self.tasks.spawn(task);
    }

    fn serve_metrics(&mut self, listeners: Vec<TcpListener>) {
        let replicas = self.storage.as_ref().map(|storage| storage.replicas.clone());
        let router = observability::router(self.metrics.clone(), health(self.progress.clone(), replicas));
        for listener in listeners {
            let serving = observability::serve(listener, router.clone(), self.backs.clone());
            self.spawn(async move { serving.await.or_exit(Exit::Software, "listener of metrics") });
        }
    }

    fn serve_cluster(&mut self, listeners: Vec<rpc::Listener>) {
        let Some(services) = self.storage.as_ref().map(Storage::services) else {
            return;
        };
        self.serve_rpc(listeners, &services, &self.backs.clone());
    }

    fn serve_administration(&mut self, listeners: Vec<rpc::Listener>) -> Result<(), Failure> {
        if listeners.is_empty() {
            return Ok(());
        }
        let node = self.storage.as_ref().map(|storage| &storage.node);
        let router = links::router(&self.site, tls::Role::Storage, node)?;
        let mut services = Services::default();
        rpc::serve_admin(&mut services, Arc::new(router));
        self.serve_rpc(listeners, &services, &self.fronts.clone());
        Ok(())
    }

    fn serve_rpc(&mut self, listeners: Vec<rpc::Listener>, services: &Services, stop: &CancellationToken) {
        for listener in listeners {
            let serving = listener.serve(services.clone(), stop.clone());
            self.spawn(async move { serving.await.or_exit(Exit::Software, "gRPC listener") });
        }
    }

    fn serve_imap(&mut self, plain: Vec<TcpListener>, secured: Vec<TcpListener>) -> Result<(), Failure> {
        let node = self.storage.as_ref().map(|storage| &storage.node);
        let router = Arc::new(links::router(&self.site, tls::Role::Proxy, node)?);
        let options = options::proxy::proxy(&self.site.settings, self.site.name.as_str());
        let certificates = self.site.certificates.mail_server(&self.site.host)?;
        let mut proxy = Proxy::new(options, Arc::clone(&router) as _, router, Arc::new(Machine));
        if let Some(metrics) = &self.metrics {
            proxy = proxy.with_meter(&metrics.meter("proxy"));
        }
        let plain = plain
            .into_iter()
            .map(|door| (door, Security::StartTls(Arc::clone(&certificates))));
        let secured = secured
            .into_iter()
            .map(|door| (door, Security::Implicit(Arc::clone(&certificates))));
        for (listener, security) in plain.chain(secured).collect::<Vec<_>>() {
            let proxy = proxy.clone();
            self.spawn(async move {
                proxy.serve_listener(listener, security).await;
                Ok(())
            });
        }
        self.proxy = Some(proxy);
        Ok(())
    }

    fn maintain(&mut self) {
        let Some(storage) = &self.storage else {
            return;
        };
        let (node, replicas, blobs) = (
            storage.node.clone(),
            storage.replicas.clone(),
            storage.blobs.clone(),
        );
        let stop = self.backs.clone();
        self.spawn(maintenance::repair_replicas(replicas, stop.clone()));
        self.spawn(maintenance::compact_blobs(blobs, stop.clone()));
        self.spawn(async move {
            node.maintain(stop).await;
            Ok(())
        });
    }

    fn watch_certificates(&mut self) {
        let period = self.site.settings.tls.reload_interval;
        let check = self.certificate_check();
        self.spawn(maintenance::watch_certificates(period, check, self.backs.clone()));
    }

    /// Waits for a task that ends the process because it failed.
    pub async fn failed(&mut self) -> Failure {
        while let Some(ended) = self.tasks.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => return failure,
                Err(error) => return Failure::new(Exit::Software, format!("task failed: {error}")),
            }
        }
        // Without any task left there is nothing to wait for but a signal.
        std::future::pending().await
    }

    /// Ends in order: first the fronts, each connection within its time, then what they stand on.
    pub async fn stop(mut self) {
        self.progress.set(Phase::Stopping);
        let patience = self.site.settings.server.shutdown_timeout;
        self.fronts.cancel();
        if let Some(proxy) = &self.proxy
            && tokio::time::timeout(patience, proxy.shut_down()).await.is_err()
        {
            tracing::warn!("sessions did not end in time");
        }
        self.backs.cancel();
        let tasks = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, tasks).await.is_err() {
            tracing::warn!("tasks did not end in time");
        }
        self.tasks.shutdown().await;
        if let Some(storage) = self.storage {
            storage.close().await;
        }
    }
}
