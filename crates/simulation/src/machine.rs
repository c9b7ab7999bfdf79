//! One machine: a disk that outlives the processes on it, and the storage node that runs there.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use auth::{
    HashParameters, KeyId, KeyRing, LimiterOptions, Limits, LoginCacheOptions, Pretender, Secret, TokenSigner,
};
use blobstore::{BlobStore, BlobStoreOptions};
use cluster::Layout;
use consensus::{Blocking, GroupOptions};
use disk::{Disk, DiskPath, SimDisk};
use kv::{Engine, FaultScript, FaultyEngine, MemoryEngine, ShelfCount};
use storage_node::{
    Environment, FixedLayout, ImplicitKeep, Node, NodeAddress, NodeEvents, NodeOptions, NodeParts, Peers,
    Placement, ReplicaParts, ReplicaPlacement, Replicas, SessionLimits, StartError, StoredContent,
    StoredContentHandler, StoredContentParts,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wal::{Wal, WalOptions};

use crate::environment::SimEnvironment;
use crate::mutation::{MutatedNode, Mutation};
use crate::lines::Lines;
use crate::network::{Network, Services};
use crate::plug::Plug;
use crate::slow_disk::SlowDisk;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Missing content is fetched at this speed.
const FETCH_BYTES_PER_SECOND_MAX: NonZeroU64 = NonZeroU64::new(16 * MIB).expect("not zero");

/// The sizes and habits of a machine's storage node.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    /// Of the storage node.
    pub node: NodeOptions,
    /// Of the log.
    pub wal: WalOptions,
    /// Of the content.
    pub blobs: BlobStoreOptions,
    /// Of the groups.
    pub groups: GroupOptions,
    /// Proposals are refused while fewer octets are free on the disk.
    pub space_reserve_bytes: u64,
}

impl MachineOptions {
    /// Returns options under which a short run meets sealed segments, snapshots and compaction, and under
    /// which passwords cost next to nothing.
    #[must_use]
    pub fn small(name: &str) -> Self {
        Self {
            node: node_options(name),
            wal: WalOptions {
                segment_bytes: 256 * KIB,
                grow_bytes: 32 * KIB,
                reserve_bytes: MIB,
                cache_bytes_per_group: 4096,
                ..WalOptions::default()
            },
            blobs: BlobStoreOptions {
                segment_bytes: 128 * KIB,
                reserve_bytes: 3 * MIB,
                ..BlobStoreOptions::default()
            },
            groups: GroupOptions {
                snapshot_log_bytes: 16 * KIB,
                kept_entries: 16,
                ..GroupOptions::default()
            },
            space_reserve_bytes: 2 * MIB,
        }
    }
}

fn node_options(name: &str) -> NodeOptions {
    NodeOptions {
        name: name.to_owned(),
        version: "simulation".to_owned(),
        message_bytes_max: MIB,
        search_budget: Duration::from_secs(10),
        content_readers: 4,
        content_readers_waiting: 64,
        hashers: 2,
        hashers_waiting: 16,
        sessions: SessionLimits::default(),
        hash: cheap_hashes(),
        exchange: Limits::default(),
        limiter: LimiterOptions::default(),
        login_cache: Some(LoginCacheOptions::default()),
        blob_grace: Duration::from_secs(24 * 3600),
    }
}

fn cheap_hashes() -> HashParameters {
    HashParameters {
        argon2_kib: 8,
        argon2_passes: 1,
        argon2_lanes: 1,
        scram_iterations: 4096,
    }
}

