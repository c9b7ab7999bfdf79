//! A client that records what it asks and hears.

mod distortion;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use history::{Command, Outcome, Record, Resync, Told};

pub use distortion::Distortion;

use super::journal::Journal;
use super::message::recorded;
use super::view::View;
use crate::server::Access;
use crate::{Imap, wait};

/// A proxy and how to reach it.
#[derive(Clone, Debug)]
pub struct Door {
    pub name: String,
    pub access: Access,
}

/// What a client was answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub outcome: Outcome,
    pub code: String,
    pub lines: Vec<String>,
}

impl Reply {
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }
}

/// A client with at most one connection. What it knows of mailboxes outlives connections.
#[derive(Debug)]
pub struct Client {
    pub name: String,
    pub account: String,
    /// Whether it enables QRESYNC, so that removals come as VANISHED.
    pub resyncs: bool,
    pub view: Option<View>,
    /// By name: the UIDVALIDITY, and up to which mod-sequence everything is known.
    pub memory: BTreeMap<String, Resync>,
    /// The UIDVALIDITY of the mailbox that the next command is about, when it is not the selected one.
    pub about: Option<u32>,
    /// A defect between it and the server.
    pub distortion: Option<Distortion>,
    chances: u64,
    last_code: String,
    doors: Vec<Door>,
    door: usize,
    session: u32,
    tags: u64,
    connection: Option<Imap>,
    journal: Journal,
}

impl Client {
    pub fn new(name: &str, account: &str, doors: &[Door], journal: &Journal) -> Self {
        Self {
            name: name.to_owned(),
            account: account.to_owned(),
            resyncs: false,
            view: None,
            memory: BTreeMap::new(),
            about: None,
            distortion: None,
            chances: 0,
            last_code: String::new(),
            doors: doors.to_vec(),
            door: 0,
            session: 0,
            tags: 0,
            connection: None,
            journal: journal.clone(),
        }
    }

    pub fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Goes away without a word.
    pub fn leave(&mut self) {
        self.connection = None;
        self.view = None;
    }

    /// Connects through a proxy and logs in. One that cannot be reached is no command, since nothing was sent.
    pub fn connect(&mut self, door: usize) -> bool {
        self.leave();
        let Some(chosen) = self.doors.get(door).cloned() else {
            return false;
        };
        self.door = door;
        let Ok(imap) = Imap::connect(&chosen.access) else {
            return false;
        };
        self.connection = Some(imap);
        self.session += 1;
        let (user, password) = (self.account.clone(), chosen.access.password);
        let login = self.run(Command::Login, format!("LOGIN \"{user}\" \"{password}\""));
        if !login.is_some_and(|reply| reply.is_ok()) {
            self.leave();
            return false;
        }
        let extension = if self.resyncs { "QRESYNC" } else { "CONDSTORE" };
        // Not an operation on mail, so that it is not recorded.
        let enabled = self
            .connection
            .as_mut()
            .map(|imap| imap.run(format!("ENABLE {extension}")));
        if enabled.is_none_or(|answer| answer.is_err()) {
            self.leave();
        }
        self.is_connected()
    }

    /// Sends a command and records what comes of it. Nothing is returned when the connection is lost.
    pub fn run(&mut self, command: Command, wire: impl AsRef<[u8]>) -> Option<Reply> {
        if let Some(distortion) = self.distortion {
            return self.distorted(distortion, command, wire.as_ref());
        }
        let mut record = self.record(command);
        let tag = self.connection.as_mut()?.begin(wire.as_ref());
        self.conclude(&mut record, tag)
    }

    /// Sends several commands at once and then hears all answers (RFC 9051 §5.5).
    pub fn pipeline(&mut self, commands: Vec<(Command, String)>) -> Option<()> {
        let mut sent = Vec::new();
        for (command, wire) in commands {
            let record = self.record(command);
            sent.push((record, self.connection.as_mut()?.begin(&wire)));
        }
        for (mut record, tag) in sent {
            self.conclude(&mut record, tag)?;
        }
        Some(())
    }

