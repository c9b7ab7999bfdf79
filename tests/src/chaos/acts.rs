//! What a client does with messages.

use history::{Command, FlagChange, Messages, Numbers, Response};
use rand::Rng;
use rand::seq::IndexedRandom;

use super::message::Message;
use super::worker::Worker;

/// Flags that clients set and take away.
const FLAGS: [&str; 6] = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Work", "$Later"];
/// Ends the tokens of messages that are only ever moved.
const MOVED_ONLY: char = 'p';
/// Messages whose tokens are asked for at once.
const LEARNED_MAX: usize = 20;

impl Worker {
    pub fn new_message(&mut self, moved_only: bool) -> Message {
        self.made += 1;
        let end = if moved_only { "p" } else { "" };
        let token = format!("{}-{}-{}{end}", self.client.account, self.client.name, self.made);
        let bytes = *[100, 100, 100, 3_000].choose(&mut self.random).unwrap_or(&100);
        Message::make(&token, bytes)
    }

    pub fn append(&mut self) -> Option<()> {
        let name = self.any_hot();
        let moved_only = self.random.random_bool(0.05);
        self.append_to(&name, moved_only)
    }

    pub fn append_to(&mut self, name: &str, moved_only: bool) -> Option<()> {
        let message = self.new_message(moved_only);
        let flags = match self.random.random_bool(0.3) {
            true => vec![self.any_flag()],
            false => Vec::new(),
        };
        let head = format!(
            "APPEND {name} ({}) {{{}+}}\r\n",
            flags.join(" "),
            message.bytes.len()
        );
        let command = Command::Append {
            to: name.to_owned(),
            token: message.token.clone(),
            hash: message.content.hash.clone(),
            size: message.content.size,
            flags,
        };
        let reply = self
            .client
            .run(command, [head.as_bytes(), &message.bytes].concat())?;
        let mut words = reply
            .code
            .strip_prefix("APPENDUID ")
            .unwrap_or_default()
            .split(' ');
        let mut number = || words.next().and_then(|word| word.parse().ok());
        if let (Some(validity), Some(uid)) = (number(), number()) {
            self.tokens.insert((validity, uid), message.token);
        }
        Some(())
    }

    fn any_flag(&mut self) -> String {
        (*FLAGS.choose(&mut self.random).unwrap_or(&"\\Seen")).to_owned()
    }

    pub fn store(&mut self) -> Option<()> {
        let Some(uid) = self.any_uid() else {
            return self.append();
        };
        let flags = vec![self.any_flag()];
        let change = match self.random.random_range(0..20) {
            0..10 => FlagChange::Add,
            10..19 => FlagChange::Remove,
            _ => FlagChange::Replace,
        };
        let silent = if self.random.random_bool(0.3) {
            ".SILENT"
        } else {
            ""
        };
        let number = self.view()?.number(uid).filter(|_| self.random.random_bool(0.3));
        let (messages, target) = match number {
            Some(number) => (Messages::Numbers(vec![number]), format!("STORE {number}")),
            None => (Messages::Uids(vec![uid]), format!("UID STORE {uid}")),
        };
        let wire = format!("{target} {}FLAGS{silent} ({})", sign(change), flags.join(" "));
        let command = Command::Store {
            messages,
            change,
            flags,
            unchanged_since: None,
        };
        self.client.run(command, wire).map(drop)
    }

    /// Changes a flag only if nobody else has changed the message; the change is one for certain.
    pub fn compare_and_set(&mut self) -> Option<()> {
        let Some(uid) = self.any_uid() else {
            return self.append();
        };
        let Some((flags, modseq)) = self.view()?.known(uid).and_then(|known| known.state.clone()) else {
            return self.fetch();
        };
        let flag = self.any_flag();
        let change = match flags.contains(&flag) {
            true => FlagChange::Remove,
            false => FlagChange::Add,
        };
        let wire = format!(
            "UID STORE {uid} (UNCHANGEDSINCE {modseq}) {}FLAGS ({flag})",
            sign(change)
        );
        let command = Command::Store {
            messages: Messages::Uids(vec![uid]),
            change,
            flags: vec![flag],
            unchanged_since: Some(modseq),
        };
        self.client.run(command, wire).map(drop)
    }

    /// Sends changes of one flag that undo each other, and a look, all at once.
    pub fn pipelined(&mut self) -> Option<()> {
        let Some(uid) = self.any_uid() else {
            return self.append();
        };
        let flag = self.any_flag();
        let store = |change| {
            let command = Command::Store {
                messages: Messages::Uids(vec![uid]),
                change,
                flags: vec![flag.clone()],
                unchanged_since: None,
            };
            (command, format!("UID STORE {uid} {}FLAGS ({flag})", sign(change)))
        };
        let fetch = Command::Fetch {
            messages: Messages::Uids(vec![uid]),
            changed_since: None,
        };
        let look = (fetch, format!("UID FETCH {uid} (FLAGS MODSEQ)"));
        self.client
            .pipeline(vec![store(FlagChange::Add), store(FlagChange::Remove), look])
    }

    pub fn fetch(&mut self) -> Option<()> {
        let Some(uid) = self.any_uid() else {
            return self.append();
        };
        let number = self.view()?.number(uid).filter(|_| self.random.random_bool(0.4));
        let body = if self.random.random_bool(0.1) {
            " RFC822.SIZE BODY.PEEK[]"
        } else {
            ""
        };
        let (messages, target) = match number {
            Some(number) => (Messages::Numbers(vec![number]), format!("FETCH {number}")),
            None => (Messages::Uids(vec![uid]), format!("UID FETCH {uid}")),
        };
        let command = Command::Fetch {
            messages,
            changed_since: None,
        };
        self.client
            .run(command, format!("{target} (UID FLAGS MODSEQ{body})"))
            .map(drop)
    }

