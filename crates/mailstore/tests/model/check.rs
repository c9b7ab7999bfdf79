//! Runs steps on both models and compares all that can be seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mailstore::account::{Credentials, NewAccount, QuotaLimits};
use mailstore::address::Address;
use mailstore::codec::{decode_entry, encode_entry};
use mailstore::command::{AccountCommand, Command, MailboxCommand, MessageCommand, Subject};
use mailstore::ids::SessionId;
use mailstore::mailbox::{Mailbox, SpecialUse};
use mailstore::message::{EmailId, NewMessage};
use mailstore::name::MailboxName;
use mailstore::query::{MailboxChanges, MailboxRef, MailboxTree, Quota};
use mailstore::reply::Stored;
use mailstore::rows::MemoryRows;
use mailstore::time::{InternalDate, Timestamp};
use mailstore::view::MailboxView;
use mailstore::{
    AccountId, BlobId, Entry, MailboxId, ModSeq, Rejection, Reply, RequestId, Uid, UidSet, apply, read,
};

use crate::naive::{Naive, NaiveMailbox, names_of};
use crate::steps::Step;

const ID: AccountId = AccountId([5; 16]);
const START: Timestamp = Timestamp(1_750_000_000_000);

type Outcome = Result<Reply, Rejection>;

/// Both models, the log, and clients that look from time to time.
pub struct Checker {
    rows: MemoryRows,
    naive: Naive,
    time: Timestamp,
    emails: u64,
    pub log: Vec<Entry>,
    outcomes: Vec<Outcome>,
    /// What clients knew of each mailbox, at every modification sequence so far.
    clients: Vec<(MailboxId, MailboxView)>,
    /// Every message ever seen under its mailbox and UID.
    seen: HashMap<(MailboxId, Uid), EmailId>,
    gone: BTreeSet<(u32, u32)>,
}

/// All that clients can see of an account.
pub fn visible(rows: &MemoryRows) -> (MailboxTree, Quota, Vec<MailboxChanges>) {
    let tree = read::mailbox_tree(rows).expect("sound rows");
    let mailboxes = tree.entries.iter().filter_map(|entry| entry.mailbox.as_ref());
    let contents = mailboxes.map(|mailbox| changes(rows, mailbox.id, ModSeq::ZERO));
    let contents = contents.collect();
    let quota = read::quota(rows).expect("sound rows").expect("an account");
    (tree, quota, contents)
}

fn changes(rows: &MemoryRows, id: MailboxId, since: ModSeq) -> MailboxChanges {
    let changes = read::changes(rows, &MailboxRef::Id(id), since);
    changes.expect("sound rows").expect("the mailbox")
}

fn view(rows: &MemoryRows, id: MailboxId) -> MailboxView {
    let mut view = MailboxView::default();
    assert!(view.update(&changes(rows, id, ModSeq::ZERO)));
    view
}

impl Checker {
    pub fn new() -> Self {
        let limits = QuotaLimits {
            storage_bytes: Some(3000),
            messages: Some(120),
        };
        let mut checker = Self {
            rows: MemoryRows::new(),
            naive: Naive::default(),
            time: START,
            emails: 0,
            log: Vec::new(),
            outcomes: Vec::new(),
            clients: Vec::new(),
            seen: HashMap::new(),
            gone: BTreeSet::new(),
        };
        let account = NewAccount {
            address: Address::parse("a@example.org").expect("an address"),
            credentials: Credentials::default(),
            limits,
            mailboxes: vec![(MailboxName::parse("Sent").expect("a name"), SpecialUse::SENT)],
        };
        let created = checker.commit(Command::Account(AccountCommand::Create(account)));
        assert_eq!(created, Ok(Reply::Done));
        let inbox = MailboxName::inbox();
        let inbox = read::mailbox(&checker.rows, &MailboxRef::Name(inbox));
        let inbox = inbox.expect("sound rows").expect("INBOX");
        checker.naive = Naive {
            limits,
            uid_validity: inbox.uid_validity.get() - 1,
            next_id: 1,
            ..Naive::default()
        };
        checker
            .naive
            .create(&MailboxName::inbox(), SpecialUse::NONE)
            .expect("a new name");
        checker.naive.modseq = 0;
        let sent = MailboxName::parse("Sent").expect("a name");
        checker.naive.create(&sent, SpecialUse::SENT).expect("a new name");
        checker.naive.subscribed = [MailboxName::inbox(), sent].into();
        checker.compare();
        checker
    }

