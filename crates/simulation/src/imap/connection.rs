//! One connection of a mail program: each command gets its one answer, and what else comes must be allowed.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::view::SessionView;
use super::wire::{Response, Wire};
use crate::history::{Check, History};
use crate::proxies::Proxies;

/// How long a proxy may take to answer: longer than its patience with the storage nodes, which it may need more than
/// once for one command.
const ANSWER_MAX: Duration = Duration::from_secs(150);

/// The connection is lost, which is written down if it must not have been.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lost;

/// How a command was answered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Answered {
    /// The tagged response, without its tag.
    pub(crate) status: Response,
    /// What came before it.
    pub(crate) untagged: Vec<Response>,
}

impl Answered {
    pub(crate) fn is_ok(&self) -> bool {
        self.status.text.starts_with("OK")
    }

    /// Tells whether the command may have been carried out all the same, or may be later.
    pub(crate) fn is_unknown(&self) -> bool {
        self.status.text.starts_with("NO [UNAVAILABLE]")
    }

    /// Returns the response with this code, tagged or not.
    pub(crate) fn with_code(&self, code: &str) -> Option<&Response> {
        let mut all = self.untagged.iter().chain([&self.status]);
        all.find(|response| response.text.contains(&format!("[{code} ")))
    }
}

/// A connection.
pub(crate) struct Connection {
    wire: Wire,
    /// Cancelled when the proxy is gone.
    proxy: CancellationToken,
    /// Who speaks, for the trace.
    name: String,
    history: Arc<Mutex<History>>,
    tags: u32,
    pub(crate) view: SessionView,
}

/// What came next.
enum Heard {
    Untagged(Response),
    Continue,
    Tagged(Response),
}

impl Connection {
    /// Connects with a proxy, if it runs, and hears its greeting.
    pub(crate) async fn open(
        proxies: &Proxies,
        proxy: &str,
        name: &str,
        history: &Arc<Mutex<History>>,
    ) -> Option<Self> {
        let (stream, process) = proxies.connect(proxy)?;
        let mut connection = Self {
            wire: Wire::new(stream),
            proxy: process,
            name: format!("{name} at {proxy}"),
            history: Arc::clone(history),
            tags: 0,
            view: SessionView::default(),
        };
        match connection.next("", Instant::now() + ANSWER_MAX).await {
            Ok(Heard::Untagged(greeting)) if greeting.text.starts_with("* OK ") => Some(connection),
            Ok(_) => {
                connection.violation("not greeted");
                None
            }
            Err(Lost) => None,
        }
    }

    /// Does a command to its end.
    pub(crate) async fn command(&mut self, command: &str) -> Result<Answered, Lost> {
        let tag = self.begin(command).await;
        self.answer(&tag, command).await
    }

    /// Sends a message behind a command that announces it.
    pub(crate) async fn append(&mut self, mailbox: &str, octets: &[u8]) -> Result<Answered, Lost> {
        let command = format!("APPEND {mailbox} {{{}}}", octets.len());
        let tag = self.begin(&command).await;
        let mut before = Vec::new();
        loop {
            match self.next(&command, Instant::now() + ANSWER_MAX).await? {
                Heard::Untagged(response) => before.push(response),
                Heard::Continue => break,
                Heard::Tagged(status) => return self.tagged(&tag, &command, status, before),
            }
        }
        self.wire.send(octets).await;
        self.wire.send(b"\r\n").await;
        let mut answered = self.answer(&tag, &command).await?;
        before.append(&mut answered.untagged);
        answered.untagged = before;
        Ok(answered)
    }