    /// Hears what the server says in IDLE for a while (RFC 2177).
    pub fn idle(&mut self, duration: Duration) -> Option<Reply> {
        let mut record = self.record(Command::Idle);
        let end = self.journal.now() + u64::try_from(duration.as_micros()).unwrap_or_default();
        let tag = self.connection.as_mut()?.begin("IDLE");
        let mut done = false;
        let answer = tag.and_then(|tag| {
            loop {
                let now = self.journal.now();
                let left = match done {
                    true => wait::LIMIT,
                    false => Duration::from_micros(end.saturating_sub(now).max(1000)),
                };
                match self.hear(left) {
                    Ok(line) => {
                        if let Some(reply) = self.take(&mut record, &tag, &line) {
                            return Ok(reply);
                        }
                    }
                    Err(error) if done || !is_timeout(&error) => return Err(error),
                    Err(_) => {}
                }
                if !done && (self.journal.now() >= end || self.journal.is_resting()) {
                    self.send(b"DONE\r\n")?;
                    done = true;
                }
            }
        });
        self.close(record, answer.ok())
    }

    /// Asks for nothing, and records whatever the server says.
    pub fn silence(&mut self, duration: Duration) -> Option<()> {
        let mut record = self.record(Command::Silence);
        loop {
            match self.hear(duration) {
                Ok(line) => drop(self.take(&mut record, "no tag", &line)),
                Err(error) if is_timeout(&error) => break,
                Err(_) => {
                    self.close(record, None)?;
                    return None;
                }
            }
        }
        self.close(record, Some((Outcome::Ok, String::new()))).map(drop)
    }

    /// Sends a command and goes away before its answer can have been read. What nobody has heard is not recorded, so
    /// that only questions may be asked so.
    pub fn cut(&mut self, question: &str) {
        if let Some(imap) = &mut self.connection {
            drop(imap.begin(question));
        }
        self.leave();
    }

    fn record(&mut self, command: Command) -> Record {
        self.tags += 1;
        let now = self.journal.now();
        let door = self.doors.get(self.door).map(|door| door.name.clone());
        Record {
            process: self.name.clone(),
            session: self.session,
            via_proxy: door.unwrap_or_default(),
            tag: self.tags.to_string(),
            account: self.account.clone(),
            mailbox: self.view.as_ref().map(|view| view.name.clone()),
            uid_validity_known: self.about.take().or(self.view.as_ref().map(|view| view.validity)),
            command,
            t_invoke: now,
            t_complete: now,
            outcome: Outcome::Unknown,
            resp_code: None,
            untagged: Vec::new(),
        }
    }

    /// Hears until the tagged response.
    fn conclude(&mut self, record: &mut Record, tag: io::Result<String>) -> Option<Reply> {
        let answer = tag.and_then(|tag| {
            loop {
                let line = self.hear(wait::LIMIT)?;
                if let Some(reply) = self.take(record, &tag, &line) {
                    return Ok(reply);
                }
            }
        });
        self.close(record.clone(), answer.ok())
    }

    /// Takes in a line, and returns outcome and code when it is the tagged response.
    fn take(&mut self, record: &mut Record, tag: &str, line: &[u8]) -> Option<(Outcome, String)> {
        if self.swallows(line) {
            return None;
        }
        if let Some(untagged) = line.strip_prefix(b"* ") {
            let line = recorded(untagged);
            if let Some(view) = &mut self.view {
                view.hear(&line);
            }
            let at = self.journal.now();
            record.untagged.push(Told { at, line });
            return None;
        }
        let text = String::from_utf8_lossy(line).into_owned();
        let rest = text.strip_prefix(tag)?.trim_start();
        let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let outcome = match word {
            "OK" => Outcome::Ok,
            "NO" => Outcome::No,
            _ => Outcome::Bad,
        };
        let code = rest.strip_prefix('[').and_then(|rest| rest.split(']').next());
        let code = code.unwrap_or_default().to_owned();
        Some((outcome, self.misnamed(code)))
    }

    fn close(&mut self, mut record: Record, answer: Option<(Outcome, String)>) -> Option<Reply> {
        record.t_complete = self.journal.now();
        let Some((outcome, code)) = answer else {
            self.leave();
            self.journal.add(record);
            return None;
        };
        record.outcome = outcome;
        record.resp_code = Some(code.clone()).filter(|code| !code.is_empty());
        let lines = record.untagged.iter().map(|told| told.line.clone()).collect();
        self.journal.add(record);
        if let (Some(view), Some(words)) = (&mut self.view, code.strip_prefix("HIGHESTMODSEQ ")) {
            view.promised(words.parse().unwrap_or_default());
        }
        Some(Reply { outcome, code, lines })
    }

    fn hear(&mut self, limit: Duration) -> io::Result<Vec<u8>> {
        let imap = self.connection.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        imap.hear(limit)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let imap = self.connection.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        imap.send(bytes)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
