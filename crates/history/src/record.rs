//! What is recorded: one record a command.

use serde::{Deserialize, Serialize};

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was carried out.
    Ok,
    /// It was refused.
    No,
    /// It was not understood.
    Bad,
    /// No tagged reply came: it may take effect at any later time, at most once.
    Unknown,
}

/// Which messages a command names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Messages {
    /// Those with these UIDs.
    Uids(Vec<u32>),
    /// Those with these sequence numbers.
    Numbers(Vec<u32>),
    /// All, by UID.
    All,
}

/// How STORE changes flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlagChange {
    /// `+FLAGS`.
    Add,
    /// `-FLAGS`.
    Remove,
    /// `FLAGS`.
    Replace,
}

/// What a client knows when it comes back (RFC 7162 §3.2.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Resync {
    /// The UIDVALIDITY of what it knows.
    pub uid_validity: u32,
    /// Up to which mod-sequence it knows everything.
    pub modseq: u64,
}

/// What a nemesis does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultKind {
    /// `kill -9`, and a new start at the record's end.
    Kill,
    /// SIGSTOP, and SIGCONT at the record's end.
    Stop,
    /// Cut off from the others.
    Partition,
    /// An orderly end, and a new start at the record's end.
    Terminate,
}

/// A command with its arguments.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "verb", content = "args", rename_all = "UPPERCASE")]
#[expect(
    missing_docs,
    reason = "the fields are the arguments of the command whose name stands above"
)]
pub enum Command {
    /// LOGIN, on a new connection.
    Login,
    /// APPEND of one message.
    Append {
        to: String,
        token: String,
        hash: String,
        size: u64,
        flags: Vec<String>,
    },
    /// One recipient of an LMTP transaction.
    Deliver { token: String, hash: String, size: u64 },
    /// STORE or UID STORE.
    Store {
        messages: Messages,
        change: FlagChange,
        flags: Vec<String>,
        unchanged_since: Option<u64>,
    },
    /// UID COPY.
    Copy { uids: Vec<u32>, to: String },
    /// UID MOVE.
    Move { uids: Vec<u32>, to: String },
    /// EXPUNGE, or UID EXPUNGE when UIDs are named.
    Expunge { uids: Option<Vec<u32>> },
    /// CLOSE.
    Close,
    /// UNSELECT.
    Unselect,
    /// SELECT or EXAMINE.
    Select {
        name: String,
        read_only: bool,
        resync: Option<Resync>,
    },
    /// FETCH or UID FETCH.
    Fetch {
        messages: Messages,
        changed_since: Option<u64>,
    },
    /// UID SEARCH for messages with a flag.
    Search { flag: String },
    /// UID SEARCH for messages that changed since.
    Changed { modseq: u64 },
    /// STATUS.
    Status { name: String },
    /// NOOP.
    Noop,
    /// IDLE until DONE.
    Idle,
    /// Nothing was asked for a while, and what came is what the server said by itself.
    Silence,
    /// LIST of everything.
    List,
    /// LSUB of everything.
    Lsub,
    /// CREATE.
    Create { name: String },
    /// DELETE.
    Delete { name: String },
    /// RENAME.
    Rename { from: String, to: String },
    /// SUBSCRIBE or UNSUBSCRIBE.
    Subscribe { name: String, subscribed: bool },
    /// GETQUOTA.
    Quota,
    /// What the nemesis does.
    Fault { kind: FaultKind, target: String },
    /// The end of all faults.
    Heal,
}

impl Command {
    /// Says whether a client waits for a change to be durable.
    #[must_use]
    pub fn is_write(&self) -> bool {
        match self {
            Self::Append { .. }
            | Self::Deliver { .. }
            | Self::Store { .. }
            | Self::Copy { .. }
            | Self::Move { .. }
            | Self::Expunge { .. }
            | Self::Close
            | Self::Create { .. }
            | Self::Delete { .. }
            | Self::Rename { .. }
            | Self::Subscribe { .. } => true,
            Self::Login
            | Self::Unselect
            | Self::Select { .. }
            | Self::Fetch { .. }
            | Self::Search { .. }
            | Self::Changed { .. }
            | Self::Status { .. }
            | Self::Noop
            | Self::Idle
            | Self::Silence
            | Self::List
            | Self::Lsub
            | Self::Quota
            | Self::Fault { .. }
            | Self::Heal => false,
        }
    }
}

