//! An IMAP client that sends what it is told and keeps all that it hears.

mod answer;
mod reader;

use std::io::{self, Write};
use std::time::Duration;

pub use answer::{Answer, Fetched, Status};
use reader::Reader;

use crate::server::Access;
use crate::stream::Stream;
use crate::{log, wait};

/// Lines of the dialogue that are shown when a test fails.
const DIALOGUE_LINES_MAX: usize = 60;

/// A connection to the server. `ok` and the functions named after commands end the test when the server refuses;
/// `run` returns whatever is answered, and the end of the connection as an error, for tests that kill the server.
#[derive(Debug)]
pub struct Imap {
    stream: Option<Stream>,
    reader: Reader,
    tags: u32,
    dialogue: Vec<String>,
}

impl Imap {
    /// Connects over TLS and hears the greeting.
    ///
    /// # Errors
    /// When there is no server, or it does not greet.
    pub fn connect(access: &Access) -> io::Result<Self> {
        let stream = Stream::connect(access.imaps, wait::LIMIT)?;
        Self::greeted(stream.secure(&access.certificates.client())?)
    }

    /// Connects in clear text and hears the greeting.
    ///
    /// # Errors
    /// When there is no server, or it does not greet.
    pub fn connect_plain(access: &Access) -> io::Result<Self> {
        Self::greeted(Stream::connect(access.imap, wait::LIMIT)?)
    }

    /// Connects over TLS and logs in as the first account.
    ///
    /// # Panics
    /// When that is refused.
    #[must_use]
    pub fn login(access: &Access) -> Self {
        Self::login_as(access, &access.user)
    }

    /// Connects over TLS and logs in as one of the accounts; they share a password.
    ///
    /// # Panics
    /// When that is refused.
    #[must_use]
    pub fn login_as(access: &Access, user: &str) -> Self {
        Self::try_login(access, user).expect("a connection that is logged in")
    }

    /// Connects over TLS and logs in, or returns why not.
    ///
    /// # Errors
    /// When the connection ends, or the login is refused.
    pub fn try_login(access: &Access, user: &str) -> io::Result<Self> {
        let mut client = Self::connect(access)?;
        let answer = client.run(format!("LOGIN \"{user}\" \"{}\"", access.password))?;
        match answer.status {
            Status::Ok => Ok(client),
            Status::No | Status::Bad => Err(io::Error::other(answer.text)),
        }
    }

    /// Begins TLS on a connection in clear text (RFC 3501 §6.2.1).
    ///
    /// # Panics
    /// When that is refused.
    pub fn starttls(&mut self, access: &Access) {
        self.ok("STARTTLS");
        let stream = self.stream.take().expect("invariant: taken here only");
        let secured = stream.secure(&access.certificates.client());
        self.stream = Some(secured.expect("a handshake"));
    }

    /// Sends a command and returns the answer. The command may hold literals as they go on the wire, but only ones
    /// that wait for nothing.
    ///
    /// # Errors
    /// When the connection ends.
    pub fn run(&mut self, command: impl AsRef<[u8]>) -> io::Result<Answer> {
        let tag = self.send_command(command.as_ref())?;
        self.answer(&tag)
    }

