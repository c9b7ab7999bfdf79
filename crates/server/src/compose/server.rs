//! What runs: the parts, their tasks, and the order in which they end.

use std::future::Future;
use std::sync::Arc;

use observability::Metrics;
use rpc::{Offer, Services};
use tls::{Reload, TlsError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use cluster::{DirectoryAccess, Router};
use settings::Role;
use storage_node::{Controller, LocalDirectory, Membership, Node, Reporter};

use super::addresses::Addresses;
use super::arrival::{Arrival, arrive};
use super::desk::DirectoryDesk;
use super::doors::Doors;
use super::fronts::{Behind, Fronts};
use super::health::{Opened, Phase, Progress, health};
use super::storage::Storage;
use super::ways::Ways;
use super::{Site, gauges, links, maintenance};
use crate::exit::{Exit, Failure, OrExit};
use crate::options;

/// A running process.
pub struct Server {
    site: Site,
    addresses: Addresses,
    storage: Option<Storage>,
    access: DirectoryAccess,
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
        // Other processes are told at once that this one starts.
        let offer = Offer::default();
        for listener in std::mem::take(&mut doors.rpc) {
            let serving = listener.serve(offer.services(), backs.clone());
            tasks.spawn(async move { serving.await.or_exit(Exit::Software, "gRPC listener") });
        }
        let ways = Arc::new(Ways::open(&site)?);
        let access = DirectoryAccess::new(Arc::clone(&ways) as _, None);
        let arrived = match site.plays(Role::Storage) {
            true => Some(arrive(&site, &access, &*ways, &offer).await?),
            false => None,
        };
        let storage = match &arrived {
            Some(arrival) => Some(Storage::open(&site, arrival.placement.clone()).await?),
            None => None,
        };
        if let Some(storage) = &storage {
            opened.get_or_init(|| storage.replicas.clone());
        }
        if let Some(storage) = &storage {
            let local = LocalDirectory(Arc::new(storage.replicas.clone()));
            ways.set_local(site.name.as_str(), Arc::new(local));
            offer.replace(storage.services());
        }
        if site.topology.nodes.is_empty() && storage.is_none() {
            first_directory(&access).await;
        }
        let behind = Behind {
            local: storage.as_ref().map(|storage| &storage.node),
            known: access.known(),
        };
        let fronts = Fronts::open(&site, &behind, metrics.as_ref())?;
        if let Some(metrics) = &metrics {
            gauges::observe(metrics, &site, storage.as_ref(), fronts.routers());
        }
        let mut server = Self {
            addresses,
            site,
            storage,
            access,
            fronts,
            metrics,
            progress,
            tasks,
            administration: CancellationToken::new(),
            backs,
        };
        server.serve(doors)?;
        server.belong(arrived)?;
        server.progress.set(Phase::Serving);
        Ok(server)
    }

    fn serve(&mut self, doors: Doors) -> Result<(), Failure> {
        self.serve_administration(doors.admin)?;
        self.maintain()?;
        self.fronts.follow(&mut self.tasks);
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

    fn serve_administration(&mut self, listeners: Vec<rpc::Listener>) -> Result<(), Failure> {
        if listeners.is_empty() {
            return Ok(());
        }
        let node = self.storage.as_ref().map(|storage| storage.node.clone());
        let router = self.following_router(node.as_ref())?;
        let mut services = Services::default();
        rpc::serve_admin(&mut services, Arc::new(router));
        if let Some(replicas) = self.storage.as_ref().map(|storage| storage.replicas.clone()) {
            let reporter = Arc::new(Reporter::new(replicas.clone()));
            services.add_directory(Arc::new(DirectoryDesk::new(replicas, self.access.clone())));
            services.add_cluster_admin(Arc::clone(&reporter) as _);
            let stop = self.backs.clone();
            self.spawn_until_stopped(async move { reporter.listen(stop).await });
        }
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
        let Some(node) = self.storage.as_ref().map(|storage| storage.node.clone()) else {
            return Ok(());
        };
        let router = self.following_router(Some(&node))?;
        let Some(storage) = &self.storage else {
            return Ok(());
        };
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

    /// Returns a way to every account for this storage node itself.
    fn following_router(&mut self, local: Option<&Node>) -> Result<Router, Failure> {
        let router = links::router(&self.site, tls::Role::Storage, local)?;
        let following = links::follow(
            &self.site,
            tls::Role::Storage,
            (&router, local),
            self.access.known(),
        )?;
        self.spawn_until_stopped(following);
        Ok(router)
    }

    /// Spawns what has no end of its own.
    fn spawn_until_stopped(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.backs.clone();
        self.spawn(async move {
            // Whatever is spawned so may be cut off at any point.
            let _ = stop.run_until_cancelled_owned(task).await;
            Ok(())
        });
    }

    /// Follows the directory, and lets a storage node take its part in the cluster.
    fn belong(&mut self, arrived: Option<Arrival>) -> Result<(), Failure> {
        let (access, stop) = (self.access.clone(), self.backs.clone());
        let followed = access.clone();
        self.spawn_until_stopped(async move { followed.follow(stop).await });
        let Some((storage, arrival)) = self.storage.as_ref().zip(arrived) else {
            return Ok(());
        };
        let membership = Membership {
            replicas: storage.replicas.clone(),
            node: storage.node.clone(),
            access,
            announcement: arrival.announcement,
        };
        let controller = Controller::new(
            storage.replicas.clone(),
            options::storage::controller(&self.site.settings, arrival.founding),
        );
        let stop = self.backs.clone();
        self.spawn(async move { membership.run(stop).await.or_exit(Exit::Config, "cluster") });
        let stop = self.backs.clone();
        self.spawn_until_stopped(async move { controller.run(stop).await });
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

/// Waits until somebody says where mail is.
async fn first_directory(access: &DirectoryAccess) {
    tracing::info!("looking for the cluster");
    let mut known = access.known();
    let stop = CancellationToken::new();
    // Following ends only when it is stopped.
    tokio::select! {
        _ = known.wait_for(Option::is_some) => {}
        () = access.follow(stop) => {}
    }
}
