//! Histories made by hand, for the tests of the rules.

use crate::record::{Command, FaultKind, FlagChange, Messages, NEMESIS, Outcome, Record, Resync, Told};
use crate::report::Bounds;
use crate::{Checker, Content};

/// A history in the making. Each record takes the next ten microseconds.
#[derive(Debug)]
pub struct Sample {
    pub records: Vec<Record>,
    process: String,
    account: String,
    session: u32,
    now: u64,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            process: "w1".to_owned(),
            account: "a".to_owned(),
            session: 1,
            now: 0,
        }
    }
}

/// The verdict on a history in which nothing is wrong.
pub const NONE: [u8; 0] = [];

/// Returns the flags of a list.
pub fn flags(list: &str) -> Vec<String> {
    list.split_whitespace().map(str::to_owned).collect()
}

/// Returns what a client knows of the mailbox with UIDVALIDITY 1.
pub fn known(modseq: u64) -> Option<Resync> {
    Some(Resync {
        uid_validity: 1,
        modseq,
    })
}

impl Sample {
    /// Goes on as another client.
    pub fn client(&mut self, process: &str) -> &mut Self {
        process.clone_into(&mut self.process);
        self
    }

    /// Goes on with another account.
    pub fn account(&mut self, account: &str) -> &mut Self {
        account.clone_into(&mut self.account);
        self
    }

    /// Goes on with a new connection.
    pub fn reconnect(&mut self) -> &mut Self {
        self.session += 1;
        self
    }

    /// Goes back to the connection before.
    pub fn session_before(&mut self) -> &mut Self {
        self.session -= 1;
        self
    }

    /// Lets time pass.
    pub fn wait(&mut self, time: u64) -> &mut Self {
        self.now += time;
        self
    }

    /// Adds a command that is carried out.
    pub fn run(&mut self, command: Command) -> &mut Record {
        self.lines(command, &[])
    }

    /// Adds a command that is carried out and these responses.
    pub fn lines(&mut self, command: Command, lines: &[&str]) -> &mut Record {
        let begin = self.now;
        self.now += 10;
        let told = |line: &&str| Told {
            at: begin + 5,
            line: (*line).to_owned(),
        };
        self.records.push(Record {
            process: self.process.clone(),
            session: self.session,
            via_proxy: "proxy-1".to_owned(),
            tag: format!("t{}", self.records.len()),
            account: self.account.clone(),
            mailbox: None,
            uid_validity_known: None,
            command,
            t_invoke: begin,
            t_complete: begin + 9,
            outcome: Outcome::Ok,
            resp_code: None,
            untagged: lines.iter().map(told).collect(),
        });
        self.records.last_mut().expect("invariant: just pushed")
    }

    /// Adds a fault of this duration.
    pub fn fault(&mut self, kind: FaultKind, target: &str, duration: u64) -> &mut Record {
        let target = target.to_owned();
        let record = self.run(Command::Fault { kind, target });
        NEMESIS.clone_into(&mut record.process);
        record.t_complete = record.t_invoke + duration;
        record
    }

    /// Adds an APPEND that is acknowledged under this UIDVALIDITY and UID.
    pub fn append(&mut self, to: &str, token: &str, validity: u32, uid: u32) -> &mut Record {
        let (to, token) = (to.to_owned(), token.to_owned());
        let record = self.run(Command::Append {
            to,
            token,
            hash: "h".to_owned(),
            size: 9,
            flags: Vec::new(),
        });
        record.resp_code = Some(format!("APPENDUID {validity} {uid}"));
        record
    }

    /// Adds a SELECT of a mailbox with this UIDVALIDITY and so many messages.
    pub fn select(&mut self, name: &str, validity: u32, exists: u32) -> &mut Record {
        let command = Command::Select {
            name: name.to_owned(),
            read_only: false,
            resync: None,
        };
        let (exists, validity) = (
            format!("{exists} EXISTS"),
            format!("OK [UIDVALIDITY {validity}] is"),
        );
        self.lines(command, &[&exists, &validity])
    }

    /// Adds a look at all messages, given as UID and flags.
    pub fn look(&mut self, messages: &[(u32, &str)]) -> &mut Record {
        let line = |(number, (uid, flags)): (usize, &(u32, &str))| {
            format!("{} FETCH (UID {uid} FLAGS ({flags}))", number + 1)
        };
        let lines: Vec<String> = messages.iter().enumerate().map(line).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let command = Command::Fetch {
            messages: Messages::All,
            changed_since: None,
        };
        self.lines(command, &lines)
    }

    /// Adds a UID STORE.
    pub fn store(&mut self, uid: u32, change: FlagChange, list: &str) -> &mut Record {
        self.run(Command::Store {
            messages: Messages::Uids(vec![uid]),
            change,
            flags: flags(list),
            unchanged_since: None,
        })
    }

    /// Adds a last look at a mailbox through the proxy, messages given as UID, flags and token.
    pub fn dump(&mut self, name: &str, validity: u32, messages: &[(u32, &str, &str)]) {
        let before = self.process.clone();
        self.client(crate::record::DUMP);
        let count = u32::try_from(messages.len()).unwrap_or_default();
        self.select(name, validity, count);
        let line = |(number, (uid, flags, token)): (usize, &(u32, &str, &str))| {
            let body = Content {
                token: (*token).to_owned(),
                size: 9,
                hash: "h".to_owned(),
            };
            let body = body.quoted();
            format!("{} FETCH (UID {uid} FLAGS ({flags}) BODY[] {body})", number + 1)
        };
        let lines: Vec<String> = messages.iter().enumerate().map(line).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let command = Command::Fetch {
            messages: Messages::All,
            changed_since: None,
        };
        self.lines(command, &lines);
        self.client(&before);
    }

    /// Returns the numbers of the invariants that it violates.
    pub fn verdict(&self) -> Vec<u8> {
        let mut checker = Checker::new(Bounds {
            push: 100,
            push_after_heal: 200,
            stall: 1_000,
            unknown_percent_max: 100,
            fault_commands_min: 0,
        });
        let report = checker.round(&self.records);
        let mut found: Vec<u8> = report
            .violations
            .iter()
            .map(|violation| violation.invariant)
            .collect();
        found.dedup();
        found
    }
}
