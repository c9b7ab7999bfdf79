//! What single commands do. Sequences of them are compared with a naive model in `tests/model.rs`.

use super::*;
use crate::account::{Credentials, NewAccount, QuotaLimits};
use crate::address::Address;
use crate::command::{AddressCommand, MailboxCommand};
use crate::flags::{FlagBits, FlagOperation, Keyword, NamedFlags, SystemFlag};
use crate::ids::{BlobId, MailboxId, ModSeq, RequestId, SessionId, Uid};
use crate::mailbox::SpecialUse;
use crate::message::{EmailId, NewMessage};
use crate::name::MailboxName;
use crate::query::{MailboxRef, Vanished};
use crate::read;
use crate::reply::{Appended, Copied, Expunged, Stored};
use crate::rows::MemoryRows;
use crate::time::{InternalDate, Timestamp};
use crate::uid_set::UidSet;

const ID: AccountId = AccountId([9; 16]);
const START: Timestamp = Timestamp(1_700_000_000_000);

/// One account and the log that made it.
struct Fixture {
    rows: MemoryRows,
    index: u64,
    time: Timestamp,
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).expect("a valid name")
}

fn uids(values: &[u32]) -> UidSet {
    values.iter().filter_map(|value| Uid::new(*value)).collect()
}

fn flags(system: &[SystemFlag], keywords: &[&str]) -> NamedFlags {
    let bits = system
        .iter()
        .fold(FlagBits::EMPTY, |bits, flag| bits.with(FlagBits::system(*flag)));
    NamedFlags {
        system: bits,
        keywords: keywords.iter().filter_map(|text| Keyword::new(text)).collect(),
    }
}

fn message(size: u32, flags: NamedFlags) -> NewMessage {
    NewMessage {
        blob: BlobId([1; 32]),
        size,
        flags,
        internal_date: InternalDate {
            seconds: 5,
            zone_minutes: 60,
        },
        email_id: EmailId([2; 12]),
    }
}

impl Fixture {
    fn new() -> Self {
        let mut fixture = Self {
            rows: MemoryRows::new(),
            index: 0,
            time: START,
        };
        let account = NewAccount {
            address: Address::parse("demo@example.org").expect("an address"),
            credentials: Credentials::default(),
            limits: QuotaLimits {
                storage_bytes: Some(10_000),
                messages: Some(50),
            },
            mailboxes: vec![(name("Sent"), SpecialUse::SENT)],
        };
        let created = fixture.run(Command::Account(AccountCommand::Create(account)));
        assert_eq!(created, Ok(Reply::Done));
        fixture
    }

    fn entry(&self, command: Command) -> Entry {
        Entry {
            subject: Subject::Account(ID),
            request: None,
            time: self.time,
            command,
        }
    }

    fn run(&mut self, command: Command) -> Result<Reply, Rejection> {
        let entry = self.entry(command);
        self.apply(&entry).reply
    }

    fn apply(&mut self, entry: &Entry) -> Applied {
        self.index += 1;
        apply(&mut self.rows, self.index, entry).expect("sound rows")
    }

    fn mailbox_command(&mut self, command: MailboxCommand) -> Result<Reply, Rejection> {
        self.run(Command::Mailbox(command))
    }

    fn create(&mut self, text: &str) -> Result<Reply, Rejection> {
        let special_use = SpecialUse::NONE;
        self.mailbox_command(MailboxCommand::Create {
            name: name(text),
            special_use,
        })
    }

    fn delete(&mut self, text: &str) -> Result<Reply, Rejection> {
        self.mailbox_command(MailboxCommand::Delete { name: name(text) })
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<Reply, Rejection> {
        let (from, to) = (name(from), name(to));
        self.mailbox_command(MailboxCommand::Rename { from, to })
    }

    fn append(&mut self, text: &str, messages: Vec<NewMessage>) -> Result<Appended, Rejection> {
        let mailbox = name(text);
        match self.run(Command::Message(MessageCommand::Append {
            mailbox,
            messages,
            create: false,
        }))? {
            Reply::Appended(appended) => Ok(appended),
            other => panic!("{other:?}"),
        }
    }

    fn fill(&mut self, text: &str, count: usize) -> Appended {
        let messages = vec![message(10, flags(&[], &[])); count];
        self.append(text, messages).expect("room")
    }

    fn store(&mut self, text: &str, values: &[u32], operation: FlagOperation, flags: NamedFlags) -> Stored {
        self.store_since((text, None), values, operation, flags)
            .expect("accepted")
    }

    fn store_since(
        &mut self,
        (text, unchanged_since): (&str, Option<ModSeq>),
        values: &[u32],
        operation: FlagOperation,
        flags: NamedFlags,
    ) -> Result<Stored, Rejection> {
        let mailbox = self.id(text);
        match self.run(Command::Message(MessageCommand::Store {
            mailbox,
            uids: uids(values),
            operation,
            flags,
            unchanged_since,
        }))? {
            Reply::Stored(stored) => Ok(stored),
            other => panic!("{other:?}"),
        }
    }

    fn transfer(&mut self, command: MessageCommand) -> Result<Copied, Rejection> {
        match self.run(Command::Message(command))? {
            Reply::Copied(copied) => Ok(copied),
            other => panic!("{other:?}"),
        }
    }

    fn r#move(&mut self, from: &str, values: &[u32], to: &str) -> Copied {
        let (mailbox, target) = (self.id(from), name(to));
        let uids = uids(values);
        self.transfer(MessageCommand::Move {
            mailbox,
            uids,
            target,
        })
        .expect("accepted")
    }

