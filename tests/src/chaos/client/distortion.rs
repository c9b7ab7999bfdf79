//! Defects that are put between a client and the server, to show that the checker finds them.
//!
//! The server is the real one. Whatever stands in the way of its words here makes client and record see what a server
//! with that defect would show.

use std::time::Duration;

use history::{Command, FlagChange, Messages, Outcome, Record, Response};

use super::{Client, Reply};

/// A defect that is visible in the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Distortion {
    /// Some announcements of removals are not made.
    DropRemoval,
    /// Removals are announced during FETCH by number.
    RemovalDuringFetch,
    /// MOVE copies, and removes later.
    MoveInSteps,
    /// HIGHESTMODSEQ is announced ahead of removals that the session has not been told.
    HighestAhead,
    /// APPEND is sent again without a mark that would tell, as after an answer that came late.
    BlindRetry,
    /// Some messages are acknowledged under a UID that was given before.
    ReuseUid,
    /// STORE writes all flags as the session last saw them, so that the last writer wins.
    LastWriteWins,
}

impl Distortion {
    /// Those that a scene brings to light. `DropRemoval` is not among them: its scene shows nothing yet.
    pub const FOUND: [Self; 6] = [
        Self::RemovalDuringFetch,
        Self::MoveInSteps,
        Self::HighestAhead,
        Self::BlindRetry,
        Self::ReuseUid,
        Self::LastWriteWins,
    ];

    /// Returns the invariants that it breaks; one of them must be found.
    #[must_use]
    pub fn breaks(self) -> &'static [u8] {
        match self {
            // The session keeps a message that is gone, or numbers shift behind its back.
            Self::DropRemoval => &[25, 23],
            Self::RemovalDuringFetch => &[24],
            Self::MoveInSteps => &[12],
            Self::HighestAhead => &[22],
            Self::BlindRetry => &[8],
            Self::ReuseUid => &[3, 1],
            Self::LastWriteWins => &[16],
        }
    }
}

/// One of so many announcements is dropped, one of so many UIDs is given again.
const ONE_OF: u64 = 2;
/// Time between the steps of a MOVE.
const STEP: Duration = Duration::from_millis(300);

