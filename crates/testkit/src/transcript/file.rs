//! The file of a transcript.

use std::path::{Path, PathBuf};

/// A transcript as read from its file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transcript {
    /// Where it was read from.
    pub path: PathBuf,
    /// What every connection is in at the first line.
    pub start: StartState,
    /// How many connections there are.
    pub connections: usize,
    /// Capabilities without which it does not apply.
    pub requires: Vec<String>,
    /// What is in the account beside the default mailboxes, in the order of making.
    pub fixtures: Vec<Fixture>,
    /// Header fields that are for whoever starts the server.
    pub settings: Vec<(String, String)>,
    /// What is said.
    pub lines: Vec<Line>,
    /// The whole text, for rewriting.
    pub text: String,
}

/// The state in which connections begin.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum StartState {
    /// Greeted.
    NotAuthenticated,
    /// Logged in.
    #[default]
    Authenticated,
    /// The command that has selected a mailbox, such as `SELECT INBOX`.
    Selected(String),
}

/// Something in the account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fixture {
    /// A mailbox.
    Mailbox(String),
    /// Messages.
    Message(Message),
}

/// A message of a fixture, as often as `count` says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Where.
    pub mailbox: String,
    /// How often.
    pub count: usize,
    /// The file with its bytes.
    pub file: String,
    /// Flag list and date as APPEND takes them, or nothing.
    pub arguments: String,
}

/// A line of the dialogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: usize,
    /// The connection, from 0.
    pub connection: usize,
    /// Who says it, and how it is meant.
    pub kind: LineKind,
    /// What is said.
    pub text: String,
}

/// Who says a line, and how it is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineKind {
    /// `C1:`
    Send,
    /// `C1>`
    SendRaw,
    /// `S1:`
    Expect,
    /// `S1~`
    ExpectAnyOrder,
}

/// Why a file is no transcript.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// It cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line cannot be understood.
    #[error("{path}:{line}: not a line of a transcript")]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
}

impl Transcript {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or a line cannot be understood.
    pub fn load(path: &Path) -> Result<Self, TranscriptError> {
        let text = std::fs::read_to_string(path).map_err(|source| TranscriptError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, text)
    }

    fn parse(path: &Path, text: String) -> Result<Self, TranscriptError> {
        let mut transcript = Self {
            path: path.to_owned(),
            start: StartState::default(),
            connections: 1,
            requires: Vec::new(),
            fixtures: Vec::new(),
            settings: Vec::new(),
            lines: Vec::new(),
            text: String::new(),
        };
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let known = line.trim().is_empty()
                || line.starts_with('#')
                || transcript.take_dialogue(number, line)
                || transcript.take_header(line).is_some();
            if !known {
                return Err(TranscriptError::Line {
                    path: path.to_owned(),
                    line: number,
                });
            }
        }
        transcript.text = text;
        Ok(transcript)
    }

    fn take_dialogue(&mut self, number: usize, line: &str) -> bool {
        let Some(line) = parse_line(number, line) else {
            return false;
        };
        self.lines.push(line);
        true
    }

    fn take_header(&mut self, line: &str) -> Option<()> {
        let (name, value) = line.split_once(": ")?;
        match name {
            "state" => self.start = parse_state(value)?,
            "connections" => self.connections = value.parse().ok()?,
            "requires" => self.requires = value.split(' ').map(str::to_owned).collect(),
            "mailbox" => self.fixtures.push(Fixture::Mailbox(value.to_owned())),
            "message" => self.fixtures.push(Fixture::Message(parse_message(value)?)),
            _ => self.settings.push((name.to_owned(), value.to_owned())),
        }
        Some(())
    }
}

/// Reads `C1: text` and its kin.
fn parse_line(number: usize, line: &str) -> Option<Line> {
    let (head, rest) = line.split_at_checked(line.find([':', '>', '~'])?)?;
    let connection = head.get(1..)?.parse::<usize>().ok()?.checked_sub(1)?;
    let (mark, text) = rest.split_at_checked(1)?;
    let kind = match (head.get(..1)?, mark) {
        ("C", ":") => LineKind::Send,
        ("C", ">") => LineKind::SendRaw,
        ("S", ":") => LineKind::Expect,
        ("S", "~") => LineKind::ExpectAnyOrder,
        _ => return None,
    };
    Some(Line {
        number,
        connection,
        kind,
        text: text.strip_prefix(' ').unwrap_or(text).to_owned(),
    })
}

fn parse_state(value: &str) -> Option<StartState> {
    Some(match value.split_once(' ') {
        None if value == "not-authenticated" => StartState::NotAuthenticated,
        None if value == "authenticated" => StartState::Authenticated,
        Some(("selected", mailbox)) => StartState::Selected(format!("SELECT {mailbox}")),
        Some(("examined", mailbox)) => StartState::Selected(format!("EXAMINE {mailbox}")),
        _ => return None,
    })
}

/// Reads `INBOX 3*plain.eml (\Seen) "17-Jul-1996 02:44:25 -0700"`.
fn parse_message(value: &str) -> Option<Message> {
    let (mailbox, rest) = value.split_once(' ')?;
    let (file, arguments) = rest.split_once(' ').unwrap_or((rest, ""));
    let (count, file) = match file.split_once('*') {
        Some((count, file)) => (count.parse().ok()?, file),
        None => (1, file),
    };
    Some(Message {
        mailbox: mailbox.to_owned(),
        count,
        file: file.to_owned(),
        arguments: arguments.to_owned(),
    })
}
