//! One node on real parts: files, a writer thread, sled, a pool. Whatever happens to the tables, what was
//! acknowledged is there after a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use consensus::{
    Blocking, Error, EventSink, Group, GroupOptions, Groups, MailMachine, NodeId, NodeParts, PeerCall,
    PeerTransport, ReplicaId, mail_subject,
};
use disk::{Disk, DiskPath, RealDisk};
use kv::{BootId, Engine, ShelfCount, ShelfState, SledEngine, SledOptions};
use mailstore::account::{Credentials, NewAccount, QuotaLimits};
use mailstore::address::Address;
use mailstore::command::{AccountCommand, Command, Entry, MessageCommand, Subject};
use mailstore::event::Event;
use mailstore::flags::NamedFlags;
use mailstore::message::{EmailId, NewMessage};
use mailstore::name::MailboxName;
use mailstore::time::{InternalDate, Timestamp};
use mailstore::{AccountId, BlobId, GroupId, Reply, codec};
use tempfile::TempDir;
use wal::{Log, Wal, WalOptions};

const GROUPS: u32 = 3;
const ACCOUNTS: u8 = 4;
const PLACES: usize = GROUPS as usize * ACCOUNTS as usize;

struct Nobody;

impl EventSink for Nobody {
    fn publish(&self, _: Vec<Event>) {}
}

#[async_trait]
impl PeerTransport for Nobody {
    async fn call(&self, call: PeerCall, _: Duration) -> Result<Bytes, Error> {
        Err(Error::Unreachable {
            node: call.node,
            detail: "there is nobody".to_owned(),
        })
    }
}

struct Node {
    groups: Groups<MailMachine>,
    engine: Arc<SledEngine>,
}

impl Node {
    async fn open(root: &Path, boot: &str) -> Self {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&root.join("disk")).expect("a disk"));
        let options = SledOptions {
            directory: root.join("tables"),
            shelves: ShelfCount::new(2).expect("two shelves"),
            cache_bytes_per_shelf: 1 << 20,
            flush_interval: Some(Duration::from_millis(50)),
            boot_id: BootId::new(boot),
        };
        let engine = Arc::new(SledEngine::open(options).expect("the tables open"));
        let log_directory = DiskPath::new("wal").expect("a plain path");
        let wal_options = WalOptions {
            segment_bytes: 1 << 18,
            reserve_bytes: 0,
            ..WalOptions::default()
        };
        let wal = Wal::open(Arc::clone(&disk), log_directory, wal_options).expect("the log opens");
        let groups = Groups::new(NodeParts {
            node: NodeId(1),
            disk,
            space_reserve_bytes: 0,
            log: Arc::new(Log::spawn(wal).expect("a writer")),
            engine: Arc::clone(&engine) as Arc<dyn Engine>,
            transport: Arc::new(Nobody),
            blocking: Blocking::threads(4),
            options: GroupOptions {
                snapshot_log_bytes: 16 * 1024,
                kept_entries: 10,
                ..GroupOptions::default()
            },
        });
        for group in 0..GROUPS {
            let machine = Arc::new(MailMachine::new(Arc::new(Nobody)));
            let replica = ReplicaId(u64::from(group) + 1);
            groups
                .start(GroupId(group), replica, machine)
                .await
                .expect("the replica starts");
        }
        Self { groups, engine }
    }

    async fn create(root: &Path) -> Self {
        let node = Self::open(root, "boot").await;
        for group in 0..GROUPS {
            let replica = node.group(group).replica();
            node.group(group)
                .initialize([(replica, NodeId(1))].into())
                .await
                .expect("the group begins");
            let mut watch = node.group(group).watch();
            watch
                .wait_for(|status| status.role == consensus::Role::Leader)
                .await
                .expect("it leads");
            for account in 0..ACCOUNTS {
                node.propose(group, account, create(account)).await;
            }
        }
        node
    }

    fn group(&self, group: u32) -> Arc<Group<MailMachine>> {
        self.groups.get(GroupId(group)).expect("it runs")
    }

    async fn propose(&self, group: u32, account: u8, command: Command) -> Reply {
        let time = Timestamp(1_700_000_000_000);
        let entry = Entry {
            subject: Subject::Account(id(account)),
            request: None,
            time,
            command,
        };
        let committed = self.group(group).propose(codec::encode_entry(&entry)).await;
        committed.expect("committed").reply.expect("accepted")
    }

    /// Appends to all accounts of all groups at once.
    async fn append(&self, rounds: u32) {
        let places = (0..GROUPS).flat_map(|group| (0..ACCOUNTS).map(move |account| (group, account)));
        let writers = places.map(|(group, account)| async move {
            for _ in 0..rounds {
                self.propose(group, account, append()).await;
            }
        });
        futures::future::join_all(writers).await;
    }

    /// Returns how many messages each account holds.
    async fn count(&self) -> Vec<u64> {
        let mut counts = Vec::new();
        for group in 0..GROUPS {
            self.group(group).read_barrier().await.expect("it leads");
            assert_eq!(
                self.group(group).accounts(None, 100).await.expect("listed").len(),
                usize::from(ACCOUNTS)
            );
            for account in 0..ACCOUNTS {
                let subject = mail_subject(&Subject::Account(id(account)));
                let quota = self
                    .group(group)
                    .read(subject, |rows| mailstore::read::quota(rows))
                    .await;
                counts.push(
                    quota
                        .expect("readable")
                        .expect("sound")
                        .expect("an account")
                        .usage
                        .messages,
                );
            }
        }
        counts
    }

    /// Ends the process without closing the tables, as a kill does.
    async fn kill(self) {
        self.groups.shutdown().await.expect("stopped");
    }
}