    fn copy(&mut self, from: &str, values: &[u32], to: &str) -> Result<Copied, Rejection> {
        let (mailbox, target) = (self.id(from), name(to));
        let uids = uids(values);
        self.transfer(MessageCommand::Copy {
            mailbox,
            uids,
            target,
        })
    }

    fn expunge(&mut self, text: &str) -> Expunged {
        let mailbox = self.id(text);
        match self.run(Command::Message(MessageCommand::Expunge { mailbox, uids: None })) {
            Ok(Reply::Expunged(expunged)) => expunged,
            other => panic!("{other:?}"),
        }
    }

    fn find(&self, text: &str) -> Option<crate::mailbox::Mailbox> {
        read::mailbox(&self.rows, &MailboxRef::Name(name(text))).expect("sound rows")
    }

    fn id(&self, text: &str) -> MailboxId {
        self.find(text).expect("a mailbox").id
    }

    fn names(&self) -> Vec<String> {
        let tree = read::mailbox_tree(&self.rows).expect("sound rows");
        let existing = tree.entries.iter().filter(|entry| entry.mailbox.is_some());
        existing.map(|entry| entry.name.as_str().to_owned()).collect()
    }
}

#[test]
fn a_new_account_has_its_mailboxes_subscribed() {
    let fixture = Fixture::new();
    assert_eq!(fixture.names(), ["INBOX", "Sent"]);
    let tree = read::mailbox_tree(&fixture.rows).expect("sound rows");
    assert!(tree.entries.iter().all(|entry| entry.subscribed));
    let inbox = fixture.find("INBOX").expect("INBOX");
    assert!(inbox.highest_modseq >= ModSeq(1));
    assert!(u64::from(inbox.uid_validity.get()) > START.seconds());
}

#[test]
fn append_touches_few_rows() {
    let mut fixture = Fixture::new();
    fixture.fill("INBOX", 10);
    let before = fixture.rows.writes();
    let request = RequestId {
        session: SessionId([3; 16]),
        sequence: 1,
        created: START,
    };
    let append = MessageCommand::Append {
        mailbox: name("INBOX"),
        messages: vec![message(1, flags(&[], &[]))],
        create: false,
    };
    let mut entry = fixture.entry(Command::Message(append));
    entry.request = Some(request);
    assert!(fixture.apply(&entry).reply.is_ok());
    // Counters, mailbox, hot, fixed, request.
    assert_eq!(fixture.rows.writes() - before, 5);
}

#[test]
fn uids_are_never_given_twice() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.fill("INBOX", 3).uids, uids(&[1, 2, 3]));
    fixture.store(
        "INBOX",
        &[2, 3],
        FlagOperation::Add,
        flags(&[SystemFlag::Deleted], &[]),
    );
    assert_eq!(fixture.expunge("INBOX").uids, uids(&[2, 3]));
    assert_eq!(fixture.fill("INBOX", 1).uids, uids(&[4]));
}

#[test]
fn a_name_made_again_has_a_greater_uid_validity() {
    let mut fixture = Fixture::new();
    fixture.create("a").expect("a new name");
    let first = fixture.find("a").expect("a").uid_validity;
    fixture.delete("a").expect("a deletion");
    fixture.create("a").expect("a free name");
    assert!(fixture.find("a").expect("a").uid_validity > first);
}

#[test]
fn create_makes_parents_and_refuses_what_exists() {
    let mut fixture = Fixture::new();
    fixture.create("a/b/c").expect("a new name");
    assert_eq!(fixture.names(), ["INBOX", "Sent", "a", "a/b", "a/b/c"]);
    assert_eq!(fixture.create("a/b"), Err(Rejection::MailboxExists));
    assert_eq!(fixture.create("inbox"), Err(Rejection::MailboxExists));
}

