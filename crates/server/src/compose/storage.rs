//! The storage node of this process: disk, log, blobs, tables, replicas, and the node on top.

use std::fs;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use blobstore::BlobStore;
use consensus::Blocking;
use kv::{BootId, BufferOptions, BufferedEngine, Engine, MemoryEngine, SledEngine};
use mailstore::ports::{GroupStatus, LeaderStatus};
use rpc::Services;
use settings::TableEngine;
use storage_node::{
    GrpcLinks, ImplicitKeep, Node, NodeEvents, NodeParts, Peers, Placement, ReplicaParts, ReplicaPlacement,
    Replicas, Replication, StoredContent, StoredContentHandler, StoredContentParts,
};
use wal::{Log, Wal};

use super::{Site, links};
use crate::data_dir::place;
use crate::exit::{Exit, Failure, OrExit, chain};
use crate::options::storage::{self as options, Reserve};
use crate::surroundings::Machine;

/// Names the run of the kernel; see `random(4)`.
const BOOT_ID_FILE: &str = "/proc/sys/kernel/random/boot_id";

/// Time in which other nodes may take the office of leader over, and how often that is looked at.
const HAND_OVER_TIME_MAX: Duration = Duration::from_secs(2);
const HAND_OVER_INTERVAL: Duration = Duration::from_millis(20);

/// Content that replicas lack is fetched at this speed, so that clients are served meanwhile.
const FETCH_BYTES_PER_SECOND_MAX: NonZeroU64 = NonZeroU64::new(32 * 1024 * 1024).expect("not zero");

/// The storage node of this process, running.
pub struct Storage {
    /// The ports that roles call.
    pub node: Node,
    /// The replicas.
    pub replicas: Replicas,
    /// The bodies of messages.
    pub blobs: BlobStore,
    /// The bodies of messages on all replicas.
    pub content: StoredContent,
    engine: Arc<dyn Engine>,
}

impl Storage {
    /// Opens everything and starts the replicas. Returns when they have recovered what was committed.
    ///
    /// # Errors
    /// Damage, by name; nothing is changed then.
    pub async fn open(site: &Site, told: Placement) -> Result<Self, Failure> {
        let reserve = reserve(site)?;
        let log = Arc::new(open_log(site, reserve)?);
        let blobs = open_blobs(site, reserve)?;
        let engine = open_tables(site)?;
        let peers = Peers::new(Arc::new(GrpcLinks::new(links::dial_storage(site)?)));
        let placement = ReplicaPlacement::new(peers.clone());
        let content = stored_content(site, &blobs, &placement);
        let node_options = options::node(&site.settings, site.name.as_str());
        let events = NodeEvents::new(node_options.sessions);
        let groups = consensus::NodeParts {
            node: told.this,
            disk: site.data.disk(),
            space_reserve_bytes: reserve.entries,
            log,
            engine: Arc::clone(&engine),
            transport: Arc::new(peers.clone()),
            blocking: Blocking::threads(options::blocking_threads(&site.settings)),
            options: options::groups(&site.settings),
        };
        let parts = ReplicaParts {
            groups,
            peers,
            content: content.clone(),
            events: Arc::new(events.clone()),
            fetch_bytes_per_second_max: FETCH_BYTES_PER_SECOND_MAX,
        };
        let replicas = Replicas::start(parts, told).await;
        let replicas = replicas.or_exit(Exit::Software, "cannot start")?;
        placement.set(&replicas);
        let parts = node_parts(site, &replicas, &content, events)?;
        Ok(Self {
            node: Node::new(node_options, parts),
            replicas,
            blobs,
            content,
            engine,
        })
    }

    /// Returns what other processes of the cluster may call.
    pub fn services(&self) -> Services {
        let mut services = Services::default();
        rpc::serve_node(&mut services, Arc::new(self.node.clone()));
        services.add_raft(self.replicas.entrance());
        services.add_control(Arc::new(self.replicas.clone()));
        services.add_slots(Arc::new(self.replicas.clone()));
        services.add_directory(Arc::new(self.replicas.clone()));
        services.add_content(Arc::new(StoredContentHandler::new(self.content.clone())));
        services
    }

    /// Hands the office of leader over where another node can take it, and waits a moment until it has been taken, so
    /// that clients elsewhere notice nothing.
    pub async fn hand_over(&self) {
        self.replicas.hand_over().await;
        let handed_over = async {
            while self.replicas.status().iter().any(leads_others) {
                tokio::time::sleep(HAND_OVER_INTERVAL).await;
            }
        };
        if tokio::time::timeout(HAND_OVER_TIME_MAX, handed_over)
            .await
            .is_err()
        {
            tracing::info!("some groups have no other leader yet");
        }
    }

