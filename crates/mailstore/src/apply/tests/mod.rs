//! What single commands do. Sequences of them are compared with a naive model in `tests/model.rs`.

mod account;
mod bounds;
mod mailbox;
mod message;
mod slots;

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