#[test]
fn a_special_use_has_one_mailbox() {
    let mut fixture = Fixture::new();
    let create = |text: &str| MailboxCommand::Create {
        name: name(text),
        special_use: SpecialUse::SENT,
    };
    assert_eq!(
        fixture.mailbox_command(create("x")),
        Err(Rejection::SpecialUseTaken)
    );
    assert_eq!(fixture.names(), ["INBOX", "Sent"]);
    fixture.delete("Sent").expect("a deletion");
    assert!(fixture.mailbox_command(create("x")).is_ok());
}

#[test]
fn deleting_a_mailbox_with_children_leaves_a_level() {
    // RFC 3501 §6.3.4.
    let mut fixture = Fixture::new();
    fixture.create("a/b").expect("a new name");
    fixture.fill("a", 2);
    fixture.delete("a").expect("a deletion");
    assert_eq!(fixture.names(), ["INBOX", "Sent", "a/b"]);
    assert_eq!(fixture.delete("a"), Err(Rejection::MailboxHasChildren));
    assert_eq!(fixture.delete("none"), Err(Rejection::NoSuchMailbox));
    assert_eq!(fixture.delete("INBOX"), Err(Rejection::Inbox));
    let usage = read::quota(&fixture.rows)
        .expect("sound rows")
        .expect("an account")
        .usage;
    assert_eq!((usage.messages, usage.storage_bytes), (0, 0));
}

#[test]
fn rename_takes_the_whole_subtree() {
    let mut fixture = Fixture::new();
    fixture.create("a/b/c").expect("a new name");
    fixture.create("ab").expect("a new name");
    let id = fixture.id("a/b/c");
    fixture.rename("a", "x/y").expect("a free name");
    assert_eq!(
        fixture.names(),
        ["INBOX", "Sent", "ab", "x", "x/y", "x/y/b", "x/y/b/c"]
    );
    assert_eq!(fixture.id("x/y/b/c"), id);
    assert_eq!(fixture.rename("x", "x/z"), Err(Rejection::RenameBelowItself));
    assert_eq!(fixture.rename("x", "ab"), Err(Rejection::MailboxExists));
    assert_eq!(fixture.rename("none", "z"), Err(Rejection::NoSuchMailbox));
    assert_eq!(fixture.rename("ab", "INBOX"), Err(Rejection::Inbox));
}

#[test]
fn rename_of_inbox_leaves_it_empty() {
    // RFC 3501 §6.3.5: inferiors of INBOX stay.
    let mut fixture = Fixture::new();
    fixture.create("INBOX/kept").expect("a new name");
    fixture.fill("INBOX", 3);
    let before = fixture.find("INBOX").expect("INBOX");
    fixture.rename("INBOX", "old").expect("a free name");
    let (inbox, old) = (
        fixture.find("INBOX").expect("INBOX"),
        fixture.find("old").expect("old"),
    );
    assert_eq!((inbox.messages, old.messages), (0, 3));
    assert!(inbox.uid_validity > before.uid_validity);
    assert_eq!(old.uid_validity, before.uid_validity);
    assert!(fixture.find("INBOX/kept").is_some());
}

#[test]
fn store_compares_each_message_and_steps_only_on_change() {
    let mut fixture = Fixture::new();
    let appended = fixture.fill("INBOX", 3);
    let seen = || flags(&[SystemFlag::Seen], &[]);
    let first = fixture.store("INBOX", &[2], FlagOperation::Add, seen());
    assert_eq!(first.modseq, ModSeq(appended.modseq.0 + 1));
    let since = ("INBOX", Some(appended.modseq));
    let second = fixture
        .store_since(since, &[1, 2, 3, 9], FlagOperation::Add, seen())
        .expect("accepted");
    assert_eq!(second.changed, uids(&[1, 3]));
    assert_eq!(second.modified, uids(&[2]));
    assert_eq!(second.missing, UidSet::new());
    let third = fixture.store("INBOX", &[1, 2, 3], FlagOperation::Add, seen());
    assert_eq!(third.changed, UidSet::new());
    assert_eq!(third.modseq, second.modseq);
    assert_eq!(fixture.find("INBOX").expect("INBOX").unseen, 0);
}

