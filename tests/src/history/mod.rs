//! Load whose every acknowledged change is known, and the check that none of it was lost (RELIABILITY.md §1.2).
//!
//! Some connections append, mark, move and expunge messages of one account. Each message carries a token, so that it
//! is known again whatever its UID, and belongs to one connection, so that its changes follow each other. Then the
//! server is crashed. A change whose answer never came may or may not have happened, but wholly and once; a change
//! that was acknowledged must be there.

mod message;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use message::{Message, State};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use worker::{Progress, Worker};

use crate::imap::Fetched;
use crate::server::Access;
use crate::{Imap, log, mail};

/// Mailboxes that the load works on.
const MAILBOXES: [&str; 2] = ["INBOX", "Elsewhere"];

/// Flags that it sets and takes away.
const FLAGS: [&str; 4] = ["\\Seen", "\\Flagged", "\\Answered", "$Work"];

/// The load and all that it was promised.
#[derive(Debug)]
pub struct History {
    seed: u64,
    random: StdRng,
    workers: Vec<Worker>,
    /// The token that each UID of each mailbox has named.
    ledger: BTreeMap<(String, u64), String>,
    validities: BTreeMap<String, u64>,
    acknowledged: u64,
}

impl History {
    /// Begins on an empty account. `FACTEUR_SEED` repeats the load of another run.
    ///
    /// # Panics
    /// When the mailboxes cannot be made.
    #[must_use]
    pub fn begin(access: &Access, connections: u64) -> Self {
        let seed = std::env::var("FACTEUR_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| rand::rng().random_range(0..1_000_000));
        log::note(&format!("FACTEUR_SEED={seed}"));
        Imap::login(access).ok(format!("CREATE {}", MAILBOXES[1]));
        Self {
            seed,
            random: StdRng::seed_from_u64(seed),
            workers: (0..connections).map(|number| Worker::new(number, seed)).collect(),
            ledger: BTreeMap::new(),
            validities: BTreeMap::new(),
            acknowledged: 0,
        }
    }

    /// Returns a number that depends on the seed, as for the moment of a crash.
    pub fn choose(&mut self, range: std::ops::Range<u64>) -> u64 {
        self.random.random_range(range)
    }

    /// Returns how many changes were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Loads the server, crashes it after so many acknowledged changes, and waits until the connections have noticed.
    ///
    /// # Panics
    /// When the changes are not acknowledged in time.
    pub fn load(&mut self, access: &Access, changes: u64, crash: impl FnOnce()) {
        let progress = Progress::default();
        std::thread::scope(|scope| {
            for worker in &mut self.workers {
                scope.spawn(|| worker.run(access, &progress));
            }
            // The connections end with the server; they also end when the wait for them fails.
            let over = EndOnDrop(&progress);
            worker::wait_for(&progress, changes);
            progress.crashing.store(true, Ordering::SeqCst);
            crash();
            drop(over);
        });
        self.acknowledged += progress.acknowledged.load(Ordering::Relaxed);
        let complaints: Vec<String> = self
            .workers
            .iter_mut()
            .flat_map(|worker| worker.complaints.drain(..))
            .collect();
        assert!(
            complaints.is_empty(),
            "seed {}:\n{}",
            self.seed,
            complaints.join("\n")
        );
    }

    /// Reads everything back and compares it with what was promised. What an unanswered change left is taken for
    /// certain from then on.
    ///
    /// # Panics
    /// When a promise was broken; the message lists them all.
    pub fn check(&mut self, access: &Access) {
        let mut client = Imap::login(access);
        let mut broken = Vec::new();
        let mut seen: BTreeMap<String, (State, Vec<u8>)> = BTreeMap::new();
        self.enter_acknowledged(&mut broken);
        for mailbox in MAILBOXES {
            let select = client.ok(format!("SELECT {mailbox}"));
            self.check_numbers(
                mailbox,
                &select.code_numbers("UIDVALIDITY"),
                &select.code_numbers("UIDNEXT"),
                &mut broken,
            );
            for fetched in client.dump(mailbox) {
                self.see(mailbox, fetched, &mut seen, &mut broken);
            }
        }
        for message in self.workers.iter_mut().flat_map(|worker| &mut worker.messages) {
            settle(message, seen.remove(&message.token), &mut broken);
        }
        broken.extend(seen.keys().map(|token| format!("{token}: nobody sent it")));
        assert!(
            broken.is_empty(),
            "seed {}, {} changes acknowledged, broken promises:\n{}",
            self.seed,
            self.acknowledged,
            broken.join("\n")
        );
    }

    /// Enters the UIDs that answers named.
    fn enter_acknowledged(&mut self, broken: &mut Vec<String>) {
        let named: Vec<_> = self
            .workers
            .iter_mut()
            .flat_map(|worker| worker.named.drain(..))
            .collect();
        for (mailbox, uid, token) in named {
            self.enter(mailbox, uid, token, broken);
        }
    }

    fn enter(&mut self, mailbox: String, uid: u64, token: String, broken: &mut Vec<String>) {
        let known = self
            .ledger
            .entry((mailbox.clone(), uid))
            .or_insert_with(|| token.clone());
        if *known != token {
            broken.push(format!("{mailbox} UID {uid} named {known} and now names {token}"));
        }
    }

    fn check_numbers(&mut self, mailbox: &str, validity: &[u64], next: &[u64], broken: &mut Vec<String>) {
        let (Some(&validity), Some(&next)) = (validity.first(), next.first()) else {
            broken.push(format!("{mailbox}: UIDVALIDITY or UIDNEXT is not told"));
            return;
        };
        let known = *self.validities.entry(mailbox.to_owned()).or_insert(validity);
        if known != validity {
            broken.push(format!("{mailbox}: UIDVALIDITY was {known} and is {validity}"));
        }
        let uids = self
            .ledger
            .keys()
            .filter(|(other, _)| other == mailbox)
            .map(|(_, uid)| *uid);
        if let Some(last) = uids.max().filter(|last| *last >= next) {
            broken.push(format!(
                "{mailbox}: UIDNEXT is {next} although UID {last} was given"
            ));
        }
    }

    fn see(
        &mut self,
        mailbox: &str,
        fetched: Fetched,
        seen: &mut BTreeMap<String, (State, Vec<u8>)>,
        broken: &mut Vec<String>,
    ) {
        let Some(token) = mail::header(&fetched.body, "Subject") else {
            broken.push(format!("{mailbox} UID {}: content is gone", fetched.uid));
            return;
        };
        self.enter(mailbox.to_owned(), fetched.uid, token.clone(), broken);
        let state = State::Present {
            mailbox: mailbox.to_owned(),
            uid: Some(fetched.uid),
            flags: fetched.flags.into_iter().collect::<BTreeSet<_>>(),
        };
        if let Some((other, _)) = seen.insert(token.clone(), (state.clone(), fetched.body)) {
            broken.push(format!("{token} is there twice: {other:?} and {state:?}"));
        }
    }
}

/// Ends a load, also when the test fails.
struct EndOnDrop<'a>(&'a Progress);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

/// Compares a message with what was found of it.
fn settle(message: &mut Message, found: Option<(State, Vec<u8>)>, broken: &mut Vec<String>) {
    let (state, content) = found.unwrap_or((State::Absent, Vec::new()));
    if !message.allows(&state) {
        broken.push(format!(
            "{}: acknowledged {:?}, perhaps {:?}, found {state:?}",
            message.token, message.certain, message.possible
        ));
    }
    if state != State::Absent && content != message.content {
        broken.push(format!("{}: the content differs", message.token));
    }
    message.settle(state);
}
