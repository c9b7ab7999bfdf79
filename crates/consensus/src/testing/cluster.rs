//! Whole nodes in one thread: simulated disks, tables in memory, and a network that can be cut.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use disk::SimDisk;
use kv::{Engine, FaultScript, FaultyEngine, MemoryEngine, ShelfCount};
use mailstore::GroupId;
use parking_lot::Mutex;
use wal::{Log, Wal};

use super::{Registers, path, wal_options};
use crate::machine::Subject;
use crate::{
    Blocking, Error, Group, GroupOptions, Groups, NodeId, NodeParts, PeerCall, PeerCallKind, PeerTransport,
    ReplicaId, Result, Role,
};

/// The group that the tests run.
pub(crate) const GROUP: GroupId = GroupId(7);

/// How long a call takes each way.
pub(crate) const LATENCY: Duration = Duration::from_millis(1);

/// Nodes 1 to n, each with the replica of the same number.
pub(crate) struct Cluster {
    pub(crate) switchboard: Arc<Switchboard>,
    pub(crate) nodes: BTreeMap<u64, Node>,
    pub(crate) options: GroupOptions,
}

/// A node that can be stopped and started over the same disk.
pub(crate) struct Node {
    pub(crate) number: u64,
    pub(crate) disk: SimDisk,
    pub(crate) tables: Tables,
    pub(crate) groups: Arc<Groups<Registers>>,
}

impl Cluster {
    /// Returns `count` nodes without groups.
    pub(crate) fn new(count: u64, options: GroupOptions) -> Self {
        let mut cluster = Self {
            switchboard: Arc::default(),
            nodes: BTreeMap::new(),
            options,
        };
        for number in 1..=count {
            cluster.open(number, SimDisk::new(number), Tables::new());
        }
        cluster
    }

    fn open(&mut self, number: u64, disk: SimDisk, tables: Tables) {
        let wal = Wal::open(Arc::new(disk.clone()), path("wal"), wal_options()).expect("the log opens");
        let groups = Arc::new(Groups::new(NodeParts {
            node: NodeId(number),
            disk: Arc::new(disk.clone()),
            space_reserve_bytes: 1 << 20,
            log: Arc::new(Log::inline(wal)),
            engine: Arc::clone(&tables.engine),
            transport: Arc::new(Port {
                from: number,
                switchboard: Arc::clone(&self.switchboard),
            }),
            blocking: Blocking::Inline,
            options: self.options.clone(),
        }));
        self.switchboard.insert(number, &groups);
        self.nodes.insert(
            number,
            Node {
                number,
                disk,
                tables,
                groups,
            },
        );
    }

    /// Returns nodes of which all vote, with a leader.
    pub(crate) async fn started(count: u64, options: GroupOptions) -> Self {
        let cluster = Self::new(count, options);
        for node in cluster.nodes.values() {
            node.start().await.expect("an empty replica starts");
        }
        let voters = cluster
            .nodes
            .keys()
            .map(|number| (ReplicaId(*number), NodeId(*number)))
            .collect();
        cluster
            .group(1)
            .initialize(voters)
            .await
            .expect("the group begins");
        cluster.leader().await;
        cluster
    }

    pub(crate) fn node(&self, number: u64) -> &Node {
        self.nodes.get(&number).expect("a node of this number")
    }

    pub(crate) fn group(&self, number: u64) -> Arc<Group<Registers>> {
        self.node(number).groups.get(GROUP).expect("a replica runs there")
    }

