//! Playing a transcript against a server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::file::{Fixture, Line, LineKind, StartState, Transcript};
use super::pattern::{self, Captures};
use super::peer::{Peer, Said, Stream, show};

/// Makes connections to the server under test.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Opens one connection.
    async fn connect(&self) -> std::io::Result<Box<dyn Stream>>;
}

/// Who logs in. The account has nothing but its default mailboxes.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Why a transcript failed.
#[derive(Debug, thiserror::Error)]
#[error("{path}:{line}: expected {expected:?}, got {got:?}")]
pub struct Failure {
    /// The transcript.
    pub path: PathBuf,
    /// The line, from 1; 0 before the first.
    pub line: usize,
    /// What should have come.
    pub expected: String,
    /// What came.
    pub got: String,
}

/// What became of a transcript.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Play {
    /// All was as expected.
    Passed,
    /// The server does not offer what it needs.
    Skipped,
    /// Answers differed, and this is the text with the answers that came.
    Rewritten(String),
}

/// Plays a transcript. With `bless` answers that differ are written down instead of being failures.
///
/// # Errors
/// Names the first line that went otherwise than expected.
pub async fn play(
    transcript: &Transcript,
    server: &dyn Connect,
    credentials: &Credentials,
    bless: bool,
) -> Result<Play, Failure> {
    let mut player = Player {
        transcript,
        server,
        credentials,
        peers: Vec::new(),
        known: Captures::new(),
        rewritten: BTreeMap::new(),
        bless,
    };
    if !player.set_up().await? {
        return Ok(Play::Skipped);
    }
    player.dialogue().await?;
    if player.rewritten.is_empty() {
        return Ok(Play::Passed);
    }
    Ok(Play::Rewritten(player.rewrite()))
}

struct Player<'a> {
    transcript: &'a Transcript,
    server: &'a dyn Connect,
    credentials: &'a Credentials,
    peers: Vec<Peer>,
    known: Captures,
    /// New lines in place of a block, by the number of its first line; empty for its other lines.
    rewritten: BTreeMap<usize, Vec<String>>,
    bless: bool,
}

