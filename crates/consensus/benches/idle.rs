//! What groups cost that nobody uses: 256 groups with three voters on three nodes in this process, over real logs,
//! with tables in memory. Prints processor time and memory, and how long the groups take to wake.
//!
//! `cargo bench -p consensus --bench idle -- GROUPS` takes another count.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use consensus::{
    Blocking, Error, EventSink, Group, GroupOptions, Groups, MailMachine, NodeId, NodeParts, PeerCall,
    PeerTransport, ReplicaId, Role,
};
use disk::{Disk, DiskPath, RealDisk};
use futures::future::join_all;
use kv::{MemoryEngine, ShelfCount};
use mailstore::account::{Credentials, NewAccount, QuotaLimits};
use mailstore::address::Address;
use mailstore::command::{AccountCommand, Command, Entry, Subject};
use mailstore::event::Event;
use mailstore::time::Timestamp;
use mailstore::{AccountId, GroupId, codec};
use parking_lot::Mutex;
use wal::{Log, Wal, WalOptions};

/// For how long processor time is counted.
const WATCHED: Duration = Duration::from_secs(20);

type Nodes = Arc<Mutex<BTreeMap<NodeId, Weak<Groups<MailMachine>>>>>;

/// Gives calls to the nodes of this process.
struct Lines(Nodes);

#[async_trait]
impl PeerTransport for Lines {
    async fn call(&self, call: PeerCall, deadline: Duration) -> consensus::Result<Bytes> {
        let node = call.node;
        let target = self.0.lock().get(&node).and_then(Weak::upgrade);
        let detail = || "it is not there".to_owned();
        let target = target.ok_or_else(|| Error::Unreachable {
            node,
            detail: detail(),
        })?;
        let answered = tokio::time::timeout(deadline, target.serve(call)).await;
        answered.unwrap_or(Err(Error::Timeout))
    }
}

struct Deaf;

impl EventSink for Deaf {
    fn publish(&self, _: Vec<Event>) {}
}

fn entry(number: u64) -> Bytes {
    let mut account = [0; 16];
    account[..8].copy_from_slice(&number.to_be_bytes());
    let new = NewAccount {
        address: Address::parse(&format!("account-{number}@example.net")).expect("an address"),
        credentials: Credentials::default(),
        limits: QuotaLimits::default(),
        mailboxes: Vec::new(),
    };
    codec::encode_entry(&Entry {
        subject: Subject::Account(AccountId(account)),
        request: None,
        time: Timestamp(1_772_529_072_000),
        command: Command::Account(AccountCommand::Create(new)),
    })
}

fn node(number: u64, root: &std::path::Path, lines: &Nodes) -> Arc<Groups<MailMachine>> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&root.join(number.to_string())).expect("a disk"));
    let options = WalOptions {
        reserve_bytes: 0,
        ..WalOptions::default()
    };
    let wal = Wal::open(Arc::clone(&disk), DiskPath::new("wal").expect("a path"), options);
    let groups = Arc::new(Groups::new(NodeParts {
        node: NodeId(number),
        disk,
        space_reserve_bytes: 0,
        log: Arc::new(Log::spawn(wal.expect("an empty log")).expect("a thread")),
        engine: Arc::new(MemoryEngine::new(ShelfCount::new(1).expect("one shelf"))),
        transport: Arc::new(Lines(Arc::clone(lines))),
        blocking: Blocking::threads(4),
        options: GroupOptions::default(),
    }));
    lines.lock().insert(NodeId(number), Arc::downgrade(&groups));
    groups
}

/// Starts all groups; the leaders are spread over the nodes.
async fn start(nodes: &[Arc<Groups<MailMachine>>], count: u32) {
    let machine = Arc::new(MailMachine::new(Arc::new(Deaf)));
    for id in 1..=count {
        let number = |node: NodeId| ReplicaId(u64::from(id) << 32 | node.0);
        let voters: BTreeMap<_, _> = nodes
            .iter()
            .map(|node| (number(node.node()), node.node()))
            .collect();
        let mut replicas = Vec::new();
        for node in nodes {
            let started = node
                .start(GroupId(id), number(node.node()), Arc::clone(&machine))
                .await;
            let started = started.expect("a replica");
            let preferred = nodes[id as usize % nodes.len()].node();
            started.prefer_leader(Some(number(preferred)));
            replicas.push(started);
        }
        replicas[id as usize % nodes.len()]
            .initialize(voters)
            .await
            .expect("a group");
    }
}

/// Proposes an entry to each group at one time, through whoever leads, and returns how long each took, sorted.
async fn write(nodes: &[Arc<Groups<MailMachine>>], count: u32, salt: u64) -> Vec<Duration> {
    let writes = (1..=count).map(|id| async move {
        let begun = Instant::now();
        loop {
            let replicas = nodes.iter().filter_map(|node| node.get(GroupId(id)).ok());
            let leads = |replica: &Arc<Group<MailMachine>>| replica.status().role == Role::Leader;
            for leader in replicas.filter(leads) {
                let proposed = leader.propose(entry(salt << 32 | u64::from(id)));
                let written = tokio::time::timeout(Duration::from_millis(200), proposed).await;
                if let Ok(Ok(_)) = written {
                    return begun.elapsed();
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut times = join_all(writes).await;
    times.sort();
    times
}

fn tell(what: &str, times: &[Duration]) {
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len() - 1));
    let [half, most, all] = [50, 99, 100].map(|percent| at(percent).copied().unwrap_or_default());
    println!("{what}: p50 {half:.1?}, p99 {most:.1?}, longest {all:.1?}");
}

/// Returns the processor time of this process so far.
fn used() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Returns the resident memory of this process, in bytes.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    pages * 4096
}

async fn cost(what: &str) {
    let (begun, before) = (Instant::now(), used());
    tokio::time::sleep(WATCHED).await;
    let share = (used() - before).as_secs_f64() / begun.elapsed().as_secs_f64();
    println!("{what}: {:.2} % of one core", share * 100.0);
}

async fn parked(nodes: &[Arc<Groups<MailMachine>>], count: u32) -> Duration {
    let begun = Instant::now();
    while nodes.iter().any(|node| node.parked() < count as usize) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}

async fn run(root: &std::path::Path, count: u32) {
    let lines = Nodes::default();
    let mut nodes: Vec<_> = (1..=3).map(|number| node(number, root, &lines)).collect();
    let empty = resident();
    start(&nodes, count).await;
    tell("first write", &write(&nodes, count, 1).await);
    let each = (resident() - empty) / u64::from(count * 3);
    println!("memory of a replica: {} KiB", each / 1024);
    println!("all parked after: {:.1?}", parked(&nodes, count).await);
    cost("parked").await;
    tell("write that wakes", &write(&nodes, count, 2).await);
    tell("write after that", &write(&nodes, count, 3).await);
    println!("all parked after: {:.1?}", parked(&nodes, count).await);
    for (what, salt) in [("parked", 4), ("in use", 5)] {
        // The last node ends without a word.
        let dead = nodes.pop().expect("a node");
        lines.lock().remove(&dead.node());
        tell(
            &format!("write after a node died, groups {what}"),
            &write(&nodes, count, salt).await,
        );
        nodes.push(Arc::clone(&dead));
        lines.lock().insert(dead.node(), Arc::downgrade(&dead));
        write(&nodes, count, salt + 10).await;
    }
    for node in &nodes {
        node.shutdown().await.expect("an orderly stop");
    }
}

fn main() {
    let count = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next();
    let root = tempfile::tempdir().expect("a temporary directory");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(run(root.path(), count.unwrap_or(256)));
}