fn id(account: u8) -> AccountId {
    AccountId([account; 16])
}

fn create(account: u8) -> Command {
    Command::Account(AccountCommand::Create(NewAccount {
        address: Address::parse(&format!("user{account}@example.org")).expect("an address"),
        credentials: Credentials::default(),
        limits: QuotaLimits::default(),
        mailboxes: Vec::new(),
    }))
}

fn append() -> Command {
    let message = NewMessage {
        blob: BlobId([1; 32]),
        size: 1000,
        flags: NamedFlags::default(),
        internal_date: InternalDate {
            seconds: 1,
            zone_minutes: 0,
        },
        email_id: EmailId([1; 12]),
    };
    let mailbox = MailboxName::parse("INBOX").expect("a name");
    Command::Message(MessageCommand::Append {
        mailbox,
        messages: vec![message],
        create: false,
    })
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path());
    let (directories, mut files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.extend(directories.iter().flat_map(|directory| files_below(directory)));
    files
}

fn scribble(file: &Path, third: usize) {
    let mut bytes = fs::read(file).expect("readable");
    let length = bytes.len().div_ceil(3);
    bytes
        .iter_mut()
        .skip(third * length)
        .take(length)
        .for_each(|byte| *byte ^= 0xa5);
    fs::write(file, bytes).expect("writable");
}

/// Fills a node, ends it with or without closing its tables, damages them, and counts after a restart.
async fn check(close: bool, boot: &str, expected: fn(&ShelfState) -> bool, damage: impl Fn(&Path)) {
    let root = TempDir::new().expect("a temporary directory");
    let node = Node::create(root.path()).await;
    for round in 1..=3_u64 {
        node.append(20).await;
        assert_eq!(node.count().await, vec![20 * round; PLACES]);
    }
    let Node { groups, engine } = node;
    groups.shutdown().await.expect("stopped");
    drop(groups);
    if close {
        engine.close().expect("closed");
    }
    drop(engine);
    damage(&root.path().join("tables"));
    let node = Node::open(root.path(), boot).await;
    for shelf in node.engine.shelf_count().shelves() {
        let state = node.engine.report(shelf).expect("a report").state;
        assert!(expected(&state), "{state:?}");
    }
    assert_eq!(node.count().await, vec![60; PLACES]);
    node.append(1).await;
    assert_eq!(node.count().await, vec![61; PLACES]);
    node.kill().await;
}

fn is_believed(state: &ShelfState) -> bool {
    *state == ShelfState::Believed
}

fn is_rebuilt(state: &ShelfState) -> bool {
    matches!(state, ShelfState::Rebuild(_))
}

#[tokio::test(start_paused = true)]
async fn tables_that_were_closed_are_used_again() {
    check(true, "another boot", is_believed, |_| ()).await;
}

#[tokio::test(start_paused = true)]
async fn tables_of_a_killed_process_are_used_again_under_the_same_boot() {
    check(false, "boot", is_believed, |_| ()).await;
}

#[tokio::test(start_paused = true)]
async fn tables_are_rebuilt_after_a_loss_of_power() {
    check(false, "another boot", is_rebuilt, |_| ()).await;
}

#[tokio::test(start_paused = true)]
async fn deleted_tables_are_rebuilt() {
    for close in [false, true] {
        check(close, "boot", is_rebuilt, |tables| {
            fs::remove_dir_all(tables).expect("deleted")
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn scribbled_tables_are_rebuilt() {
    for close in [false, true] {
        for third in 0..3 {
            let damage = |tables: &Path| files_below(tables).iter().for_each(|file| scribble(file, third));
            check(close, "boot", |_| true, damage).await;
        }
    }
}