    /// Waits with IDLE for so long, and calls `seen` with the number of messages whenever it is told.
    pub(crate) async fn idle(&mut self, time: Duration, mut seen: impl FnMut(usize)) -> Result<(), Lost> {
        let tag = self.begin("IDLE").await;
        let end = Instant::now() + time;
        loop {
            let heard = match timeout_at(end, self.wire.response()).await {
                Err(_) => break,
                Ok(response) => self.understand(response, "IDLE")?,
            };
            match heard {
                Heard::Untagged(_) | Heard::Continue => seen(self.view.exists()),
                Heard::Tagged(status) => {
                    self.violation(&format!("IDLE ended by itself: {}", status.text));
                    return Err(Lost);
                }
            }
        }
        self.wire.send(b"DONE\r\n").await;
        self.answer(&tag, "IDLE").await?;
        seen(self.view.exists());
        Ok(())
    }

    async fn begin(&mut self, command: &str) -> String {
        self.tags += 1;
        let tag = format!("A{}", self.tags);
        self.note(&format!("> {tag} {command}"));
        self.wire.send(format!("{tag} {command}\r\n").as_bytes()).await;
        tag
    }

    async fn answer(&mut self, tag: &str, command: &str) -> Result<Answered, Lost> {
        let end = Instant::now() + ANSWER_MAX;
        let mut untagged = Vec::new();
        loop {
            match self.next(command, end).await? {
                Heard::Untagged(response) => untagged.push(response),
                // The sign of IDLE may come late.
                Heard::Continue if command == "IDLE" => {}
                Heard::Continue => self.violation("asked to go on without a reason"),
                Heard::Tagged(status) => return self.tagged(tag, command, status, untagged),
            }
        }
    }

    fn tagged(
        &mut self,
        tag: &str,
        command: &str,
        status: Response,
        untagged: Vec<Response>,
    ) -> Result<Answered, Lost> {
        let Some(text) = status.text.strip_prefix(&format!("{tag} ")) else {
            self.violation(&format!("{} answers nothing, {tag} {command} waits", status.text));
            return Err(Lost);
        };
        let text = text.to_owned();
        if text.starts_with("BAD") || text.starts_with("NO [SERVERBUG]") {
            self.violation(&format!("{command} was answered {text}"));
        }
        Ok(Answered {
            status: Response { text, ..status },
            untagged,
        })
    }

    async fn next(&mut self, command: &str, end: Instant) -> Result<Heard, Lost> {
        match timeout_at(end, self.wire.response()).await {
            Ok(response) => self.understand(response, command),
            Err(_) => {
                self.violation(&format!("{command} was not answered"));
                Err(Lost)
            }
        }
    }

    fn understand(&mut self, response: Option<Response>, command: &str) -> Result<Heard, Lost> {
        let Some(response) = response else {
            self.note("connection is lost");
            if !self.proxy.is_cancelled() {
                self.violation("a connection through a live proxy was lost");
            }
            return Err(Lost);
        };
        self.note(&format!("< {}", response.text));
        if response.text.starts_with("+ ") {
            return Ok(Heard::Continue);
        }
        if !response.text.starts_with("* ") {
            return Ok(Heard::Tagged(response));
        }
        if response.text.starts_with("* BYE") && !command.starts_with("LOGOUT") {
            self.violation(&format!("a session was ended: {}", response.text));
        }
        if let Err(what) = self.view.hear(&response, command) {
            self.violation(&what);
        }
        Ok(Heard::Untagged(response))
    }

    /// Begins with a mailbox anew.
    pub(crate) async fn select(&mut self, mailbox: &str) -> Result<Answered, Lost> {
        self.view = SessionView::default();
        self.command(&format!("SELECT {mailbox}")).await
    }

    pub(crate) fn violation(&self, what: &str) {
        let text = format!("{}: {what}", self.name);
        self.history.lock().violation(Check::Imap, text);
    }

    /// Writes down the outcome of a check.
    pub(crate) fn require(&self, outcome: Result<(), String>) {
        if let Err(what) = outcome {
            self.violation(&what);
        }
    }

    fn note(&self, what: &str) {
        let short: String = what.chars().take(200).collect();
        self.history.lock().note(format!("{} {short}", self.name));
    }
}