impl Player<'_> {
    /// Fills the account and brings the connections to where the dialogue begins. Returns whether the
    /// server has what is required.
    async fn set_up(&mut self) -> Result<bool, Failure> {
        let needs_nothing = self.transcript.fixtures.is_empty() && self.transcript.requires.is_empty();
        if !needs_nothing && !self.fill().await? {
            return Ok(false);
        }
        for _ in 0..self.transcript.connections {
            let mut peer = self.greeted().await?;
            if self.transcript.start != StartState::NotAuthenticated {
                self.log_in(&mut peer).await?;
            }
            if let StartState::Selected(select) = &self.transcript.start {
                self.command(&mut peer, select).await?;
            }
            self.peers.push(peer);
        }
        Ok(true)
    }

    async fn fill(&self) -> Result<bool, Failure> {
        let mut peer = self.greeted().await?;
        let capabilities = self.log_in(&mut peer).await?;
        let offered = |name: &String| capabilities.split([' ', ']']).any(|one| one == name);
        if !self.transcript.requires.iter().all(offered) {
            return Ok(false);
        }
        for fixture in &self.transcript.fixtures {
            self.make(&mut peer, fixture).await?;
        }
        self.command(&mut peer, "LOGOUT").await?;
        Ok(true)
    }

    async fn greeted(&self) -> Result<Peer, Failure> {
        let stream = self.server.connect().await;
        let stream = stream.map_err(|error| self.failure(0, "a connection", &error.to_string()))?;
        let mut peer = Peer::new(stream);
        match peer.hear().await {
            Said::Response(_) => Ok(peer),
            other => Err(self.failure(0, "a greeting", &format!("{other:?}"))),
        }
    }

    async fn log_in(&self, peer: &mut Peer) -> Result<String, Failure> {
        let Credentials { user, password } = self.credentials;
        self.command(peer, &format!("LOGIN \"{user}\" \"{password}\""))
            .await
    }

    async fn make(&self, peer: &mut Peer, fixture: &Fixture) -> Result<(), Failure> {
        match fixture {
            Fixture::Mailbox(name) => {
                self.command(peer, &format!("CREATE {name}")).await?;
            }
            Fixture::Message(message) => {
                let content = self.content(&message.file);
                for _ in 0..message.count {
                    let arguments = match message.arguments.as_str() {
                        "" => String::new(),
                        arguments => format!("{arguments} "),
                    };
                    let head = format!("APPEND {} {arguments}{{{}+}}\r\n", message.mailbox, content.len());
                    let command = [head.as_bytes(), &content].concat();
                    self.raw_command(peer, &command).await?;
                }
            }
        }
        Ok(())
    }

    /// Sends a command that must succeed and returns its tagged response.
    async fn command(&self, peer: &mut Peer, command: &str) -> Result<String, Failure> {
        self.raw_command(peer, command.as_bytes()).await
    }

    async fn raw_command(&self, peer: &mut Peer, command: &[u8]) -> Result<String, Failure> {
        peer.send(&[b"setup ", command, b"\r\n"].concat()).await;
        loop {
            match peer.hear().await {
                Said::Response(line) if line.starts_with("setup OK") => return Ok(line),
                Said::Response(line) if line.starts_with('*') => {}
                other => {
                    return Err(self.failure(0, &format!("OK to {}", show(command)), &format!("{other:?}")));
                }
            }
        }
    }

    async fn dialogue(&mut self) -> Result<(), Failure> {
        let lines = &self.transcript.lines;
        let mut rest = lines.as_slice();
        while let Some((line, after)) = rest.split_first() {
            match line.kind {
                LineKind::Send | LineKind::SendRaw => {
                    self.send(line).await?;
                    rest = after;
                }
                LineKind::Expect | LineKind::ExpectAnyOrder => {
                    let same = |other: &&Line| {
                        other.connection == line.connection
                            && matches!(other.kind, LineKind::Expect | LineKind::ExpectAnyOrder)
                    };
                    let length = rest.iter().take_while(same).count();
                    let (block, after) = rest.split_at(length);
                    let tag = self.tag_before(line);
                    self.expect(block, tag.as_deref()).await?;
                    rest = after;
                }
            }
        }
        Ok(())
    }

    /// Returns the tag of the last command before a line on the same connection, with which its block
    /// of answers ends.
    fn tag_before(&self, line: &Line) -> Option<String> {
        let before = self
            .transcript
            .lines
            .iter()
            .take_while(|other| other.number < line.number);
        let last = before
            .filter(|other| other.connection == line.connection)
            .last()?;
        let sent = last.kind == LineKind::Send;
        sent.then(|| last.text.split(' ').next().unwrap_or_default().to_owned())
    }

    async fn send(&mut self, line: &Line) -> Result<(), Failure> {
        let text = pattern::fill(&line.text, &self.known);
        if line.kind == LineKind::SendRaw {
            let bytes = unescape(&text);
            self.peer(line)?.send(&bytes).await;
            return Ok(());
        }
        let mut rest = text.as_str();
        while let Some((before, (name, after))) = literal_in(rest) {
            let (content, waits) = match name.strip_prefix('+') {
                Some(name) => (self.content(name), false),
                None => (self.content(name), true),
            };
            let plus = if waits { "" } else { "+" };
            let head = format!("{before}{{{}{plus}}}\r\n", content.len());
            let peer = self.peer(line)?;
            peer.send(head.as_bytes()).await;
            if waits {
                match peer.hear().await {
                    Said::Response(answer) if answer.starts_with('+') => {}
                    other => return Err(self.failure(line.number, "+ ...", &format!("{other:?}"))),
                }
            }
            self.peer(line)?.send(&content).await;
            rest = after;
        }
        let end = format!("{rest}\r\n");
        self.peer(line)?.send(end.as_bytes()).await;
        Ok(())
    }

    /// Compares a block of answers with what comes.
    async fn expect(&mut self, block: &[Line], tag: Option<&str>) -> Result<(), Failure> {
        let mut came = Vec::new();
        let mut open: Vec<&Line> = block.iter().collect();
        let mut failure = None;
        while !open.is_empty() && failure.is_none() {
            let Some(first) = open.first() else { break };
            let (number, expected) = (first.number, first.text.clone());
            let said = match self.peer(first)?.hear().await {
                Said::Response(response) => response,
                Said::Closed => "<closed>".to_owned(),
                Said::Silence => "<silence>".to_owned(),
            };
            if !self.accept(&mut open, &said) {
                failure = Some(self.failure(number, &expected, &said));
            }
            came.push(said);
        }
        match failure {
            None => Ok(()),
            Some(failure) if !self.bless => Err(failure),
            Some(_) => self.bless(block, came, tag).await,
        }
    }

    /// Takes the expected line off that this answer is: the first, or one of the first few that may
    /// come in any order.
    fn accept(&mut self, open: &mut Vec<&Line>, said: &str) -> bool {
        let any_order = |line: &&&Line| line.kind == LineKind::ExpectAnyOrder;
        let candidates = open.iter().take_while(any_order).count().max(1);
        for index in 0..candidates.min(open.len()) {
            let Some(line) = open.get(index) else { return false };
            let literal = |name: &str| {
                let content = self.content(name);
                format!("{{{}}}\\r\\n{}", content.len(), show(&content))
            };
            let pieces = pattern::pieces(&line.text, &literal);
            if let Some(known) = pattern::matches(&pieces, said, &self.known) {
                self.known = known;
                open.remove(index);
                return true;
            }
        }
        false
    }

    /// Hears the rest of the answers and notes them in place of the block.
    async fn bless(
        &mut self,
        block: &[Line],
        mut came: Vec<String>,
        tag: Option<&str>,
    ) -> Result<(), Failure> {
        let Some(first) = block.first() else { return Ok(()) };
        let ends = |said: &String| {
            said.starts_with('<')
                || said.starts_with('+')
                || tag.is_none_or(|tag| said.starts_with(&format!("{tag} ")))
        };
        while !came.last().is_some_and(ends) {
            came.push(match self.peer(first)?.hear().await {
                Said::Response(response) => response,
                Said::Closed => "<closed>".to_owned(),
                Said::Silence => "<silence>".to_owned(),
            });
        }
        let lines = came
            .iter()
            .map(|said| format!("S{}: {said}", first.connection + 1));
        self.rewritten
            .extend(block.iter().map(|line| (line.number, Vec::new())));
        self.rewritten.insert(first.number, lines.collect());
        Ok(())
    }

    fn rewrite(&self) -> String {
        let mut text = String::new();
        for (index, line) in self.transcript.text.lines().enumerate() {
            let lines = match self.rewritten.get(&(index + 1)) {
                Some(lines) => lines.clone(),
                None => vec![line.to_owned()],
            };
            for line in lines {
                text.push_str(&line);
                text.push('\n');
            }
        }
        text
    }

    fn peer(&mut self, line: &Line) -> Result<&mut Peer, Failure> {
        let failure = self.failure(line.number, "a connection of that number", "none");
        self.peers.get_mut(line.connection).ok_or(failure)
    }

    /// Returns the bytes that a literal names: a text in quotes, or a file with its line ends as CRLF.
    fn content(&self, name: &str) -> Vec<u8> {
        if let Some(text) = name.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            return unescape(text);
        }
        let folder = self.transcript.path.parent().unwrap_or(Path::new("."));
        let text = std::fs::read(folder.join("messages").join(name)).unwrap_or_default();
        let mut content = Vec::with_capacity(text.len());
        for byte in text {
            if byte == b'\n' && content.last() != Some(&b'\r') {
                content.push(b'\r');
            }
            content.push(byte);
        }
        content
    }

    fn failure(&self, line: usize, expected: &str, got: &str) -> Failure {
        Failure {
            path: self.transcript.path.clone(),
            line,
            expected: expected.to_owned(),
            got: got.to_owned(),
        }
    }
}

/// Splits a text at its first `<<name>>`.
fn literal_in(text: &str) -> Option<(&str, (&str, &str))> {
    let (before, rest) = text.split_once("<<")?;
    Some((before, rest.split_once(">>")?))
}

/// Reads `\r`, `\n`, `\t`, `\\` and `\xNN`.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'r') => bytes.push(b'\r'),
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'x') => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.extend(u8::from_str_radix(&digits, 16));
            }
            Some(other) => bytes.push(other),
            None => bytes.push(b'\\'),
        }
    }
    bytes
}
