//! A writer and a reader that never rest while faults happen: how long commands take, and whether what one was told is
//! seen by the other (RELIABILITY.md §1.2, 7, 8, 27 and 36).
//!
//! The writer appends to a mailbox of the second account. The reader, in another session, asks how far the mailbox has
//! come. What was acknowledged before it asked must be in its answer, whichever node gave it.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::cluster::timed;
use crate::imap::Status;
use crate::server::Access;
use crate::{Imap, mail, wait};

const MAILBOX: &str = "Probe";

/// What happened while somebody looked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Commands that were answered with OK.
    pub operations: u64,
    /// Commands whose outcome is not known, or that were refused because the storage did not answer.
    pub unknown: u64,
    /// Connections that ended.
    pub lost: u64,
    /// The longest time that a command took.
    pub longest: Duration,
    /// What must not be, in words.
    pub violations: Vec<String>,
}

impl Report {
    /// Adds what another one says.
    pub fn add(&mut self, other: Self) {
        self.operations += other.operations;
        self.unknown += other.unknown;
        self.lost += other.lost;
        self.longest = self.longest.max(other.longest);
        self.violations.extend(other.violations);
    }

    fn note(&mut self, took: Duration, ended: Ended) {
        self.longest = self.longest.max(took);
        match ended {
            Ended::Done => self.operations += 1,
            Ended::Unknown => self.unknown += 1,
            Ended::Lost => self.lost += 1,
        }
    }
}

#[derive(Clone, Copy)]
enum Ended {
    Done,
    Unknown,
    Lost,
}

/// What both sides of a probe share.
#[derive(Debug, Default)]
pub struct Probe {
    /// The greatest UID that the writer was told.
    told: AtomicU64,
    /// Messages that were acknowledged, and messages that may be there besides.
    certain: AtomicU64,
    possible: AtomicU64,
    over: AtomicBool,
    report: Mutex<Report>,
}

impl Probe {
    /// Makes the mailbox of the probe.
    ///
    /// # Panics
    /// When that is refused.
    #[must_use]
    pub fn begin(access: &Access) -> Self {
        Imap::login_as(access, &access.other_user).ok(format!("CREATE {MAILBOX}"));
        Self::default()
    }

    /// Writes at one proxy and reads at another while something is done.
    ///
    /// # Panics
    /// When that panics.
    pub fn during<R>(&self, writer: &Access, reader: &Access, act: impl FnOnce() -> R) -> R {
        self.over.store(false, Ordering::SeqCst);
        std::thread::scope(|scope| {
            scope.spawn(|| self.repeat(writer, |client, report| self.write(client, report)));
            scope.spawn(|| self.repeat(reader, |client, report| self.read(client, report)));
            let over = Over(&self.over);
            let result = act();
            drop(over);
            result
        })
    }

    /// Waits until so many more writes were acknowledged.
    ///
    /// # Panics
    /// When they are not.
    pub fn wait_for_writes(&self, count: u64) {
        let enough = self.certain.load(Ordering::SeqCst) + count;
        wait::until("writes that are acknowledged", || {
            (self.certain.load(Ordering::SeqCst) >= enough).then_some(())
        });
    }

    /// Returns the greatest UID that was acknowledged so far.
    #[must_use]
    pub fn told(&self) -> u64 {
        self.told.load(Ordering::SeqCst)
    }

    /// Compares what is there with what was acknowledged, and returns what happened since the last time.
    ///
    /// # Panics
    /// When the mailbox cannot be read.
    pub fn conclude(&self, access: &Access) -> Report {
        let found = Imap::login_as(access, &access.other_user).count(MAILBOX);
        let certain = self.certain.load(Ordering::SeqCst);
        let possible = certain + self.possible.load(Ordering::SeqCst);
        let mut report = std::mem::take(&mut *self.report.lock().expect("invariant: nobody panics with it"));
        if !(certain..=possible).contains(&found) {
            let words = format!("{found} messages are there, {certain} to {possible} were sent");
            report.violations.push(words);
        }
        report
    }

    /// Repeats a command until the end, on another connection when one is lost.
    fn repeat(&self, access: &Access, mut step: impl FnMut(&mut Imap, &mut Report) -> io::Result<()>) {
        let mut report = Report::default();
        let mut connection = None;
        while !self.over.load(Ordering::SeqCst) {
            let Some(client) = &mut connection else {
                // A proxy that is gone refuses at once.
                connection = wait::within(Duration::from_millis(100), || {
                    Imap::try_login(access, &access.other_user).ok()
                });
                continue;
            };
            if step(client, &mut report).is_err() {
                connection = None;
            }
        }
        let mut all = self.report.lock().expect("invariant: nobody panics with it");
        all.add(report);
    }

    fn write(&self, client: &mut Imap, report: &mut Report) -> io::Result<()> {
        self.possible.fetch_add(1, Ordering::SeqCst);
        let (answer, took) = timed(|| client.append(MAILBOX, "", &mail::message("Probe", "a little")));
        let answer = answer.inspect_err(|_| report.note(took, Ended::Lost))?;
        if answer.status != Status::Ok {
            report.note(took, Ended::Unknown);
            if !answer.text.starts_with("[UNAVAILABLE]") {
                report
                    .violations
                    .push(format!("APPEND was refused: {}", answer.text));
            }
            return Ok(());
        }
        report.note(took, Ended::Done);
        let uid = answer
            .code_numbers("APPENDUID")
            .last()
            .copied()
            .unwrap_or_default();
        let before = self.told.fetch_max(uid, Ordering::SeqCst);
        if uid <= before {
            report
                .violations
                .push(format!("UID {uid} was given behind {before}"));
        }
        self.certain.fetch_add(1, Ordering::SeqCst);
        self.possible.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }

    fn read(&self, client: &mut Imap, report: &mut Report) -> io::Result<()> {
        let told = self.told();
        let (answer, took) = timed(|| next_uid(client));
        let Some(next) = answer.inspect_err(|_| report.note(took, Ended::Lost))? else {
            report.note(took, Ended::Unknown);
            return Ok(());
        };
        report.note(took, Ended::Done);
        if next <= told {
            let words = format!("UIDNEXT is {next} after UID {told} was acknowledged elsewhere");
            report.violations.push(words);
        }
        Ok(())
    }
}

/// Asks how far the mailbox of the probe has come; nothing when the storage does not answer.
///
/// # Errors
/// When the connection ends.
pub fn next_uid(client: &mut Imap) -> io::Result<Option<u64>> {
    let tag = begin_next_uid(client)?;
    end_next_uid(client, &tag)
}

/// Asks without waiting for the answer.
///
/// # Errors
/// When the connection has ended.
pub fn begin_next_uid(client: &mut Imap) -> io::Result<String> {
    client.begin(format!("STATUS {MAILBOX} (UIDNEXT)"))
}

/// Waits for the answer.
///
/// # Errors
/// When the connection ends.
pub fn end_next_uid(client: &mut Imap, tag: &str) -> io::Result<Option<u64>> {
    let lines = client.end(tag)?.lines();
    let number = |line: &String| {
        let (_, rest) = line.split_once("(UIDNEXT ")?;
        rest.split(')').next()?.parse().ok()
    };
    Ok(lines.iter().find_map(number))
}

/// Ends the probe, also when the test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