    /// Asks which messages those are that came from elsewhere.
    pub fn learn(&mut self) -> Option<()> {
        let view = self.view()?;
        let validity = view.validity;
        let unknown = view
            .uids()
            .into_iter()
            .filter(|uid| !self.tokens.contains_key(&(validity, *uid)));
        let unknown: Vec<u32> = unknown.take(LEARNED_MAX).collect();
        if unknown.is_empty() {
            return self.fetch();
        }
        let wire = format!(
            "UID FETCH {} (UID BODY.PEEK[HEADER.FIELDS (X-CHK)])",
            Numbers::text(&unknown)
        );
        let command = Command::Fetch {
            messages: Messages::Uids(unknown),
            changed_since: None,
        };
        let reply = self.client.run(command, wire)?;
        for line in &reply.lines {
            if let Response::Fetch(fetched) = Response::parse(line)
                && let (Some(uid), Some(token)) = (fetched.uid, fetched.token)
            {
                self.tokens.insert((validity, uid), token);
            }
        }
        Some(())
    }

    pub fn ask_since(&mut self) -> Option<()> {
        let view = self.view()?;
        if view.messages.is_empty() || view.modseq == 0 {
            return self.noop();
        }
        let modseq = view.modseq.saturating_sub(self.random.random_range(0..30)).max(1);
        if self.random.random_bool(0.5) {
            let wire = format!("UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE {modseq})");
            let command = Command::Fetch {
                messages: Messages::All,
                changed_since: Some(modseq),
            };
            return self.client.run(command, wire).map(drop);
        }
        let command = Command::Changed { modseq };
        self.client
            .run(command, format!("UID SEARCH MODSEQ {modseq}"))
            .map(drop)
    }

    pub fn search(&mut self) -> Option<()> {
        let (flag, key) = *[
            ("\\Seen", "SEEN"),
            ("\\Flagged", "FLAGGED"),
            ("\\Answered", "ANSWERED"),
            ("$Work", "KEYWORD $Work"),
        ]
        .choose(&mut self.random)?;
        let flag = flag.to_owned();
        self.client
            .run(Command::Search { flag }, format!("UID SEARCH {key}"))
            .map(drop)
    }

    pub fn status(&mut self) -> Option<()> {
        let name = self.any_hot();
        let wire = format!("STATUS {name} (MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ)");
        self.client.run(Command::Status { name }, wire).map(drop)
    }

    /// Moves a message of its own that is never anything but moved.
    pub fn swing(&mut self) -> Option<()> {
        let own = format!("{}-{}-", self.client.account, self.client.name);
        let uid = self.any_with(|token| token.starts_with(&own) && token.ends_with(MOVED_ONLY));
        let Some(uid) = uid else { return self.fetch() };
        let here = self.view()?.name.clone();
        let to = super::worker::HOT.iter().find(|name| **name != here)?;
        self.transfer(uid, "MOVE", to)
    }

    pub fn copy(&mut self) -> Option<()> {
        let uid = self.any_with(|token| !token.ends_with(MOVED_ONLY));
        let Some(uid) = uid else { return self.learn() };
        let to = self.any_hot();
        self.transfer(uid, "COPY", &to)
    }

    fn transfer(&mut self, uid: u32, verb: &str, to: &str) -> Option<()> {
        let (uids, target) = (vec![uid], to.to_owned());
        let command = match verb {
            "MOVE" => Command::Move { uids, to: target },
            _ => Command::Copy { uids, to: target },
        };
        let validity = self.view()?.validity;
        let reply = self.client.run(command, format!("UID {verb} {uid} {to}"))?;
        let codes = reply
            .lines
            .iter()
            .filter_map(|line| line.strip_prefix("OK [COPYUID "));
        let words = reply
            .code
            .strip_prefix("COPYUID ")
            .into_iter()
            .chain(codes)
            .next();
        let words = words
            .and_then(|words| words.split(']').next())
            .unwrap_or_default();
        let numbers: Vec<u32> = words.split(' ').filter_map(|word| word.parse().ok()).collect();
        if let ([target, _, new], Some(token)) = (numbers.as_slice(), self.tokens.get(&(validity, uid))) {
            self.tokens.insert((*target, *new), token.clone());
        }
        Some(())
    }

    /// Marks a message and removes it; what is only ever moved stays.
    pub fn remove(&mut self) -> Option<()> {
        let uid = self.any_with(|token| !token.ends_with(MOVED_ONLY));
        let Some(uid) = uid else { return self.learn() };
        let command = Command::Store {
            messages: Messages::Uids(vec![uid]),
            change: FlagChange::Add,
            flags: vec!["\\Deleted".to_owned()],
            unchanged_since: None,
        };
        self.client
            .run(command, format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"))?;
        if self.random.random_bool(0.1) {
            return self
                .client
                .run(Command::Expunge { uids: None }, "EXPUNGE")
                .map(drop);
        }
        let command = Command::Expunge {
            uids: Some(vec![uid]),
        };
        self.client.run(command, format!("UID EXPUNGE {uid}")).map(drop)
    }
}

fn sign(change: FlagChange) -> &'static str {
    match change {
        FlagChange::Add => "+",
        FlagChange::Remove => "-",
        FlagChange::Replace => "",
    }
}
