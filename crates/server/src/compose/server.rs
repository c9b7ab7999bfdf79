//! What runs: the parts, their tasks, and the order in which they end.

use std::future::Future;
use std::sync::Arc;

use observability::Metrics;
use rpc::Services;
use tls::{Reload, TlsError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::addresses::Addresses;
use super::doors::Doors;
use super::fronts::Fronts;
use super::health::{Opened, Phase, Progress, health};
use super::storage::Storage;
use super::{Site, gauges, links, maintenance};
use crate::exit::{Exit, Failure, OrExit};
use crate::options;

/// A running process.
pub struct Server {
    site: Site,
    addresses: Addresses,
    storage: Option<Storage>,
    fronts: Fronts,
    metrics: Option<Metrics>,
    progress: Progress,
    /// Every task. One that fails ends the process; see [`Server::failed`].
    tasks: JoinSet<Result<(), Failure>>,
    /// Ends what administrators talk to.
    administration: CancellationToken,
    /// Ends what the fronts stand on.
    backs: CancellationToken,
}

impl Server {
    /// Binds the listeners, opens the storage, and serves.
    ///
    /// # Errors
    /// Why it cannot be.
    pub async fn start(site: Site, metrics: Option<Metrics>) -> Result<Self, Failure> {
        let mut doors = Doors::open(&site)?;
        let addresses = doors.addresses(&site);
        let (progress, opened, backs) = (Progress::default(), Opened::default(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        // Who watches the process is answered while a long log is read.
        let health = health(progress.clone(), Arc::clone(&opened));
        let router = observability::router(metrics.clone(), health);
        for listener in std::mem::take(&mut doors.metrics) {
            let serving = observability::serve(listener, router.clone(), backs.clone());
            tasks.spawn(async move { serving.await.or_exit(Exit::Software, "listener of metrics") });
        }
        let storage = match site.topology.placement()? {
            Some(placement) => Some(Storage::open(&site, placement).await?),
            None => None,
        };
        if let Some(storage) = &storage {
            opened.get_or_init(|| storage.replicas.clone());
        }
        let node = storage.as_ref().map(|storage| &storage.node);
        let fronts = Fronts::open(&site, node, metrics.as_ref())?;
        if let Some(metrics) = &metrics {
            gauges::observe(metrics, &site, storage.as_ref(), fronts.routers());
        }
        let mut server = Self {
            addresses,
            site,
            storage,
            fronts,
            metrics,
            progress,
            tasks,
            administration: CancellationToken::new(),
            backs,
        };
        server.serve(doors)?;
        server.progress.set(Phase::Serving);
        Ok(server)
    }

    fn serve(&mut self, doors: Doors) -> Result<(), Failure> {
        self.serve_cluster(doors.rpc);
        self.serve_administration(doors.admin)?;
        self.maintain()?;
        self.fronts.serve_imap(doors.imap, doors.imaps, &mut self.tasks);
        self.fronts.serve_lmtp(doors.lmtp, &mut self.tasks);
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
        self.serve_rpc(listeners, &services, &self.administration.clone());
        Ok(())
    }

    fn serve_rpc(&mut self, listeners: Vec<rpc::Listener>, services: &Services, stop: &CancellationToken) {
        for listener in listeners {
            let serving = listener.serve(services.clone(), stop.clone());
            self.spawn(async move { serving.await.or_exit(Exit::Software, "gRPC listener") });
        }
    }

    fn maintain(&mut self) -> Result<(), Failure> {
        let Some(storage) = &self.storage else {
            return Ok(());
        };
        let router = links::router(&self.site, tls::Role::Storage, Some(&storage.node))?;
        let (node, replicas, blobs) = (
            storage.node.clone(),
            storage.replicas.clone(),
            storage.blobs.clone(),
        );
        let stop = self.backs.clone();
        let content = storage.content.clone();
        self.spawn(maintenance::fill_learners(replicas.clone(), stop.clone()));
        self.spawn(maintenance::repair_replicas(replicas, stop.clone()));
        self.spawn(maintenance::watch_content(content, stop.clone()));
        self.spawn(maintenance::compact_blobs(blobs.clone(), stop.clone()));
        if let Some(pace) = options::storage::scrub(&self.site.settings) {
            let damaged = maintenance::damage_counter(self.metrics.as_ref());
            self.spawn(maintenance::scrub_blobs((blobs, damaged), pace, stop.clone()));
        }
        self.spawn(async move {
            node.maintain(router, stop).await;
            Ok(())
        });
        Ok(())
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

    /// Ends in order: first it is told that the process is not ready, then the fronts, each connection within its time, then what they stand on.
    pub async fn stop(mut self) {
        self.progress.set(Phase::Stopping);
        tokio::time::sleep(self.site.settings.server.shutdown_delay).await;
        let patience = self.site.settings.server.shutdown_timeout;
        self.administration.cancel();
        let ended = tokio::time::timeout(patience, self.fronts.shut_down());
        if ended.await.is_err() {
            tracing::warn!("sessions did not end in time");
        }
        if let Some(storage) = &self.storage {
            storage.hand_over().await;
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