impl Client {
    /// Sends a command as a defect would have it.
    pub(super) fn distorted(
        &mut self,
        distortion: Distortion,
        command: Command,
        wire: &[u8],
    ) -> Option<Reply> {
        let mut record = self.record(command.clone());
        match (distortion, &command) {
            (Distortion::BlindRetry, Command::Append { .. }) if self.every(ONE_OF) => {
                let unheard = self.connection.as_mut()?.run(wire);
                if unheard.is_err() {
                    return self.close(record, None);
                }
                self.send_recorded(&mut record, wire)
            }
            (
                Distortion::RemovalDuringFetch,
                Command::Fetch {
                    messages: Messages::Numbers(_),
                    ..
                },
            ) => {
                self.pass(&mut record, "NOOP")?;
                // Numbers have moved, so that the question is put by UID no more; what matters has been heard.
                self.close(record, Some((Outcome::Ok, String::new())))
            }
            (Distortion::MoveInSteps, Command::Move { uids, to }) => {
                let uid = history::Numbers::text(uids);
                let (outcome, code) = self.pass(&mut record, &format!("UID COPY {uid} {to}"))?;
                std::thread::sleep(STEP);
                self.pass(&mut record, &format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"))?;
                std::thread::sleep(STEP);
                self.pass(&mut record, &format!("UID EXPUNGE {uid}"))?;
                self.close(record, Some((outcome, code)))
            }
            (
                Distortion::LastWriteWins,
                Command::Store {
                    messages: Messages::Uids(uids),
                    change,
                    flags,
                    ..
                },
            ) => {
                let known = uids
                    .first()
                    .and_then(|uid| self.view.as_ref()?.known(*uid)?.state.clone());
                let Some((mut all, _)) = known.filter(|_| *change != FlagChange::Replace) else {
                    return self.send_recorded(&mut record, wire);
                };
                match change {
                    FlagChange::Add => all.extend(flags.iter().cloned()),
                    FlagChange::Remove | FlagChange::Replace => all.retain(|flag| !flags.contains(flag)),
                }
                let uid = history::Numbers::text(uids);
                let all: Vec<String> = all.into_iter().collect();
                let wire = format!("UID STORE {uid} FLAGS ({})", all.join(" "));
                self.send_recorded(&mut record, wire.as_bytes())
            }
            (Distortion::HighestAhead, Command::Store { .. }) => self.ahead(record, wire),
            _ => self.send_recorded(&mut record, wire),
        }
    }

    fn send_recorded(&mut self, record: &mut Record, wire: &[u8]) -> Option<Reply> {
        let tag = self.connection.as_mut()?.begin(wire);
        self.conclude(record, tag)
    }

    /// Carries a command out, and promises what a server promises that forgets what it has yet to tell. A client that
    /// believes it is gone before it is told, every so often.
    fn ahead(&mut self, mut record: Record, wire: &[u8]) -> Option<Reply> {
        let name = self.view.as_ref()?.name.clone();
        self.pass(&mut record, std::str::from_utf8(wire).ok()?)?;
        // What this answer tells of removals stays untold.
        let answer = self
            .connection
            .as_mut()?
            .run(format!("STATUS {name} (HIGHESTMODSEQ)"))
            .ok()?;
        let untold = answer.lines();
        let highest = untold.iter().find_map(|line| match Response::parse(line) {
            Response::Status { items, .. } => items.get("HIGHESTMODSEQ").copied(),
            _ => None,
        })?;
        let removed = |line: &String| line.starts_with("VANISHED") || line.ends_with(" EXPUNGE");
        if !untold.iter().any(removed) {
            for line in untold.iter().filter(|line| !line.starts_with("STATUS")) {
                self.take(&mut record, "no tag", format!("* {line}").as_bytes());
            }
            return self.close(record, Some((Outcome::Ok, String::new())));
        }
        let reply = self.close(record, Some((Outcome::Ok, format!("HIGHESTMODSEQ {highest}"))));
        self.keep_promise();
        self.leave();
        reply
    }

    /// Believes what was promised.
    fn keep_promise(&mut self) {
        let Some(view) = &self.view else { return };
        let known = history::Resync {
            uid_validity: view.validity,
            modseq: view.modseq,
        };
        self.memory.insert(view.name.clone(), known);
    }

    /// Sends something, records what comes untagged, and returns the tagged response.
    fn pass(&mut self, record: &mut Record, wire: &str) -> Option<(Outcome, String)> {
        let tag = self.connection.as_mut()?.begin(wire).ok()?;
        loop {
            let line = self.hear(crate::wait::LIMIT).ok()?;
            if let Some(answer) = self.take(record, &tag, &line) {
                return Some(answer);
            }
        }
    }

    /// Says whether a line is one that a defect swallows.
    pub(super) fn swallows(&mut self, line: &[u8]) -> bool {
        let removal = line.starts_with(b"* VANISHED") || line.ends_with(b" EXPUNGE");
        self.distortion == Some(Distortion::DropRemoval) && removal && self.every(ONE_OF)
    }

    /// Returns the response code as a defect has it.
    pub(super) fn misnamed(&mut self, code: String) -> String {
        if self.distortion != Some(Distortion::ReuseUid) || !code.starts_with("APPENDUID ") {
            return code;
        }
        let before = std::mem::replace(&mut self.last_code, code.clone());
        match !before.is_empty() && self.every(ONE_OF) {
            true => before,
            false => code,
        }
    }

    fn every(&mut self, count: u64) -> bool {
        self.chances += 1;
        self.chances.is_multiple_of(count)
    }
}