    /// Runs one step on both models.
    pub fn run(&mut self, step: &Step) {
        match step {
            Step::Wait(seconds) => self.time.0 += seconds * 1000,
            Step::Retry(back) => self.retry(*back),
            Step::Suspend(suspended) => {
                self.naive.suspended = *suspended;
                let command = AccountCommand::SetSuspended(*suspended);
                assert_eq!(self.commit(Command::Account(command)), Ok(Reply::Done));
            }
            Step::Limits(storage_bytes, messages) => {
                let limits = QuotaLimits {
                    storage_bytes: *storage_bytes,
                    messages: *messages,
                };
                self.naive.limits = limits;
                let command = AccountCommand::SetLimits(limits);
                assert_eq!(self.commit(Command::Account(command)), Ok(Reply::Done));
            }
            command => {
                let expected = self.expected(command);
                let command = self.command(command);
                let outcome = self.commit(command.clone());
                self.compare_outcome(&command, outcome, expected);
            }
        }
        self.compare();
    }

    fn commit(&mut self, command: Command) -> Outcome {
        let entry = Entry {
            subject: Subject::Account(ID),
            request: Some(RequestId {
                session: SessionId([7; 16]),
                sequence: self.log.len() as u64 + 1,
                created: self.time,
            }),
            time: self.time,
            command,
        };
        self.apply(entry)
    }

    fn apply(&mut self, entry: Entry) -> Outcome {
        assert_eq!(decode_entry(encode_entry(&entry)).as_ref(), Ok(&entry));
        self.log.push(entry.clone());
        let index = self.log.len() as u64;
        let applied = apply(&mut self.rows, index, &entry).expect("sound rows");
        self.outcomes.push(applied.reply.clone());
        applied.reply
    }

    /// An earlier request, sent once more: the same answer, or none when it is too old.
    fn retry(&mut self, back: usize) {
        let Some(position) = self.log.len().checked_sub(back + 1) else {
            return;
        };
        let Some(mut entry) = self.log.get(position).cloned() else {
            return;
        };
        entry.time = self.time;
        let before = visible(&self.rows);
        let expected = without_states(self.outcomes[position].clone());
        let outcome = without_states(self.apply(entry));
        assert!(outcome == expected || outcome == Err(Rejection::OutcomeUnknown));
        assert_eq!(visible(&self.rows), before);
    }

    fn command(&mut self, step: &Step) -> Command {
        let message = |command| Command::Message(command);
        match step.clone() {
            Step::Create(name, special_use) => Command::Mailbox(MailboxCommand::Create { name, special_use }),
            Step::Delete(name) => Command::Mailbox(MailboxCommand::Delete { name }),
            Step::Rename(from, to) => Command::Mailbox(MailboxCommand::Rename { from, to }),
            Step::Subscribe(name, subscribed) => {
                Command::Mailbox(MailboxCommand::Subscribe { name, subscribed })
            }
            Step::Append(mailbox, messages, create) => message(MessageCommand::Append {
                mailbox,
                messages: messages
                    .into_iter()
                    .map(|(size, flags)| {
                        self.emails += 1;
                        new_message(self.emails, size, flags)
                    })
                    .collect(),
                create,
            }),
            Step::Store(id, uids, operation, flags, back) => message(MessageCommand::Store {
                mailbox: MailboxId(id),
                uids,
                operation,
                flags,
                unchanged_since: self.since(back).map(ModSeq),
            }),
            Step::Copy(id, uids, target) => message(MessageCommand::Copy {
                mailbox: MailboxId(id),
                uids,
                target,
            }),
            Step::Move(id, uids, target) => message(MessageCommand::Move {
                mailbox: MailboxId(id),
                uids,
                target,
            }),
            Step::Expunge(id, uids) => message(MessageCommand::Expunge {
                mailbox: MailboxId(id),
                uids,
            }),
            Step::ClaimRecent(id, below) => message(MessageCommand::ClaimRecent {
                mailbox: MailboxId(id),
                below,
            }),
            Step::Suspend(_) | Step::Limits(..) | Step::Retry(_) | Step::Wait(_) => {
                unreachable!("not a command of a session")
            }
        }
    }