#[test]
fn keywords_are_mapped_by_name() {
    let mut fixture = Fixture::new();
    fixture
        .append("Sent", vec![message(1, flags(&[], &["x", "y"]))])
        .expect("room");
    fixture
        .append("INBOX", vec![message(1, flags(&[], &["Y"]))])
        .expect("room");
    fixture.copy("INBOX", &[1], "Sent").expect("room");
    let sent = fixture.find("Sent").expect("Sent");
    assert_eq!(
        sent.keywords,
        ["x", "y"].map(|text| Keyword::new(text).expect("an atom"))
    );
    let states = read::states(&fixture.rows, sent.id, &uids(&[2])).expect("sound rows");
    assert_eq!(states[0].flags, FlagBits::keyword(1));
}

#[test]
fn copy_is_all_or_nothing() {
    let mut fixture = Fixture::new();
    fixture.fill("INBOX", 30);
    let before = read::state_hash(&fixture.rows);
    let all: Vec<u32> = (1..=30).collect();
    assert_eq!(fixture.copy("INBOX", &all, "Sent"), Err(Rejection::OverQuota));
    assert_ne!(read::state_hash(&fixture.rows), before, "the index is kept");
    assert_eq!(fixture.find("Sent").expect("Sent").messages, 0);
    let copied = fixture.copy("INBOX", &all[..20], "Sent").expect("room");
    assert_eq!((copied.source.len(), copied.uids.len()), (20, 20));
    assert_eq!(fixture.copy("INBOX", &[1], "none"), Err(Rejection::NoSuchMailbox));
}

#[test]
fn move_within_a_mailbox_gives_new_uids() {
    let mut fixture = Fixture::new();
    let appended = fixture.fill("INBOX", 3);
    let moved = fixture.r#move("INBOX", &[1, 3], "INBOX");
    assert_eq!((moved.source, moved.uids), (uids(&[1, 3]), uids(&[4, 5])));
    let inbox = fixture.find("INBOX").expect("INBOX");
    assert_eq!((inbox.messages, inbox.recent, inbox.size_bytes), (3, 3, 30));
    let changes = read::changes(&fixture.rows, &MailboxRef::Id(inbox.id), appended.modseq);
    let changes = changes.expect("sound rows").expect("INBOX");
    assert_eq!(changes.vanished, Vanished::Exactly(uids(&[1, 3])));
    assert_eq!(changes.changed.len(), 2);
}

#[test]
fn expunged_messages_stay_readable_for_a_while() {
    let mut fixture = Fixture::new();
    fixture.fill("INBOX", 2);
    fixture.store(
        "INBOX",
        &[1],
        FlagOperation::Add,
        flags(&[SystemFlag::Deleted], &[]),
    );
    fixture.expunge("INBOX");
    let id = fixture.id("INBOX");
    let readable = |fixture: &Fixture| {
        let records = read::messages(&fixture.rows, id, &uids(&[1, 2, 3]), 10).expect("sound rows");
        let mut blobs = 0;
        read::live_blobs(&fixture.rows, &mut |_| blobs += 1).expect("sound rows");
        (records.len(), blobs)
    };
    assert_eq!(readable(&fixture), (2, 2));
    fixture.time.0 += 14 * 60_000;
    fixture.fill("INBOX", 0);
    assert_eq!(readable(&fixture), (2, 2));
    fixture.time.0 += 2 * 60_000;
    fixture.fill("INBOX", 0);
    assert_eq!(readable(&fixture), (1, 1));
}

#[test]
fn recent_is_claimed_once() {
    // RFC 3501 §2.3.2.
    let mut fixture = Fixture::new();
    fixture.fill("INBOX", 5);
    let mailbox = fixture.id("INBOX");
    let claim = |below: Option<u32>| {
        let below = below.and_then(Uid::new);
        Command::Message(MessageCommand::ClaimRecent { mailbox, below })
    };
    let first = |uid: u32| Ok(Reply::RecentClaimed { first: Uid::new(uid) });
    assert_eq!(fixture.run(claim(Some(3))), first(1));
    assert_eq!(fixture.find("INBOX").expect("INBOX").recent, 3);
    assert_eq!(fixture.run(claim(Some(3))), first(0));
    assert_eq!(fixture.run(claim(None)), first(3));
    assert_eq!(fixture.run(claim(None)), first(0));
    fixture.fill("INBOX", 1);
    assert_eq!(fixture.run(claim(None)), first(6));
}