/// Why a storage node did not start.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The log.
    #[error("log: {0}")]
    Log(#[from] wal::Error),
    /// The content.
    #[error("content: {0}")]
    Content(#[from] blobstore::Error),
    /// The disk.
    #[error("disk: {0}")]
    Disk(#[from] disk::Error),
    /// A replica.
    #[error(transparent)]
    Replica(#[from] StartError),
}

/// A machine.
pub struct Machine {
    /// Its name, as in the layout.
    pub name: String,
    /// Its disk.
    pub disk: SimDisk,
    /// Its clock and randomness.
    pub environment: Arc<SimEnvironment>,
    /// What its storage node is started with.
    pub options: MachineOptions,
    /// A defect of its storage node, for tests of the checkers.
    pub mutation: Option<Mutation>,
    pub(crate) mutated: MutatedNode,
    /// What its storage node is told at its start in the place of the layout.
    pub told: Option<Placement>,
    /// How long its disk takes to write the log.
    pub slow_disk: SlowDisk,
}

/// A storage node that runs on a machine.
#[derive(Clone)]
pub struct Running {
    /// The node.
    pub node: Node,
    /// Its replicas.
    pub replicas: Replicas,
    /// Its content.
    pub content: StoredContent,
    /// Faults that its tables are to meet.
    pub tables: FaultScript,
    /// What was found when its content was opened.
    pub opened: blobstore::OpenReport,
    /// Its way to the disk.
    pub plug: Plug,
    _log_writer: Arc<JoinSet<()>>,
}

impl Machine {
    /// Starts the machine's storage node from what is on the disk.
    ///
    /// # Errors
    /// When the disk fails or holds something that it must not.
    pub async fn boot(
        &self,
        layout: &Layout,
        nodes: &[String],
        network: &Network,
    ) -> Result<Running, BootError> {
        let plug = Plug::default();
        let gone = CancellationToken::new();
        // What is left of a start that failed must not speak to the others.
        let failed = gone.clone().drop_guard();
        let disk = Mutation::of_disk(self.mutation, plug.connect(Arc::new(self.disk.mount())));
        let (engine, tables) = tables();
        let peers = Peers::new(Arc::new(Lines::new(network, &self.name, gone.clone())));
        let placement = ReplicaPlacement::new(peers.clone());
        let (content, opened) = self.content(&disk, &placement)?;
        let events = NodeEvents::new(self.options.node.sessions);
        let told = match &self.told {
            Some(told) => told.clone(),
            None => fixed_layout(layout, nodes).placement(&self.name)?,
        };
        let wal = open_log(&disk, self.options.wal.clone())?;
        let (log, log_writer) = self.slow_disk.write(wal);
        let groups = consensus::NodeParts {
            node: told.this,
            disk,
            space_reserve_bytes: self.options.space_reserve_bytes,
            log,
            engine,
            transport: Arc::new(peers.clone()),
            blocking: Blocking::Inline,
            options: Mutation::of_groups(
                self.mutation,
                self.options.groups.clone(),
                self.mutated.restarted,
            ),
        };
        let parts = ReplicaParts {
            groups,
            peers,
            content: content.clone(),
            events: Arc::new(events.clone()),
            fetch_bytes_per_second_max: FETCH_BYTES_PER_SECOND_MAX,
        };
        let replicas = Replicas::start(parts, told).await?;
        placement.set(&replicas);
        let node = self.node(layout, &replicas, &content, events);
        let services = Services {
            raft: replicas.entrance(),
            content: Arc::new(StoredContentHandler::new(content.clone())),
            control: Arc::new(replicas.clone()),
            node: node.clone(),
            gone,
        };
        network.listen(&self.name, services);
        failed.disarm();
        Ok(Running {
            node,
            replicas,
            content,
            tables,
            opened,
            plug,
            _log_writer: log_writer,
        })
    }

    fn content(
        &self,
        disk: &Arc<dyn Disk>,
        placement: &ReplicaPlacement,
    ) -> Result<(StoredContent, blobstore::OpenReport), BootError> {
        let directory = DiskPath::new("blobs")?;
        disk.create_dir_all(&directory)?;
        let (engine, report) =
            blobstore::Engine::open(Arc::clone(disk), directory, self.options.blobs.clone())?;
        let free = Arc::clone(disk);
        let content = StoredContent::new(StoredContentParts {
            store: BlobStore::inline(engine),
            placement: Mutation::of_placement(self.mutation, Arc::new(placement.clone())),
            environment: Arc::clone(&self.environment) as Arc<dyn Environment>,
            writers: (4, 64),
            free_bytes: Box::new(move || free.free_bytes().unwrap_or(0)),
        });
        Ok((content, report))
    }

    fn node(
        &self,
        layout: &Layout,
        replicas: &Replicas,
        content: &StoredContent,
        events: NodeEvents,
    ) -> Node {
        let signer = TokenSigner::from_seed(KeyId(1), &Secret::new([7; 32]));
        let signer = signer.expect("invariant: any seed makes a key");
        let mut keys = KeyRing::default();
        keys.insert(signer.id(), signer.public_key());
        let pretender = Pretender::new(Secret::new([9; 32]), self.options.node.hash);
        let parts = NodeParts {
            environment: Arc::clone(&self.environment) as Arc<dyn Environment>,
            replication: Mutation::of_replication(
                self.mutation,
                Arc::new(replicas.clone()),
                &self.mutated,
            ),
            content: Mutation::of_content(self.mutation, Arc::new(content.clone())),
            events,
            slots: layout.slots().clone(),
            keys,
            signer,
            filter: Arc::new(ImplicitKeep),
            pretender: pretender.expect("invariant: the parameters are within bounds"),
        };
        Node::new(self.options.node.clone(), parts)
    }
}

/// Returns tables in memory, lost with the process, and a script of faults for them.
fn tables() -> (Arc<dyn Engine>, FaultScript) {
    let shelves = ShelfCount::new(4).expect("invariant: a count that is allowed");
    let script = FaultScript::new();
    let engine = FaultyEngine::new(MemoryEngine::new(shelves), script.clone());
    (Arc::new(engine), script)
}

fn open_log(disk: &Arc<dyn Disk>, options: WalOptions) -> Result<Wal, BootError> {
    let directory = DiskPath::new("wal")?;
    disk.create_dir_all(&directory)?;
    Ok(Wal::open(Arc::clone(disk), directory, options)?)
}

fn fixed_layout(layout: &Layout, nodes: &[String]) -> FixedLayout {
    let groups = layout.slots().groups().into_iter();
    let replicas = groups.map(|group| (group, layout.replicas(group).to_vec()));
    let node = |name: &String| NodeAddress {
        name: name.clone(),
        address: String::new(),
    };
    FixedLayout {
        nodes: nodes.iter().map(node).collect(),
        replicas: replicas.collect(),
    }
}
