//! Commands and questions on a mailbox of 10,000 messages, with rows in memory: the cost of the model alone.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mailstore::account::{Credentials, NewAccount, QuotaLimits};
use mailstore::address::Address;
use mailstore::command::{AccountCommand, Command, Entry, MessageCommand, Subject};
use mailstore::flags::{FlagBits, FlagOperation, NamedFlags, SystemFlag};
use mailstore::message::{EmailId, NewMessage};
use mailstore::name::MailboxName;
use mailstore::query::{MailboxChanges, MailboxRef};
use mailstore::rows::MemoryRows;
use mailstore::time::{InternalDate, Timestamp};
use mailstore::{AccountId, BlobId, MailboxId, ModSeq, Uid, UidSet, apply, codec, read};

const MESSAGES: u32 = 10_000;

/// An account whose log is at `index`.
#[derive(Clone)]
struct Mail {
    rows: MemoryRows,
    index: u64,
}

impl Mail {
    fn new() -> Self {
        let mut mail = Self {
            rows: MemoryRows::new(),
            index: 0,
        };
        mail.change(Command::Account(AccountCommand::Create(NewAccount {
            address: Address::parse("somebody@example.net").expect("an address"),
            credentials: Credentials::default(),
            limits: QuotaLimits::default(),
            mailboxes: Vec::new(),
        })));
        mail
    }

    fn filled() -> Self {
        let mut mail = Self::new();
        (0..MESSAGES).for_each(|number| mail.change(append(number)));
        mail
    }

    fn change(&mut self, command: Command) {
        self.index += 1;
        let applied = apply(&mut self.rows, self.index, &entry(command)).expect("rows in memory");
        black_box(applied.reply.expect("accepted"));
    }

    fn inbox(&self) -> MailboxId {
        self.changes(ModSeq(u64::MAX)).mailbox.id
    }

    fn changes(&self, since: ModSeq) -> MailboxChanges {
        let inbox = MailboxRef::Name(MailboxName::inbox());
        let changes = read::changes(&self.rows, &inbox, since).expect("rows in memory");
        changes.expect("INBOX exists")
    }
}

fn entry(command: Command) -> Entry {
    Entry {
        subject: Subject::Account(AccountId([7; 16])),
        request: None,
        time: Timestamp(1_772_529_072_000),
        command,
    }
}

fn append(number: u32) -> Command {
    let mut blob = [0; 32];
    blob[..4].copy_from_slice(&number.to_be_bytes());
    Command::Message(MessageCommand::Append {
        mailbox: MailboxName::inbox(),
        messages: vec![NewMessage {
            blob: BlobId(blob),
            size: 8192,
            flags: NamedFlags::default(),
            internal_date: InternalDate {
                seconds: 1_772_529_072,
                zone_minutes: 60,
            },
            email_id: EmailId([3; 12]),
        }],
        create: false,
    })
}

fn all() -> UidSet {
    UidSet::range(Uid::MIN, Uid::MAX)
}

fn commands(criterion: &mut Criterion) {
    let filled = Mail::filled();
    let mailbox = filled.inbox();
    let mut group = criterion.benchmark_group("apply");
    group.throughput(Throughput::Elements(1));
    group.bench_function("append to 10,000", |bencher| {
        let mut mail = filled.clone();
        let mut number = MESSAGES;
        bencher.iter(|| {
            number += 1;
            mail.change(append(number));
        });
    });
    group.bench_function("entry of an append, both ways", |bencher| {
        let entry = entry(append(1));
        bencher.iter(|| codec::decode_entry(codec::encode_entry(black_box(&entry))).expect("decodes"));
    });
    group.throughput(Throughput::Elements(u64::from(MESSAGES)));
    group.bench_function("store on 10,000", |bencher| {
        let mut mail = filled.clone();
        let mut add = false;
        bencher.iter(|| {
            add = !add;
            mail.change(Command::Message(MessageCommand::Store {
                mailbox,
                uids: all(),
                operation: if add {
                    FlagOperation::Add
                } else {
                    FlagOperation::Remove
                },
                flags: NamedFlags {
                    system: FlagBits::system(SystemFlag::Flagged),
                    keywords: Vec::new(),
                },
                unchanged_since: None,
            }));
        });
    });
    group.bench_function("copy of 10,000", |bencher| {
        let copy = || {
            Command::Message(MessageCommand::Copy {
                mailbox,
                uids: all(),
                target: MailboxName::inbox(),
            })
        };
        bencher.iter_batched(
            || filled.clone(),
            |mut mail| mail.change(copy()),
            BatchSize::LargeInput,
        );
    });
}

fn questions(criterion: &mut Criterion) {
    let mail = Mail::filled();
    let mailbox = mail.inbox();
    let newest = mail.changes(ModSeq(u64::MAX)).mailbox.highest_modseq;
    let mut group = criterion.benchmark_group("read 10,000");
    for (name, since) in [
        ("changes since the beginning", ModSeq::ZERO),
        ("changes since the last but one", ModSeq(newest.0 - 1)),
        ("changes where there are none", newest),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| mail.changes(black_box(since))));
    }
    group.bench_function("records", |bencher| {
        bencher.iter(|| read::messages(&mail.rows, mailbox, &all(), usize::MAX).expect("rows in memory"));
    });
}

criterion_group!(benches, commands, questions);
criterion_main!(benches);
