//! One client of the load and how it chooses what to do.

use std::collections::BTreeMap;
use std::time::Duration;

use history::{Command, Messages};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::client::{Client, Door};
use super::cold::Cold;
use super::deliver::Postman;
use super::journal::Journal;
use super::view::View;

/// Mailboxes that all clients of an account work on.
pub const HOT: [&str; 2] = ["INBOX", "Hot"];
/// Messages in a hot mailbox above which clients rather remove than add.
const HOT_MESSAGES: usize = 60;
/// Wait of a client that cannot connect.
const RECONNECT_WAIT: Duration = Duration::from_millis(100);

/// A client of the load.
#[derive(Debug)]
pub struct Worker {
    pub client: Client,
    pub random: StdRng,
    /// Tokens by UIDVALIDITY and UID, as far as it was told.
    pub tokens: BTreeMap<(u32, u32), String>,
    pub cold: Cold,
    pub postman: Postman,
    pub made: u64,
    doors: usize,
}

/// Where a worker works.
#[derive(Debug)]
pub struct Place<'a> {
    pub accounts: &'a [String],
    pub doors: &'a [Door],
    pub journal: &'a Journal,
}

impl Worker {
    pub fn new(number: usize, seed: u64, place: &Place<'_>) -> Self {
        let name = format!("w{number}");
        let account = place.accounts.get(number % place.accounts.len().max(1));
        let mut client = Client::new(
            &name,
            account.map_or("", String::as_str),
            place.doors,
            place.journal,
        );
        client.resyncs = number % 4 < 2;
        let number = u64::try_from(number).unwrap_or_default();
        Self {
            client,
            random: StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(number)),
            tokens: BTreeMap::new(),
            cold: Cold::new(&name),
            postman: Postman::new(&name, place),
            made: 0,
            doors: place.doors.len(),
        }
    }

    /// Works until all are to rest.
    pub fn run(&mut self, journal: &Journal) {
        while !journal.is_resting() {
            if self.step().is_none() {
                // The connection is lost, or cannot be made yet.
                std::thread::sleep(RECONNECT_WAIT);
            }
        }
    }

    /// Does one thing; returns nothing when there is no connection.
    fn step(&mut self) -> Option<()> {
        if !self.client.is_connected() {
            let door = self.random.random_range(0..self.doors.max(1));
            if !self.client.connect(door) {
                return None;
            }
        }
        if self.client.view.is_none() {
            let name = self.any_hot();
            return self.select(&name, true);
        }
        let crowded = self.view()?.messages.len() > HOT_MESSAGES;
        match self.random.random_range(0..100) {
            0..14 if crowded => self.remove(),
            0..14 => self.append(),
            14..16 => {
                self.postman.deliver(&mut self.random);
                Some(())
            }
            16..40 => self.store(),
            40..60 => self.fetch(),
            60..64 => self.compare_and_set(),
            64..68 => self.learn(),
            68..71 => self.look(),
            71..75 => self.ask_since(),
            75..79 => self.search(),
            79..83 => self.status(),
            83..88 => self.noop(),
            88..91 => self.swing(),
            91..93 => self.copy(),
            93..96 => {
                let name = self.any_hot();
                let resync = self.random.random_bool(0.5);
                self.select(&name, resync)
            }
            96..98 => self.change_names(),
            _ => self.rare(),
        }
    }

    /// Does what is rare in the life of a client.
    fn rare(&mut self) -> Option<()> {
        match self.random.random_range(0..20) {
            0..4 => {
                let duration = Duration::from_millis(self.random.random_range(100..3_000));
                self.client.idle(duration).map(drop)
            }
            4..6 => self.client.silence(Duration::from_millis(30)),
            6..9 => self.pipelined(),
            9..11 => {
                let close = self.client.run(Command::Close, "CLOSE")?;
                if close.is_ok() {
                    self.client.view = None;
                }
                Some(())
            }
            11..13 => {
                let unselect = self.client.run(Command::Unselect, "UNSELECT")?;
                if unselect.is_ok() {
                    self.client.view = None;
                }
                Some(())
            }
            13..15 => {
                self.client.cut("UID FETCH 1:* (FLAGS)");
                Some(())
            }
            15..17 => {
                self.client.cut("NOOP");
                Some(())
            }
            _ => self.noop(),
        }
    }

    pub fn view(&self) -> Option<&View> {
        self.client.view.as_ref()
    }

    pub fn any_hot(&mut self) -> String {
        (*HOT.choose(&mut self.random).unwrap_or(&"INBOX")).to_owned()
    }

    /// Returns a message of the view.
    pub fn any_uid(&mut self) -> Option<u32> {
        let uids = self.view()?.uids();
        uids.choose(&mut self.random).copied()
    }

    /// Returns a message of the view whose token satisfies a condition.
    pub fn any_with(&mut self, wanted: impl Fn(&str) -> bool) -> Option<u32> {
        let view = self.client.view.as_ref()?;
        let token = |uid: &u32| self.tokens.get(&(view.validity, *uid));
        let uids = view.uids().into_iter();
        let fitting: Vec<u32> = uids
            .filter(|uid| token(uid).is_some_and(|token| wanted(token)))
            .collect();
        fitting.choose(&mut self.random).copied()
    }

    /// Selects a mailbox and looks at all of it.
    pub fn select(&mut self, name: &str, resync: bool) -> Option<()> {
        self.remember();
        let known = self.client.memory.get(name).copied();
        let resync = known.filter(|_| resync && self.client.resyncs);
        let read_only = self.random.random_bool(0.05);
        let verb = if read_only { "EXAMINE" } else { "SELECT" };
        let wire = match resync {
            Some(known) => format!(
                "{verb} {name} (QRESYNC ({} {}))",
                known.uid_validity, known.modseq
            ),
            None if self.random.random_bool(0.5) => format!("{verb} {name} (CONDSTORE)"),
            None => format!("{verb} {name}"),
        };
        self.client.view = Some(View {
            name: name.to_owned(),
            ..View::default()
        });
        let command = Command::Select {
            name: name.to_owned(),
            read_only,
            resync,
        };
        let reply = self.client.run(command, wire)?;
        if !reply.is_ok() {
            self.client.view = None;
            return Some(());
        }
        self.look()
    }

    /// Looks at all messages.
    pub fn look(&mut self) -> Option<()> {
        let command = Command::Fetch {
            messages: Messages::All,
            changed_since: None,
        };
        if self.view()?.messages.is_empty() {
            return self.noop();
        }
        self.client
            .run(command, "UID FETCH 1:* (UID FLAGS MODSEQ)")
            .map(drop)?;
        self.remember();
        self.forget();
        Some(())
    }

    pub fn noop(&mut self) -> Option<()> {
        let reply = self.client.run(Command::Noop, "NOOP")?;
        if let (true, Some(view)) = (reply.is_ok(), &mut self.client.view) {
            view.told_all();
        }
        self.remember();
        Some(())
    }

    /// Keeps what a later connection may come back with.
    fn remember(&mut self) {
        let Some(view) = &self.client.view else { return };
        if view.validity != 0 && view.modseq != 0 && view.messages.iter().all(|known| known.uid != 0) {
            let known = history::Resync {
                uid_validity: view.validity,
                modseq: view.modseq,
            };
            self.client.memory.insert(view.name.clone(), known);
        }
    }

    /// Forgets the tokens of messages that are gone.
    fn forget(&mut self) {
        let Some(view) = &self.client.view else { return };
        let there: std::collections::BTreeSet<u32> = view.uids().into_iter().collect();
        let validity = view.validity;
        self.tokens
            .retain(|(known, uid), _| *known != validity || there.contains(uid));
    }
}