/// An untagged response and when it was heard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// When, on the clock of the run.
    pub at: u64,
    /// The response without `* `. In the place of a literal stands [`Content::quoted`](crate::Content::quoted).
    pub line: String,
}

/// One command of one client.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The client. What it remembers outlives its connections.
    pub process: String,
    /// The connection, counted for each client.
    pub session: u32,
    /// The proxy that the connection goes to.
    pub via_proxy: String,
    /// The command's tag.
    pub tag: String,
    /// Whose mail it is; for a delivery the recipient.
    pub account: String,
    /// What is selected when the command is sent.
    pub mailbox: Option<String>,
    /// The UIDVALIDITY that the client knows of it; for DELETE that of the mailbox which is deleted.
    pub uid_validity_known: Option<u32>,
    /// Verb and arguments.
    #[serde(flatten)]
    pub command: Command,
    /// When it was sent, in microseconds on the clock of the run.
    pub t_invoke: u64,
    /// When it was answered, or when the connection was lost.
    pub t_complete: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The response code of the tagged response, as in `APPENDUID 17 4`.
    pub resp_code: Option<String>,
    /// The untagged responses in the order of the wire.
    pub untagged: Vec<Told>,
}

/// The client that injects faults.
pub const NEMESIS: &str = "nemesis";
/// The client that reads everything after faults are over.
pub const DUMP: &str = "dump";

impl Record {
    /// Says whether its effect, if any, may come after its end: there was no answer, or the server itself does not know.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let unavailable = self
            .resp_code
            .as_deref()
            .is_some_and(|code| code.starts_with("UNAVAILABLE"));
        self.outcome == Outcome::Unknown || (self.outcome == Outcome::No && unavailable)
    }

    /// Returns the time after which it cannot take effect any more.
    #[must_use]
    pub fn effect_end(&self) -> u64 {
        if self.is_open() { u64::MAX } else { self.t_complete }
    }

    /// Says whether it may have taken effect.
    #[must_use]
    pub fn may_have_effect(&self) -> bool {
        self.outcome == Outcome::Ok || self.is_open()
    }

    /// Says whether it reads the state after the end of all faults.
    #[must_use]
    pub fn is_dump(&self) -> bool {
        self.process == DUMP
    }
}

/// A journal that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of the history is not a record")]
pub struct JournalError {
    /// Which line, from 1.
    pub line: usize,
    #[source]
    source: serde_json::Error,
}

/// Returns the record as one line.
///
/// # Panics
/// Never: a record has nothing that JSON cannot hold.
#[must_use]
pub fn write(record: &Record) -> String {
    let mut line = serde_json::to_string(record).expect("invariant: names are text");
    line.push('\n');
    line
}

/// Reads the lines of a journal.
///
/// # Errors
/// When a line is not a record.
pub fn read(text: &str) -> Result<Vec<Record>, JournalError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    lines
        .map(|(at, line)| serde_json::from_str(line).map_err(|source| JournalError { line: at + 1, source }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Sample;

    #[test]
    fn records_are_read_back_as_they_were_written() {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 1);
        sample.lines(
            Command::Store {
                messages: Messages::Numbers(vec![1, 2]),
                change: FlagChange::Add,
                flags: vec!["\\Seen".to_owned()],
                unchanged_since: Some(7),
            },
            &["1 FETCH (FLAGS (\\Seen))"],
        );
        sample.run(Command::Noop);
        let text: String = sample.records.iter().map(write).collect();
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("\"verb\":\"STORE\",\"args\":{"), "{text}");
        assert_eq!(read(&text).unwrap(), sample.records);
        assert_eq!(read("{}").unwrap_err().line, 1);
    }

    #[test]
    fn an_effect_may_come_late_only_without_an_answer() {
        let mut sample = Sample::default();
        let mut record = sample.run(Command::Noop).clone();
        assert!(record.may_have_effect() && !record.is_open());
        record.outcome = Outcome::No;
        assert!(!record.may_have_effect());
        record.resp_code = Some("UNAVAILABLE".to_owned());
        assert!(record.is_open() && record.effect_end() == u64::MAX);
    }
}
