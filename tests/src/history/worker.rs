//! One connection of the load.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};

use super::message::{Message, State};
use super::{FLAGS, MAILBOXES};
use crate::imap::{Answer, Status};
use crate::server::Access;
use crate::{Imap, mail, wait};

/// What the connections of a load share.
#[derive(Debug, Default)]
pub struct Progress {
    /// Changes that the server has acknowledged.
    pub acknowledged: AtomicU64,
    /// Whether the load is over.
    pub over: AtomicBool,
    /// Whether the crash has begun: a refusal says nothing about the change from then on.
    pub crashing: AtomicBool,
}

/// A connection and the messages that it owns.
#[derive(Debug)]
pub struct Worker {
    name: String,
    made: u64,
    random: StdRng,
    /// The messages, the gone ones among them.
    pub messages: Vec<Message>,
    /// Mailbox, UID and token of all that answers named.
    pub named: Vec<(String, u64, String)>,
    /// Refusals, which this load never deserves.
    pub complaints: Vec<String>,
}

impl Worker {
    pub fn new(number: u64, seed: u64) -> Self {
        Self {
            name: format!("w{number}"),
            made: 0,
            random: StdRng::seed_from_u64(seed.wrapping_mul(1000).wrapping_add(number)),
            messages: Vec::new(),
            named: Vec::new(),
            complaints: Vec::new(),
        }
    }

    /// Changes things until the load is over or the server is gone.
    pub fn run(&mut self, access: &Access, progress: &Progress) {
        let Ok(mut client) = Imap::try_login(access, &access.user) else {
            return;
        };
        while !progress.over.load(Ordering::Relaxed) {
            let complaints = self.complaints.len();
            let changed = self.change(&mut client);
            if progress.crashing.load(Ordering::SeqCst) {
                self.complaints.truncate(complaints);
            }
            match changed {
                Ok(acknowledged) => {
                    progress
                        .acknowledged
                        .fetch_add(u64::from(acknowledged), Ordering::Relaxed);
                }
                Err(_) => return,
            }
        }
    }

    /// Makes one change and returns whether it was acknowledged.
    fn change(&mut self, client: &mut Imap) -> io::Result<bool> {
        let open =
            |(_, message): &(usize, &Message)| message.certain != State::Absent && message.possible.is_none();
        let chosen = self
            .messages
            .iter()
            .enumerate()
            .filter(open)
            .choose(&mut self.random);
        let Some((
            index,
            State::Present {
                mailbox,
                uid: Some(uid),
                flags,
            },
        )) = chosen.map(|(index, message)| (index, message.certain.clone()))
        else {
            return self.append(client);
        };
        match self.random.random_range(0..10) {
            0..4 => self.append(client),
            4..7 => {
                client.run(format!("SELECT {mailbox}"))?;
                self.store(client, index, uid, (mailbox, flags))
            }
            7..9 => {
                client.run(format!("SELECT {mailbox}"))?;
                self.relocate(client, index, uid, (mailbox, flags))
            }
            _ => {
                client.run(format!("SELECT {mailbox}"))?;
                self.expunge(client, index, uid, (mailbox, flags))
            }
        }
    }

    fn append(&mut self, client: &mut Imap) -> io::Result<bool> {
        self.made += 1;
        let token = format!("{}-{}", self.name, self.made);
        let bytes = *[200, 2_000, 40_000].choose(&mut self.random).unwrap_or(&200);
        let content = mail::large_message(&token, bytes);
        let mailbox = *MAILBOXES.choose(&mut self.random).unwrap_or(&"INBOX");
        let at = |uid| State::Present {
            mailbox: mailbox.to_owned(),
            uid,
            flags: BTreeSet::new(),
        };
        self.messages.push(Message {
            token,
            content: content.clone(),
            certain: State::Absent,
            possible: Some(at(None)),
        });
        let answer = client.append(mailbox, "", &content)?;
        let uid = answer.code_numbers("APPENDUID").get(1).copied();
        Ok(self.conclude(self.messages.len() - 1, &answer, at(uid)))
    }