    /// Counted from the real account, because the naive one has made its step already.
    fn since(&self, back: Option<u64>) -> Option<u64> {
        let account = read::account(&self.rows)
            .expect("sound rows")
            .expect("an account");
        back.map(|back| account.modseq.0.saturating_sub(back))
    }

    fn expected(&mut self, step: &Step) -> Outcome {
        let emails = self.emails + 1;
        let since = match step {
            Step::Store(.., back) => self.since(*back),
            _ => None,
        };
        let naive = &mut self.naive;
        let suspended = naive.suspended;
        match step {
            Step::Create(name, special_use) => naive.create(name, *special_use),
            Step::Delete(name) => naive.delete(name),
            Step::Rename(from, to) => naive.rename(from, to),
            Step::Subscribe(name, on) => naive.subscribe(name, *on),
            Step::Append(name, messages, create) => naive.append(name, messages, *create, emails),
            _ if suspended => Err(Rejection::AccountNotActive),
            Step::Store(id, uids, operation, flags, _) => naive.store((*id, uids), *operation, flags, since),
            Step::Copy(id, uids, to) => naive.transfer((*id, uids), to, true),
            Step::Move(id, uids, to) => naive.transfer((*id, uids), to, false),
            Step::Expunge(id, uids) => naive.expunge(*id, uids.as_ref()),
            Step::ClaimRecent(id, below) => naive.claim_recent(*id, *below),
            Step::Suspend(_) | Step::Limits(..) | Step::Retry(_) | Step::Wait(_) => Ok(Reply::Done),
        }
    }

    fn compare_outcome(&self, command: &Command, outcome: Outcome, expected: Outcome) {
        if let (Ok(Reply::Stored(stored)), Command::Message(MessageCommand::Store { mailbox, uids, .. })) =
            (&outcome, command)
        {
            let now = view(&self.rows, *mailbox);
            let named = now.messages().iter().filter(|state| uids.contains(state.uid));
            assert!(named.eq(&stored.states), "states after STORE");
        }
        assert_eq!(without_states(outcome), expected, "{command:?}");
    }

    /// Compares all that clients can see.
    fn compare(&mut self) {
        let (tree, quota, contents) = visible(&self.rows);
        let names: BTreeSet<_> = tree.entries.iter().map(|entry| entry.name.clone()).collect();
        let expected: BTreeSet<_> = self
            .naive
            .mailboxes
            .keys()
            .chain(&self.naive.subscribed)
            .cloned()
            .collect();
        assert_eq!(names, expected);
        assert_eq!(
            (quota.usage.storage_bytes, quota.usage.messages),
            self.naive.usage()
        );
        for entry in &tree.entries {
            assert_eq!(entry.subscribed, self.naive.subscribed.contains(&entry.name));
            let naive = self.naive.mailboxes.get(&entry.name);
            assert_eq!(entry.mailbox.is_some(), naive.is_some());
            if let (Some(mailbox), Some(naive)) = (&entry.mailbox, naive) {
                assert_eq!(mailbox.name, entry.name);
                compare_mailbox(mailbox, naive);
            }
        }
        for content in &contents {
            self.compare_messages(content);
        }
        for content in contents {
            self.clients
                .push((content.mailbox.id, view(&self.rows, content.mailbox.id)));
        }
    }