    /// Waits until some node that can be reached leads. One that has just been elected is still to write that down,
    /// and takes no proposals until then.
    pub(crate) async fn leader(&self) -> u64 {
        loop {
            for node in self.nodes.values() {
                if !self.switchboard.is_cut(node.number) && node.leads().await {
                    return node.number;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the group is parked on every node.
    pub(crate) async fn parked(&self) {
        let parked = async {
            while !self.nodes.values().all(|node| node.groups.parked() == 1) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let parked = tokio::time::timeout(Duration::from_secs(60), parked).await;
        parked.expect("a group that nobody uses is parked");
    }

    /// Returns the node whose replica leads, as far as it knows, without using the group.
    pub(crate) fn knows_to_lead(&self) -> Option<u64> {
        let leads = |node: &&Node| {
            let group = node.groups.get(GROUP);
            group.is_ok_and(|group| group.status().role == Role::Leader)
        };
        self.nodes.values().find(leads).map(|node| node.number)
    }

    /// Stops a node as a crash does, with or without power, and starts it again. Its tables are lost.
    pub(crate) async fn crash(&mut self, number: u64) {
        let old = self.nodes.remove(&number).expect("a node of this number");
        self.switchboard.remove(number);
        old.disk.crash();
        // The old process is gone: what is left of its tasks cannot write any more.
        let _ = old.groups.shutdown().await;
        self.open(number, old.disk.clone(), Tables::new());
    }

    /// Stops a node in order and starts it again with the tables that it had.
    pub(crate) async fn restart(&mut self, number: u64) {
        let old = self.nodes.remove(&number).expect("a node of this number");
        self.switchboard.remove(number);
        old.groups.shutdown().await.expect("the node stops");
        let Node {
            disk, tables, groups, ..
        } = old;
        drop(groups);
        self.open(number, disk, tables);
    }
}

impl Node {
    /// Starts the node's replica.
    pub(crate) async fn start(&self) -> Result<Arc<Group<Registers>>> {
        self.groups
            .start(GROUP, ReplicaId(self.number), Arc::default())
            .await
    }

    /// Returns whether its replica leads and knows it.
    async fn leads(&self) -> bool {
        match self.groups.get(GROUP) {
            Ok(group) => group.status().role == Role::Leader && group.read_barrier().await.is_ok(),
            Err(_) => false,
        }
    }

    /// Sets a register and returns its old value.
    pub(crate) async fn set(&self, subject: &str, key: &str, value: &str) -> Result<Option<String>> {
        let group = self.groups.get(GROUP)?;
        group
            .propose(Registers::set(subject, key, value))
            .await
            .map(|committed| committed.reply)
    }

    /// Returns a register, linearizably.
    pub(crate) async fn get(&self, subject: &str, key: &str) -> Result<Option<String>> {
        self.groups.get(GROUP)?.read_barrier().await?;
        self.peek(subject, key).await
    }

    /// Returns a register as this node has it.
    pub(crate) async fn peek(&self, subject: &str, key: &str) -> Result<Option<String>> {
        let (subject, key) = (Subject::new(subject.to_owned()).expect("a name"), key.to_owned());
        let group = self.groups.get(GROUP)?;
        let value = group
            .read(subject, move |rows| rows.get(key.as_bytes()))
            .await??;
        Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()))
    }
}

/// The tables of a node, and what goes wrong with them.
pub(crate) struct Tables {
    engine: Arc<dyn Engine>,
    pub(crate) faults: FaultScript,
}

impl Tables {
    fn new() -> Self {
        let faults = FaultScript::new();
        let memory = MemoryEngine::new(ShelfCount::new(1).expect("one shelf"));
        Self {
            engine: Arc::new(FaultyEngine::new(memory, faults.clone())),
            faults,
        }
    }
}

/// Connects the nodes and cuts them off.
#[derive(Default)]
pub(crate) struct Switchboard {
    nodes: Mutex<BTreeMap<u64, Weak<Groups<Registers>>>>,
    cut: Mutex<BTreeSet<u64>>,
    calls: Mutex<BTreeMap<&'static str, u64>>,
}

impl Switchboard {
    fn insert(&self, number: u64, groups: &Arc<Groups<Registers>>) {
        self.nodes.lock().insert(number, Arc::downgrade(groups));
    }

    fn remove(&self, number: u64) {
        self.nodes.lock().remove(&number);
    }

    /// Cuts a node off from all others, or connects it again.
    pub(crate) fn cut(&self, number: u64, is_cut: bool) {
        if is_cut {
            self.cut.lock().insert(number)
        } else {
            self.cut.lock().remove(&number)
        };
    }

    pub(crate) fn is_cut(&self, number: u64) -> bool {
        self.cut.lock().contains(&number)
    }

    /// Returns how many calls about groups there were, without pings.
    pub(crate) fn calls(&self) -> u64 {
        let calls = self.calls.lock();
        calls
            .iter()
            .filter(|(kind, _)| **kind != "ping")
            .map(|(_, count)| count)
            .sum()
    }

    fn count(&self, kind: PeerCallKind) {
        let kind = match kind {
            PeerCallKind::AppendEntries => "append",
            PeerCallKind::Vote => "vote",
            PeerCallKind::TransferLeader => "transfer",
            PeerCallKind::Snapshot => "snapshot",
            PeerCallKind::Ping => "ping",
        };
        *self.calls.lock().entry(kind).or_default() += 1;
    }

    fn find(&self, from: u64, to: u64) -> Option<Arc<Groups<Registers>>> {
        if self.is_cut(from) || self.is_cut(to) {
            return None;
        }
        self.nodes.lock().get(&to).and_then(Weak::upgrade)
    }
}

struct Port {
    from: u64,
    switchboard: Arc<Switchboard>,
}

#[async_trait]
impl PeerTransport for Port {
    async fn call(&self, call: PeerCall, deadline: Duration) -> Result<Bytes> {
        let node = call.node;
        self.switchboard.count(call.kind);
        let gone = || Error::Unreachable {
            node,
            detail: "cut off".to_owned(),
        };
        let exchange = async {
            tokio::time::sleep(LATENCY).await;
            let target = self.switchboard.find(self.from, node.0).ok_or_else(gone)?;
            let answer = target.serve(call).await;
            tokio::time::sleep(LATENCY).await;
            // The answer too must come through.
            self.switchboard.find(self.from, node.0).ok_or(Error::Timeout)?;
            answer
        };
        tokio::time::timeout(deadline, exchange)
            .await
            .map_err(|_| Error::Timeout)?
    }
}