    fn store(
        &mut self,
        client: &mut Imap,
        index: usize,
        uid: u64,
        (mailbox, mut flags): (String, BTreeSet<String>),
    ) -> io::Result<bool> {
        let flag = *FLAGS.choose(&mut self.random).unwrap_or(&"\\Seen");
        let sign = if flags.remove(flag) { '-' } else { '+' };
        if sign == '+' {
            flags.insert(flag.to_owned());
        }
        let after = State::Present {
            mailbox,
            uid: Some(uid),
            flags,
        };
        self.attempt(index, &after);
        let answer = client.run(format!("UID STORE {uid} {sign}FLAGS.SILENT ({flag})"))?;
        Ok(self.conclude(index, &answer, after))
    }

    fn relocate(
        &mut self,
        client: &mut Imap,
        index: usize,
        uid: u64,
        (mailbox, flags): (String, BTreeSet<String>),
    ) -> io::Result<bool> {
        let target = MAILBOXES
            .iter()
            .find(|other| **other != mailbox)
            .unwrap_or(&"INBOX");
        let at = |uid| State::Present {
            mailbox: (*target).to_owned(),
            uid,
            flags: flags.clone(),
        };
        self.attempt(index, &at(None));
        let answer = client.run(format!("UID MOVE {uid} {target}"))?;
        // COPYUID validity, source, destination (RFC 4315 §3).
        let new = answer.code_numbers("COPYUID").get(2).copied();
        Ok(self.conclude(index, &answer, at(new)))
    }

    fn expunge(
        &mut self,
        client: &mut Imap,
        index: usize,
        uid: u64,
        (mailbox, mut flags): (String, BTreeSet<String>),
    ) -> io::Result<bool> {
        flags.insert("\\Deleted".to_owned());
        let marked = State::Present {
            mailbox,
            uid: Some(uid),
            flags,
        };
        self.attempt(index, &marked);
        let answer = client.run(format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"))?;
        if !self.conclude(index, &answer, marked) {
            return Ok(false);
        }
        self.attempt(index, &State::Absent);
        let answer = client.run(format!("UID EXPUNGE {uid}"))?;
        Ok(self.conclude(index, &answer, State::Absent))
    }

    fn attempt(&mut self, index: usize, after: &State) {
        if let Some(message) = self.messages.get_mut(index) {
            message.possible = Some(after.clone());
        }
    }

    /// Notes the outcome of a change and returns whether it was acknowledged.
    fn conclude(&mut self, index: usize, answer: &Answer, after: State) -> bool {
        let Some(message) = self.messages.get_mut(index) else {
            return false;
        };
        let unnamed = matches!(&after, State::Present { uid: None, .. });
        match answer.status {
            Status::Ok if unnamed => {
                let complaint = format!("{}: OK names no UID: {}", message.token, answer.text);
                self.complaints.push(complaint);
                false
            }
            Status::Ok => {
                if let State::Present {
                    mailbox,
                    uid: Some(uid),
                    ..
                } = &after
                {
                    self.named.push((mailbox.clone(), *uid, message.token.clone()));
                }
                message.settle(after);
                true
            }
            // The outcome is open: a failing disk may have taken the change or not.
            Status::No if answer.text.starts_with("[UNAVAILABLE]") => false,
            Status::No | Status::Bad => {
                let complaint = format!("{}: refused: {}", message.token, answer.text);
                self.complaints.push(complaint);
                false
            }
        }
    }
}

/// Waits until so many changes were acknowledged.
pub fn wait_for(progress: &Progress, changes: u64) {
    let enough = || (progress.acknowledged.load(Ordering::Relaxed) >= changes).then_some(());
    wait::until("acknowledged changes", enough);
}