    fn compare_messages(&mut self, content: &MailboxChanges) {
        let id = content.mailbox.id;
        let naive = &self.naive.mailboxes[&content.mailbox.name];
        let found: BTreeMap<u32, _> = content
            .changed
            .iter()
            .map(|state| {
                (
                    state.uid.get(),
                    (names_of(state.flags, &content.mailbox.keywords), state.modseq.0),
                )
            })
            .collect();
        let expected: BTreeMap<u32, _> = naive
            .messages
            .iter()
            .map(|(uid, message)| (*uid, (message.flags.clone(), message.modseq)))
            .collect();
        assert_eq!(found, expected);
        let uids: UidSet = content.changed.iter().map(|state| state.uid).collect();
        let records = read::messages(&self.rows, id, &uids, usize::MAX).expect("sound rows");
        assert_eq!(records.len(), naive.messages.len());
        for record in records {
            let message = &naive.messages[&record.uid.get()];
            assert_eq!(
                (record.size, record.email_id),
                (message.size, email(message.email))
            );
            // RFC 9051 §2.3.1.1: a UID names one message for ever, and none after it was expunged.
            let first = *self.seen.entry((id, record.uid)).or_insert(record.email_id);
            assert_eq!(record.email_id, first);
            assert!(!self.gone.contains(&(id.0, record.uid.get())));
        }
        let gone = self
            .seen
            .keys()
            .filter(|(mailbox, uid)| *mailbox == id && !uids.contains(*uid));
        self.gone
            .extend(gone.map(|(mailbox, uid)| (mailbox.0, uid.get())));
    }

    /// Every client that looked at any time and is told what changed since knows all there is now.
    pub fn finish(self) {
        for (id, mut client) in self.clients {
            let reference = MailboxRef::Id(id);
            let since = client.modseq();
            let Some(changes) = read::changes(&self.rows, &reference, since).expect("sound rows") else {
                continue;
            };
            assert!(client.update(&changes));
            assert_eq!(client, view(&self.rows, id));
            let told: usize = changes.changed.len();
            let newer = client
                .messages()
                .iter()
                .filter(|state| state.modseq > since)
                .count();
            assert_eq!(told, newer, "nothing is told that has not changed");
        }
    }
}

fn compare_mailbox(mailbox: &Mailbox, naive: &NaiveMailbox) {
    let count = |flag: &str| {
        naive
            .messages
            .values()
            .filter(|message| message.flags.contains(flag))
            .count()
    };
    let size: u64 = naive
        .messages
        .values()
        .map(|message| u64::from(message.size))
        .sum();
    assert_eq!(mailbox.id.0, naive.id);
    assert_eq!(mailbox.uid_validity.get(), naive.uid_validity);
    assert_eq!(mailbox.uid_next, Uid::new(naive.uid_next));
    assert_eq!(mailbox.first_recent_uid, Uid::new(naive.first_recent));
    assert_eq!(mailbox.highest_modseq.0, naive.highest);
    assert_eq!(mailbox.special_use.0, naive.special_use);
    assert_eq!(mailbox.keywords, naive.keywords);
    assert_eq!(mailbox.messages as usize, naive.messages.len());
    assert_eq!(mailbox.recent as usize, naive.recent());
    assert_eq!(mailbox.unseen as usize, naive.messages.len() - count("\\Seen"));
    assert_eq!(mailbox.deleted as usize, count("\\Deleted"));
    assert_eq!(mailbox.size_bytes, size);
}

fn without_states(outcome: Outcome) -> Outcome {
    match outcome {
        Ok(Reply::Stored(stored)) => Ok(Reply::Stored(Stored {
            states: Vec::new(),
            ..stored
        })),
        other => other,
    }
}

fn email(number: u64) -> EmailId {
    let mut id = [0; 12];
    id[..8].copy_from_slice(&number.to_be_bytes());
    EmailId(id)
}

fn new_message(number: u64, size: u32, flags: mailstore::flags::NamedFlags) -> NewMessage {
    let mut blob = [0; 32];
    blob[..8].copy_from_slice(&number.to_be_bytes());
    NewMessage {
        blob: BlobId(blob),
        size,
        flags,
        internal_date: InternalDate {
            seconds: 1_000_000 - i64::try_from(number).expect("few messages"),
            zone_minutes: -90,
        },
        email_id: email(number),
    }
}
