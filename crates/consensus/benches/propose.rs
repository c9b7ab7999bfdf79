//! Entries that append a message, proposed to a group with one voter and waited for, on the disk of the
//! temporary directory: openraft, log, `apply` and tables together, without content.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use consensus::{
    Blocking, Error, EventSink, Group, GroupOptions, Groups, MailMachine, NodeId, NodeParts, PeerCall,
    PeerTransport, ReplicaId,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use disk::{Disk, DiskPath, RealDisk};
use kv::{BootId, ShelfCount, SledEngine, SledOptions};
use mailstore::account::{Credentials, NewAccount, QuotaLimits};
use mailstore::address::Address;
use mailstore::command::{AccountCommand, Command, Entry, MessageCommand, Subject};
use mailstore::event::Event;
use mailstore::flags::NamedFlags;
use mailstore::message::{EmailId, NewMessage};
use mailstore::name::MailboxName;
use mailstore::time::{InternalDate, Timestamp};
use mailstore::{AccountId, BlobId, GroupId, codec};
use wal::{Log, Wal, WalOptions};

const GROUP: GroupId = GroupId(1);

/// There is nobody else.
struct Alone;

#[async_trait]
impl PeerTransport for Alone {
    async fn call(&self, call: PeerCall, _: Duration) -> consensus::Result<Bytes> {
        Err(Error::NoSuchGroup { group: call.group })
    }
}

struct Deaf;

impl EventSink for Deaf {
    fn publish(&self, _: Vec<Event>) {}
}

fn entry(account: u8, command: Command) -> Bytes {
    codec::encode_entry(&Entry {
        subject: Subject::Account(AccountId([account; 16])),
        request: None,
        time: Timestamp(1_772_529_072_000),
        command,
    })
}

fn create(account: u8) -> Bytes {
    let new = NewAccount {
        address: Address::parse(&format!("account-{account}@example.net")).expect("an address"),
        credentials: Credentials::default(),
        limits: QuotaLimits::default(),
        mailboxes: Vec::new(),
    };
    entry(account, Command::Account(AccountCommand::Create(new)))
}

fn append(account: u8, number: u64) -> Bytes {
    let mut blob = [account; 32];
    blob[..8].copy_from_slice(&number.to_be_bytes());
    let message = NewMessage {
        blob: BlobId(blob),
        size: 8192,
        flags: NamedFlags::default(),
        internal_date: InternalDate {
            seconds: 1_772_529_072,
            zone_minutes: 60,
        },
        email_id: EmailId([3; 12]),
    };
    let append = MessageCommand::Append {
        mailbox: MailboxName::inbox(),
        messages: vec![message],
        create: false,
    };
    entry(account, Command::Message(append))
}

async fn start(root: &std::path::Path) -> Arc<Group<MailMachine>> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(root).expect("disk"));
    let options = WalOptions {
        reserve_bytes: 0,
        ..WalOptions::default()
    };
    let path = DiskPath::new("wal").expect("a path");
    let wal = Wal::open(Arc::clone(&disk), path, options).expect("an empty log");
    let engine = SledEngine::open(SledOptions {
        directory: root.join("tables"),
        shelves: ShelfCount::new(1).expect("one shelf"),
        cache_bytes_per_shelf: 64 << 20,
        flush_interval: Some(Duration::from_secs(1)),
        boot_id: BootId::new(""),
    });
    let groups = Groups::new(NodeParts {
        node: NodeId(1),
        disk,
        space_reserve_bytes: 0,
        log: Arc::new(Log::spawn(wal).expect("a thread")),
        engine: Arc::new(engine.expect("empty tables")),
        transport: Arc::new(Alone),
        blocking: Blocking::threads(8),
        options: GroupOptions::default(),
    });
    let machine = Arc::new(MailMachine::new(Arc::new(Deaf)));
    let group = groups
        .start(GROUP, ReplicaId(1), machine)
        .await
        .expect("a replica");
    let voters = BTreeMap::from([(ReplicaId(1), NodeId(1))]);
    group.initialize(voters).await.expect("a group");
    group
}

/// Each writer appends to an account of its own and waits for each message.
async fn run(group: &Arc<Group<MailMachine>>, writers: u8, count: u64, first: u64) -> Duration {
    let begun = Instant::now();
    let writers = (0..writers).map(|account| async move {
        for number in first..first + count {
            let committed = group.propose(append(account, number)).await.expect("committed");
            committed.reply.expect("accepted");
        }
    });
    futures::future::join_all(writers).await;
    begun.elapsed()
}

fn propose(criterion: &mut Criterion) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let group = runtime.block_on(async {
        let group = start(root.path()).await;
        while group.propose(create(0)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for account in 1..32 {
            group
                .propose(create(account))
                .await
                .expect("committed")
                .reply
                .expect("accepted");
        }
        group
    });
    let mut benches = criterion.benchmark_group("propose an append");
    benches.throughput(Throughput::Elements(1));
    let mut next = 0;
    for writers in [1_u8, 32] {
        benches.bench_function(format!("{writers} at once"), |bencher| {
            bencher.iter_custom(|count| {
                let each = count.div_ceil(u64::from(writers));
                let elapsed = runtime.block_on(run(&group, writers, each, next));
                next += each;
                elapsed.mul_f64(count as f64 / (each * u64::from(writers)) as f64)
            });
        });
    }
    benches.finish();
    runtime.block_on(group.shutdown()).expect("an orderly stop");
}

criterion_group!(benches, propose);
criterion_main!(benches);