    /// Stops the replicas and closes the engines, so that the next start believes the tables. Nothing is lost when
    /// this fails or is never called: the next start only takes longer.
    pub async fn close(self) {
        if let Err(error) = self.replicas.shutdown().await {
            tracing::warn!(%error, "replicas did not stop in order");
        }
        let blobs = self.blobs;
        match tokio::task::spawn_blocking(move || blobs.checkpoint()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "blobs were not closed in order"),
            Err(error) => tracing::warn!(%error, "blobs were not closed"),
        }
        let engine = self.engine;
        let closing = tokio::task::spawn_blocking(move || engine.close()).await;
        match closing {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "tables were not closed in order"),
            Err(error) => tracing::warn!(%error, "tables were not closed"),
        }
    }
}

/// Tells whether this node leads a group of several.
fn leads_others(status: &GroupStatus) -> bool {
    status.leader == LeaderStatus::Local && status.voters.len() > 1
}

fn node_parts(
    site: &Site,
    replicas: &Replicas,
    content: &StoredContent,
    events: NodeEvents,
) -> Result<NodeParts, Failure> {
    let secret = site.certificates.keys()?;
    let (signer, keys) = secret.tokens()?;
    let known = replicas.known_directory();
    let known = known.borrow().as_ref().map(|known| known.slots.clone());
    Ok(NodeParts {
        environment: Arc::new(Machine),
        replication: Arc::new(replicas.clone()),
        content: Arc::new(content.clone()),
        events,
        slots: known.unwrap_or_else(|| site.topology.layout.slots().clone()),
        keys,
        signer,
        filter: Arc::new(ImplicitKeep),
        pretender: secret.pretender(options::hash(&site.settings))?,
    })
}

/// Returns the space that is kept free on the disk of the data directory.
///
/// # Errors
/// When the size of the disk cannot be told.
pub fn reserve(site: &Site) -> Result<Reserve, Failure> {
    let stat = rustix::fs::statvfs(site.data.path()).or_exit(Exit::Io, "size of the disk")?;
    let disk_bytes = stat.f_blocks.saturating_mul(stat.f_frsize);
    Ok(Reserve::of(&site.settings, disk_bytes))
}

fn open_log(site: &Site, reserve: Reserve) -> Result<Log, Failure> {
    let mut wal_options = options::wal(&site.settings);
    wal_options.reserve_bytes = reserve.log;
    let wal = Wal::open(site.data.disk(), place("log"), wal_options).map_err(|error| match &error {
        wal::Error::Damaged(_) => Failure::new(Exit::Software, chain(&error))
            .advise("nothing was changed; `facteur repair` shows what is lost before it acts"),
        _ => Failure::new(Exit::Io, format!("log: {}", chain(&error))),
    })?;
    Log::spawn(wal).or_exit(Exit::Software, "thread of the log")
}

fn open_blobs(site: &Site, reserve: Reserve) -> Result<BlobStore, Failure> {
    let salt = u64::from_le_bytes(Machine::random());
    let blob_options = options::blobs(&site.settings, reserve, salt);
    let opened = blobstore::Engine::open(site.data.disk(), place("blobs"), blob_options);
    let (engine, report) = opened.or_exit(Exit::Io, "blobs")?;
    for damaged in &report.damaged {
        tracing::error!(?damaged, "blobs that lay here are gone and are not served");
    }
    BlobStore::spawn(engine).or_exit(Exit::Software, "thread of the blobs")
}

fn open_tables(site: &Site) -> Result<Arc<dyn Engine>, Failure> {
    let settings = &site.settings;
    match settings.storage.engine {
        TableEngine::Memory => {
            let shelves = options::shelves(settings).or_exit(Exit::Config, "settings: `storage.shelves`")?;
            Ok(Arc::new(MemoryEngine::new(shelves)))
        }
        TableEngine::Sled => {
            let directory = site.data.private("tables")?;
            let sled = options::sled(settings, directory, boot_id());
            let sled = sled.or_exit(Exit::Config, "settings: `storage.shelves`")?;
            let engine = SledEngine::open(sled).or_exit(Exit::Io, "tables")?;
            let buffered = BufferedEngine::new(Arc::new(engine), BufferOptions::default());
            Ok(Arc::new(
                buffered.or_exit(Exit::Software, "thread of the tables")?,
            ))
        }
    }
}

/// Returns the run of the kernel. Where it cannot be told, unclean tables are rebuilt.
fn boot_id() -> BootId {
    let text = fs::read_to_string(BOOT_ID_FILE).inspect_err(|error| {
        tracing::warn!(%error, "the run of the kernel cannot be told");
    });
    BootId::new(&text.unwrap_or_default())
}

fn stored_content(site: &Site, blobs: &BlobStore, placement: &ReplicaPlacement) -> StoredContent {
    let disk = site.data.disk();
    StoredContent::new(StoredContentParts {
        store: blobs.clone(),
        placement: Arc::new(placement.clone()),
        environment: Arc::new(Machine),
        writers: options::content_writers(&site.settings),
        free_bytes: Box::new(move || disk.free_bytes().unwrap_or(0)),
    })
}