#[test]
fn a_retry_is_answered_from_the_record() {
    let mut fixture = Fixture::new();
    fixture.fill("INBOX", 2);
    let mailbox = fixture.id("INBOX");
    let store = MessageCommand::Store {
        mailbox,
        uids: uids(&[1, 2]),
        operation: FlagOperation::Add,
        flags: flags(&[SystemFlag::Seen], &[]),
        unchanged_since: None,
    };
    let mut entry = fixture.entry(Command::Message(store));
    let session = SessionId([1; 16]);
    let request = |sequence| RequestId {
        session,
        sequence,
        created: START,
    };
    entry.request = Some(request(20));
    let first = fixture.apply(&entry).reply;
    let before = fixture.find("INBOX");
    assert_eq!(fixture.apply(&entry).reply, first);
    assert_eq!(fixture.find("INBOX"), before);
    // Sequence 4 shares the slot of 20 and is older: it may have been applied.
    entry.request = Some(request(4));
    assert_eq!(fixture.apply(&entry).reply, Err(Rejection::OutcomeUnknown));
    fixture.time.0 += 11 * 60_000;
    entry.request = Some(request(21));
    entry.time = fixture.time;
    assert_eq!(fixture.apply(&entry).reply, Err(Rejection::OutcomeUnknown));
}

#[test]
fn entries_at_or_below_the_index_are_passed_over() {
    let mut fixture = Fixture::new();
    let before = fixture.rows.clone();
    let command = Command::Mailbox(MailboxCommand::Create {
        name: name("late"),
        special_use: SpecialUse::NONE,
    });
    let entry = fixture.entry(command);
    for index in [0, fixture.index] {
        let applied = apply(&mut fixture.rows, index, &entry).expect("sound rows");
        assert_eq!(applied.reply, Err(Rejection::OutcomeUnknown));
    }
    assert_eq!(fixture.rows, before);
}

#[test]
fn an_absent_account_is_left_alone() {
    let mut rows = MemoryRows::new();
    let entry = Entry {
        subject: Subject::Account(ID),
        request: None,
        time: START,
        command: Command::Account(AccountCommand::Restore),
    };
    let applied = apply(&mut rows, 1, &entry).expect("sound rows");
    assert_eq!(applied.reply, Err(Rejection::NoSuchAccount));
    assert!(rows.is_empty());
}

#[test]
fn a_removed_account_is_purged_when_its_time_is_over() {
    let mut fixture = Fixture::new();
    fixture.fill("INBOX", 3);
    let run = |fixture: &mut Fixture, command| fixture.run(Command::Account(command));
    let purge_after = Timestamp(START.0 + 1000);
    run(&mut fixture, AccountCommand::SetSuspended(true)).expect("accepted");
    run(&mut fixture, AccountCommand::Remove { purge_after }).expect("accepted");
    assert_eq!(fixture.create("x"), Err(Rejection::AccountNotActive));
    run(&mut fixture, AccountCommand::Restore).expect("accepted");
    let account = read::account(&fixture.rows)
        .expect("sound rows")
        .expect("an account");
    assert_eq!(account.state, crate::account::AccountState::Suspended);
    run(&mut fixture, AccountCommand::Remove { purge_after }).expect("accepted");
    assert_eq!(
        run(&mut fixture, AccountCommand::Purge),
        Err(Rejection::AccountState)
    );
    fixture.time = purge_after;
    assert_eq!(run(&mut fixture, AccountCommand::Purge), Ok(Reply::Done));
    assert!(fixture.rows.is_empty());
}

#[test]
fn an_address_belongs_to_one_account() {
    let address = Address::parse("a@example.org").expect("an address");
    let (mut rows, mut index) = (MemoryRows::new(), 0);
    let mut run = |command| {
        index += 1;
        let entry = Entry {
            subject: Subject::Address(address.clone()),
            request: None,
            time: START,
            command: Command::Address(command),
        };
        apply(&mut rows, index, &entry).expect("sound rows").reply
    };
    let (one, other) = (ID, AccountId([8; 16]));
    assert_eq!(
        run(AddressCommand::Activate { account: one }),
        Err(Rejection::NoSuchAddress)
    );
    assert_eq!(run(AddressCommand::Reserve { account: one }), Ok(Reply::Done));
    assert_eq!(run(AddressCommand::Reserve { account: one }), Ok(Reply::Done));
    assert_eq!(
        run(AddressCommand::Reserve { account: other }),
        Err(Rejection::AddressTaken)
    );
    assert_eq!(run(AddressCommand::Activate { account: one }), Ok(Reply::Done));
    assert_eq!(run(AddressCommand::Release { account: other }), Ok(Reply::Done));
    assert_eq!(run(AddressCommand::Release { account: one }), Ok(Reply::Done));
    assert_eq!(run(AddressCommand::Reserve { account: other }), Ok(Reply::Done));
}
