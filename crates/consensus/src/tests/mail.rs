//! The mail machine: its rows survive any interleaving of entries, snapshots, losses and replays.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use disk::{Disk, SimDisk};
use kv::{Engine, MemoryEngine, ShelfCount, TableId};
use mailstore::account::{Credentials, NewAccount, QuotaLimits};
use mailstore::address::Address;
use mailstore::command::{
    AccountCommand, AddressCommand, Command, Entry, MailboxCommand, MessageCommand, Subject,
};
use mailstore::event::Event;
use mailstore::flags::{FlagBits, FlagOperation, NamedFlags, SystemFlag};
use mailstore::mailbox::SpecialUse;
use mailstore::message::{EmailId, NewMessage};
use mailstore::name::MailboxName;
use mailstore::slots::{CopiedRow, InstallRows, MoveId, RowsCommand, SlotCommand, SlotStep};
use mailstore::time::{InternalDate, Timestamp};
use mailstore::{AccountId, BlobId, GroupId, MailboxId, Uid, codec};
use parking_lot::Mutex;
use proptest::prelude::*;

use crate::mail::{EventSink, MailMachine, account_of, mail_subject, subject_of};
use crate::snapshot::{SnapshotBuild, SnapshotStore, load};
use crate::state_machine::Applier;
use crate::tables::{GroupTables, SubjectRows};
use crate::testing::path;
use crate::types::{self, EntryPayload, Outcome};

#[derive(Default)]
struct Sink(Mutex<Vec<Event>>);

impl EventSink for Sink {
    fn publish(&self, events: Vec<Event>) {
        self.0.lock().extend(events);
    }
}

struct Replica {
    applier: Applier<MailMachine>,
    tables: Arc<GroupTables>,
    sink: Arc<Sink>,
}

fn replica() -> Replica {
    let engine = MemoryEngine::new(ShelfCount::new(1).expect("one shelf"));
    let tables = Arc::new(GroupTables::new(engine.table(TableId::new(1))));
    let sink = Arc::new(Sink::default());
    let machine = Arc::new(MailMachine::new(Arc::clone(&sink) as Arc<dyn EventSink>));
    let applier = Applier::open(machine, Arc::clone(&tables), u64::MAX).expect("empty tables");
    Replica {
        applier,
        tables,
        sink,
    }
}

impl Replica {
    fn apply(&self, entries: &[types::Entry]) -> Vec<Outcome> {
        self.applier.apply(entries).expect("sound rows")
    }

    /// Returns a hash over the rows of every account and address, and of the header.
    fn hashes(&self) -> BTreeMap<crate::Subject, u128> {
        let view = self.tables.table().view().expect("a view");
        let subjects = self.tables.subjects().expect("the subjects").into_iter();
        let subjects = subjects.chain([(crate::Subject::header(), 0)]);
        let hash = |subject: crate::Subject| {
            let hash =
                mailstore::read::state_hash(&SubjectRows::reading(&*view, &subject)).expect("sound rows");
            (subject, hash)
        };
        let empty = mailstore::read::state_hash(&mailstore::rows::MemoryRows::new()).expect("no rows");
        subjects
            .map(|(subject, _)| hash(subject))
            .filter(|(_, hash)| *hash != empty)
            .collect()
    }
}

fn account(number: u8) -> AccountId {
    AccountId([number; 16])
}

fn address(number: u8) -> Address {
    Address::parse(&format!("user{number}@example.org")).expect("an address")
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).expect("a name")
}

fn message(size: u32) -> NewMessage {
    NewMessage {
        blob: BlobId([7; 32]),
        size,
        flags: NamedFlags::default(),
        internal_date: InternalDate {
            seconds: 5,
            zone_minutes: 0,
        },
        email_id: EmailId([2; 12]),
    }
}

fn log_entry(index: u64, subject: Subject, command: Command) -> types::Entry {
    let time = Timestamp(1_700_000_000_000 + index * 1000);
    let entry = Entry {
        subject,
        request: None,
        time,
        command,
    };
    let payload = EntryPayload::Normal(types::Command::new(codec::encode_entry(&entry)));
    types::Entry {
        log_id: types::log_id(1, index),
        payload,
    }
}

fn create(number: u8) -> Command {
    Command::Account(AccountCommand::Create(NewAccount {
        address: address(number),
        credentials: Credentials::default(),
        limits: QuotaLimits::default(),
        mailboxes: vec![(name("Sent"), SpecialUse::SENT)],
    }))
}

fn append(count: usize) -> Command {
    Command::Message(MessageCommand::Append {
        mailbox: name("INBOX"),
        messages: vec![message(100); count],
        create: false,
    })
}

fn store(flag: SystemFlag, uid: u32) -> Command {
    Command::Message(MessageCommand::Store {
        mailbox: MailboxId(1),
        uids: Uid::new(uid).into_iter().collect(),
        operation: FlagOperation::Add,
        flags: NamedFlags {
            system: FlagBits::EMPTY.with(FlagBits::system(flag)),
            keywords: Vec::new(),
        },
        unchanged_since: None,
    })
}

