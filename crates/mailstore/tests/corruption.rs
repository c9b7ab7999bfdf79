//! Damaged rows are an error, never a panic: a panic in `apply` would stop every replica.

use mailstore::account::{Credentials, NewAccount, QuotaLimits};
use mailstore::address::Address;
use mailstore::command::{AccountCommand, Command, MailboxCommand, MessageCommand, Subject};
use mailstore::flags::{FlagBits, FlagOperation, Keyword, NamedFlags, SystemFlag};
use mailstore::ids::SessionId;
use mailstore::mailbox::SpecialUse;
use mailstore::message::{EmailId, NewMessage};
use mailstore::name::MailboxName;
use mailstore::query::MailboxRef;
use mailstore::rows::{MemoryRows, Rows};
use mailstore::time::{InternalDate, Timestamp};
use mailstore::{AccountId, BlobId, Entry, MailboxId, ModSeq, RequestId, Uid, UidSet, apply, read};
use proptest::prelude::*;

fn inbox() -> MailboxName {
    MailboxName::inbox()
}

fn everything() -> UidSet {
    UidSet::range(Uid::MIN, Uid::MAX)
}

fn flags() -> NamedFlags {
    NamedFlags {
        system: FlagBits::system(SystemFlag::Deleted),
        keywords: Keyword::new("$Junk").into_iter().collect(),
    }
}

/// Commands that look at every kind of row.
fn commands() -> Vec<Command> {
    let account = NewAccount {
        address: Address::parse("a@example.org").expect("an address"),
        credentials: Credentials::default(),
        limits: QuotaLimits::default(),
        mailboxes: Vec::new(),
    };
    let mailbox = MailboxId(1);
    let message = NewMessage {
        blob: BlobId([1; 32]),
        size: 10,
        flags: flags(),
        internal_date: InternalDate {
            seconds: 3,
            zone_minutes: 0,
        },
        email_id: EmailId([1; 12]),
    };
    let sub = MailboxName::parse("a/b").expect("a name");
    let other = MailboxName::parse("c").expect("a name");
    vec![
        Command::Account(AccountCommand::Create(account)),
        Command::Mailbox(MailboxCommand::Create {
            name: sub.clone(),
            special_use: SpecialUse::SENT,
        }),
        Command::Message(MessageCommand::Append {
            mailbox: inbox(),
            messages: vec![message; 100],
            create: false,
        }),
        Command::Message(MessageCommand::Expunge {
            mailbox,
            uids: Some(UidSet::range(Uid::MIN, Uid::MIN)),
        }),
        Command::Message(MessageCommand::Store {
            mailbox,
            uids: everything(),
            operation: FlagOperation::Replace,
            flags: flags(),
            unchanged_since: None,
        }),
        Command::Message(MessageCommand::Copy {
            mailbox,
            uids: everything(),
            target: sub.clone(),
        }),
        Command::Message(MessageCommand::Move {
            mailbox,
            uids: UidSet::range(Uid::MIN, Uid::new(70).expect("not zero")),
            target: inbox(),
        }),
        Command::Message(MessageCommand::ClaimRecent { mailbox, below: None }),
        Command::Mailbox(MailboxCommand::Rename {
            from: sub,
            to: other.clone(),
        }),
        Command::Mailbox(MailboxCommand::Delete { name: other }),
    ]
}

fn run(rows: &mut MemoryRows, start: u64) {
    for (index, command) in commands().into_iter().enumerate() {
        let index = start + index as u64;
        let time = Timestamp(1_000_000 * index);
        let entry = Entry {
            subject: Subject::Account(AccountId([1; 16])),
            request: Some(RequestId {
                session: SessionId([1; 16]),
                sequence: index,
                created: time,
            }),
            time,
            command,
        };
        // What an entry comes to on damaged rows does not matter; that it comes to something does.
        let _ = apply(rows, index, &entry);
    }
}

fn look(rows: &MemoryRows) {
    let reference = MailboxRef::Name(inbox());
    let _ = read::account(rows);
    let _ = read::account_info(rows);
    let _ = read::quota(rows);
    let _ = read::mailbox_tree(rows);
    let _ = read::changes(rows, &reference, ModSeq::ZERO);
    let _ = read::changes(rows, &reference, ModSeq(3));
    let _ = read::messages(rows, MailboxId(1), &everything(), usize::MAX);
    let _ = read::states(rows, MailboxId(1), &everything());
    let _ = read::expunged(rows, MailboxId(1), ModSeq(2));
    let _ = read::live_blobs(rows, &mut |_| {});
    let _ = read::state_hash(rows);
    let _ = read::check_append(rows, &inbox(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn damaged_rows_never_panic(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..6)
    ) {
        let mut rows = MemoryRows::new();
        run(&mut rows, 1);
        for (row, place, value, kind) in damage {
            let all: Vec<_> = rows.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
            let (key, mut bytes) = all[row.index(all.len())].clone();
            match kind {
                0 if !bytes.is_empty() => bytes.truncate(place.index(bytes.len())),
                1 => bytes.push(value),
                2 => {
                    rows.delete(key);
                    continue;
                }
                _ if !bytes.is_empty() => {
                    let place = place.index(bytes.len());
                    bytes[place] = value;
                }
                _ => {}
            }
            rows.put(key, bytes.into());
        }
        look(&rows);
        run(&mut rows, 100);
        look(&rows);
    }
}