    /// Sends a command and returns its tag, under which [`Imap::end`] waits for the answer.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn begin(&mut self, command: impl AsRef<[u8]>) -> io::Result<String> {
        self.send_command(command.as_ref())
    }

    /// Waits for the answer to a command that was begun. Any other tagged response in its place is an error.
    ///
    /// # Errors
    /// When the connection ends.
    pub fn end(&mut self, tag: &str) -> io::Result<Answer> {
        self.answer(tag)
    }

    /// Hears on until the server invites to go on (RFC 3501 §7.5).
    ///
    /// # Panics
    /// When it does not.
    pub fn invited(&mut self) {
        loop {
            let line = self.hear(wait::LIMIT).expect("an invitation");
            if line.starts_with(b"+") {
                return;
            }
            let shown = String::from_utf8_lossy(&line).into_owned();
            assert!(line.starts_with(b"* "), "refused: {shown}");
        }
    }

    /// Takes so many bytes of what the server sends off the network, and nothing of what lies behind them, so that
    /// the server waits for the reader; they are heard later.
    ///
    /// # Errors
    /// When the connection ends.
    pub fn collect(&mut self, bytes: usize) -> io::Result<()> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        stream.socket().set_read_timeout(Some(wait::LIMIT))?;
        self.reader.fill(stream, bytes)
    }

    /// Sends a command that must succeed.
    ///
    /// # Panics
    /// When it does not.
    pub fn ok(&mut self, command: impl AsRef<[u8]>) -> Answer {
        let answer = self.expect(command.as_ref());
        let shown = String::from_utf8_lossy(command.as_ref());
        assert_eq!(answer.status, Status::Ok, "{shown}: {}", answer.text);
        answer
    }

    /// Sends a command that must be refused with NO and returns the refusal.
    ///
    /// # Panics
    /// When it is not.
    pub fn refused(&mut self, command: impl AsRef<[u8]>) -> Answer {
        let answer = self.expect(command.as_ref());
        let shown = String::from_utf8_lossy(command.as_ref());
        assert_eq!(answer.status, Status::No, "{shown}: {}", answer.text);
        answer
    }

    /// Appends a message and returns the answer (RFC 7888 literal, RFC 4315 UID).
    ///
    /// # Errors
    /// When the connection ends.
    pub fn append(&mut self, mailbox: &str, flags: &str, message: &[u8]) -> io::Result<Answer> {
        let head = format!("APPEND {mailbox} ({flags}) {{{}+}}\r\n", message.len());
        self.run([head.as_bytes(), message].concat())
    }

    /// Appends a message to INBOX and returns its UID.
    ///
    /// # Panics
    /// When that is refused.
    pub fn deposit(&mut self, message: &[u8]) -> u64 {
        let answer = self.append("INBOX", "", message).expect("an answer to APPEND");
        let code = answer.code_numbers("APPENDUID");
        assert_eq!(code.len(), 2, "APPENDUID of {answer:?}");
        code.last().copied().unwrap_or_default()
    }

    /// Appends messages to a mailbox by one command (RFC 3502).
    ///
    /// # Panics
    /// When that is refused.
    pub fn deposit_all(&mut self, mailbox: &str, messages: &[Vec<u8>]) {
        let mut command = format!("APPEND {mailbox}").into_bytes();
        for message in messages {
            command.extend(format!(" {{{}+}}\r\n", message.len()).into_bytes());
            command.extend(message);
        }
        self.ok(command);
    }

    /// Selects a mailbox and returns UID, flags and body of all its messages in the order of their UIDs.
    ///
    /// # Panics
    /// When that is refused.
    pub fn dump(&mut self, mailbox: &str) -> Vec<Fetched> {
        let select = self.ok(format!("SELECT {mailbox}"));
        if select.number("EXISTS") == Some(0) {
            return Vec::new();
        }
        self.ok("UID FETCH 1:* (UID FLAGS BODY.PEEK[])").fetched()
    }

    /// Returns the number of messages in a mailbox.
    ///
    /// # Panics
    /// When the server does not say.
    pub fn count(&mut self, mailbox: &str) -> u64 {
        let lines = self.ok(format!("STATUS {mailbox} (MESSAGES)")).lines();
        let count = lines.iter().find_map(|line| {
            let (_, rest) = line.split_once("(MESSAGES ")?;
            rest.split(')').next()?.parse().ok()
        });
        count.expect("MESSAGES in STATUS")
    }

    /// Begins IDLE (RFC 2177).
    ///
    /// # Panics
    /// When it is refused.
    pub fn idle(&mut self) -> Idle<'_> {
        let tag = self.begin("IDLE").expect("a connection to send on");
        self.invited();
        Idle { client: self, tag }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.note("C", bytes);
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// Returns the next response with its literals and without its line end.
    ///
    /// # Errors
    /// When the connection ends, or there is none in the time.
    pub fn hear(&mut self, limit: Duration) -> io::Result<Vec<u8>> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        stream.socket().set_read_timeout(Some(limit))?;
        let line = self.reader.response(stream)?;
        self.note("S", &line);
        Ok(line)
    }

    fn greeted(stream: Stream) -> io::Result<Self> {
        let mut client = Self {
            stream: Some(stream),
            reader: Reader::default(),
            tags: 0,
            dialogue: Vec::new(),
        };
        let greeting = client.hear(wait::LIMIT)?;
        match greeting.starts_with(b"* OK") {
            true => Ok(client),
            false => Err(io::Error::other(String::from_utf8_lossy(&greeting).into_owned())),
        }
    }

    fn expect(&mut self, command: &[u8]) -> Answer {
        let answer = self.run(command);
        let shown = String::from_utf8_lossy(command).into_owned();
        assert!(answer.is_ok(), "{shown}: {:?}", answer.as_ref().err());
        answer.expect("invariant: asserted above")
    }

    fn send_command(&mut self, command: &[u8]) -> io::Result<String> {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        self.send(&[tag.as_bytes(), b" ", command, b"\r\n"].concat())?;
        Ok(tag)
    }

    fn answer(&mut self, tag: &str) -> io::Result<Answer> {
        let mut untagged = Vec::new();
        loop {
            let line = self.hear(wait::LIMIT)?;
            if let Some(response) = line.strip_prefix(b"* ") {
                untagged.push(response.to_owned());
                continue;
            }
            let text = String::from_utf8_lossy(&line).into_owned();
            let rest = text.strip_prefix(tag).map(str::trim_start);
            let (status, text) = rest
                .and_then(read_status)
                .ok_or_else(|| io::Error::other(text.clone()))?;
            return Ok(Answer {
                untagged,
                status,
                text,
            });
        }
    }

    fn note(&mut self, who: &str, bytes: &[u8]) {
        if self.dialogue.len() >= DIALOGUE_LINES_MAX {
            self.dialogue.remove(0);
        }
        let mut shown = bytes.escape_ascii().to_string();
        shown.truncate(400);
        self.dialogue.push(format!("{who}: {shown}"));
    }
}

impl Drop for Imap {
    fn drop(&mut self) {
        if std::thread::panicking() {
            log::note(&format!("--- dialogue ---\n{}", self.dialogue.join("\n")));
        }
    }
}

/// A connection in IDLE.
#[derive(Debug)]
pub struct Idle<'a> {
    client: &'a mut Imap,
    tag: String,
}

impl Idle<'_> {
    /// Waits until the server tells something that ends so, as in `EXISTS`.
    ///
    /// # Panics
    /// When it does not.
    pub fn told(&mut self, end: &str) -> String {
        loop {
            let line = self.client.hear(wait::LIMIT).expect("news in IDLE");
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.ends_with(end) {
                return line;
            }
        }
    }

    /// Ends IDLE.
    ///
    /// # Panics
    /// When the server does not.
    pub fn done(self) -> Answer {
        self.client.send(b"DONE\r\n").expect("a connection to send on");
        self.client.answer(&self.tag).expect("the end of IDLE")
    }
}

fn read_status(text: &str) -> Option<(Status, String)> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let status = match word {
        "OK" => Status::Ok,
        "NO" => Status::No,
        "BAD" => Status::Bad,
        _ => return None,
    };
    Some((status, rest.to_owned()))
}