fn command() -> impl Strategy<Value = Command> {
    let make = |text: &str| MailboxCommand::Create {
        name: name(text),
        special_use: SpecialUse::NONE,
    };
    prop_oneof![
        2 => any::<u8>().prop_map(|number| create(number % 4)),
        6 => (1..70_usize).prop_map(append),
        4 => (1..100_u32).prop_map(|uid| store(SystemFlag::Deleted, uid)),
        3 => (1..100_u32).prop_map(|uid| store(SystemFlag::Seen, uid)),
        2 => Just(Command::Message(MessageCommand::Expunge { mailbox: MailboxId(1), uids: None })),
        1 => Just(Command::Mailbox(make("Work/Old"))),
        1 => Just(Command::Mailbox(MailboxCommand::Delete { name: name("Work/Old") })),
        1 => Just(Command::Mailbox(MailboxCommand::Rename { from: name("INBOX"), to: name("Kept") })),
        1 => Just(Command::Account(AccountCommand::Remove { purge_after: Timestamp(0) })),
        1 => Just(Command::Account(AccountCommand::Purge)),
    ]
}

fn entry() -> impl Strategy<Value = (Subject, Command)> {
    let of_account =
        (0..4_u8, command()).prop_map(|(number, command)| (Subject::Account(account(number)), command));
    let of_address = (0..4_u8, 0..4_u8).prop_map(|(number, owner)| {
        let command = AddressCommand::Reserve {
            account: account(owner),
        };
        (Subject::Address(address(number)), Command::Address(command))
    });
    prop_oneof![8 => of_account, 1 => of_address, 3 => step(), 3 => rows_command()]
}

/// Returns a step of a move of the slots of some accounts and addresses.
fn step() -> impl Strategy<Value = (Subject, Command)> {
    let step = prop_oneof![
        Just(SlotStep::Accept { from: GroupId(2) }),
        Just(SlotStep::Own),
        Just(SlotStep::Refuse),
        Just(SlotStep::Freeze { to: GroupId(2) }),
        Just(SlotStep::Thaw),
        Just(SlotStep::Release {
            epoch: 3,
            to: GroupId(2)
        }),
    ];
    (1..5_u64, 0..4_u8, any::<bool>(), step).prop_map(|(moving, number, both, step)| {
        let of_account = account(number).slot();
        let slots = [of_account, address(number).slot()];
        let command = SlotCommand {
            moving: MoveId(moving),
            slots: slots.into_iter().take(1 + usize::from(both)).collect(),
            step,
        };
        (Subject::Header, Command::Slots(command))
    })
}

/// Returns a piece of a copy with rows that mean nothing, or the removal of what is left.
fn rows_command() -> impl Strategy<Value = (Subject, Command)> {
    let install = (1..5_u64, 0..2_u64, 0..3_u32, any::<bool>(), any::<u8>());
    let install = install.prop_map(|(moving, copy, piece, last, value)| {
        RowsCommand::Install(InstallRows {
            moving: MoveId(moving),
            copy,
            source_index: 1,
            piece,
            last,
            rows: vec![CopiedRow {
                key: Bytes::from(vec![200, value]),
                value: Bytes::from(vec![value]),
                append: piece > 0 && value > 128,
            }],
        })
    });
    let command = prop_oneof![4 => install, 1 => Just(RowsCommand::Remove)];
    (0..4_u8, any::<bool>(), command).prop_map(|(number, of_account, command)| {
        let subject = match of_account {
            true => Subject::Account(account(number)),
            false => Subject::Address(address(number)),
        };
        (subject, Command::Rows(command))
    })
}

fn log(commands: Vec<(Subject, Command)>) -> Vec<types::Entry> {
    let first = (0..3).map(|number| (Subject::Account(account(number)), create(number)));
    let numbered = (0..).zip(first.chain(commands));
    numbered
        .map(|(index, (subject, command))| log_entry(index, subject, command))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// A snapshot is built while entries go on being applied, `pace` of them for each of its steps. Loaded
    /// into empty tables, and followed by the log behind its position, it gives the same rows.
    #[test]
    fn snapshot_and_log_give_the_rows_that_were_lost(
        commands in proptest::collection::vec(entry(), 10..80),
        begin in 0..60_usize,
        pace in 1..4_usize,
        second in any::<bool>(),
    ) {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(3));
        let store = Arc::new(SnapshotStore::open(disk, path("snapshots/1")).expect("an empty directory"));
        let log = log(commands);
        let (before, mut rest) = log.split_at(begin.min(log.len()));
        let original = replica();
        original.apply(before);
        for _ in 0..=usize::from(second) {
            let mut build = SnapshotBuild::begin(Arc::clone(&store), Arc::clone(&original.tables)).expect("begun");
            while build.step().expect("stepped").is_none() {
                let (now, later) = rest.split_at(pace.min(rest.len()));
                original.apply(now);
                rest = later;
            }
        }
        original.apply(rest);
        let manifest = &store.current().expect("a snapshot").manifest;
        let rebuilt = replica();
        load(&store, manifest, &rebuilt.tables).expect("loaded");
        let position = manifest.state.last.map_or(0, |last| last.index + 1);
        let behind = log.get(usize::try_from(position).expect("small")..).expect("within the log");
        // In batches of another size than the first time.
        behind.chunks(3).for_each(|batch| drop(rebuilt.apply(batch)));
        prop_assert_eq!(rebuilt.hashes(), original.hashes());
        prop_assert_eq!(
            rebuilt.tables.applied().expect("read").last,
            original.tables.applied().expect("read").last.or(manifest.state.last)
        );
    }
}

/// The account is gone when its turn comes. Replay from the position of the snapshot must not make it again, which
/// the entries in between would do to an account that was not there before them.
#[test]
fn an_account_that_is_purged_while_a_snapshot_is_written_stays_away() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(3));
    let store = Arc::new(SnapshotStore::open(disk, path("snapshots/1")).expect("an empty directory"));
    let subject = || Subject::Account(account(0));
    let remove = Command::Account(AccountCommand::Remove {
        purge_after: Timestamp(0),
    });
    let before = [
        log_entry(1, subject(), create(0)),
        log_entry(2, subject(), remove),
    ];
    let meanwhile = [
        log_entry(3, subject(), create(0)),
        log_entry(4, subject(), Command::Account(AccountCommand::Purge)),
    ];
    let original = replica();
    original.apply(&before);
    let mut build = SnapshotBuild::begin(Arc::clone(&store), Arc::clone(&original.tables)).expect("begun");
    original.apply(&meanwhile);
    while build.step().expect("stepped").is_none() {}
    let rebuilt = replica();
    load(
        &store,
        &store.current().expect("a snapshot").manifest,
        &rebuilt.tables,
    )
    .expect("loaded");
    rebuilt.apply(&meanwhile);
    assert!(original.hashes().is_empty(), "the account is gone");
    assert_eq!(rebuilt.hashes(), original.hashes());
}

#[test]
fn replies_and_events_reach_those_who_wait_for_them() {
    let replica = replica();
    let subject = || Subject::Account(account(1));
    let outcomes = replica.apply(&[
        log_entry(0, subject(), append(1)),
        log_entry(1, subject(), create(1)),
        log_entry(2, subject(), append(3)),
    ]);
    let replies: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Outcome::Reply(reply) => *reply
                .downcast::<Result<mailstore::Reply, mailstore::Rejection>>()
                .expect("ours"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(matches!(
        replies.first(),
        Some(Err(mailstore::Rejection::NoSuchAccount))
    ));
    assert!(matches!(replies.get(1), Some(Ok(mailstore::Reply::Done))));
    let Some(Ok(mailstore::Reply::Appended(appended))) = replies.get(2) else {
        panic!("{replies:?}");
    };
    assert_eq!(appended.uids.iter().count(), 3);
    let seen = replica.sink.0.lock();
    assert!(
        seen.iter()
            .any(|event| matches!(event, Event::MailboxChanged { account: id, .. } if *id == account(1)))
    );
}

#[test]
fn subjects_are_named_apart() {
    let of_account = mail_subject(&Subject::Account(account(4)));
    let of_address = mail_subject(&Subject::Address(address(4)));
    assert_eq!(account_of(&of_account), Some(account(4)));
    assert_eq!(account_of(&of_address), None);
    assert_ne!(of_account, of_address);
    for subject in [Subject::Account(account(4)), Subject::Address(address(4))] {
        assert_eq!(subject_of(&mail_subject(&subject)), Some(subject));
    }
    assert_eq!(subject_of(&mail_subject(&Subject::Header)), None);
}

/// The header that an entry asks is that behind the entries before it in the same batch.
#[test]
fn a_frozen_slot_takes_no_change_of_the_same_batch() {
    let replica = replica();
    let freeze = Command::Slots(SlotCommand {
        moving: MoveId(1),
        slots: [account(1).slot()].into_iter().collect(),
        step: SlotStep::Freeze { to: GroupId(2) },
    });
    replica.apply(&[
        log_entry(1, Subject::Account(account(1)), create(1)),
        log_entry(2, Subject::Header, freeze),
        log_entry(3, Subject::Account(account(1)), append(3)),
    ]);
    assert!(
        replica
            .sink
            .0
            .lock()
            .iter()
            .all(|event| !matches!(event, Event::MailboxChanged { .. }))
    );
}

#[test]
fn an_entry_that_is_not_one_stops_the_replica() {
    let replica = replica();
    let payload = EntryPayload::Normal(types::Command::new(Bytes::from_static(b"\xff\xff")));
    let outcome = replica.applier.apply(&[types::Entry {
        log_id: types::log_id(1, 0),
        payload,
    }]);
    assert!(matches!(outcome, Err(crate::Error::Machine { .. })));
}
