//! Two sessions that change one mailbox in random order. Whoever replays the untagged responses must
//! end with what the server has (RELIABILITY 22 to 26), and no message is `\Recent` twice (29).

use std::collections::BTreeSet;

use mailstore::account::QuotaLimits;
use proptest::prelude::*;
use testkit::transcript::Peer;

use crate::support::{Server, append, is_ok, local_options};

/// What one session does next.
#[derive(Clone, Debug)]
enum Step {
    Append,
    Noop,
    Store {
        number: usize,
        flag: &'static str,
        silent: bool,
        by_uid: bool,
    },
    Expunge,
    Move {
        number: usize,
    },
    Fetch {
        by_uid: bool,
    },
    Search,
    IdleBriefly,
}

fn step() -> impl Strategy<Value = Step> {
    let flag = prop_oneof![Just("\\Deleted"), Just("\\Seen"), Just("$Work")];
    prop_oneof![
        3 => Just(Step::Append),
        2 => Just(Step::Noop),
        5 => (0_usize..8, flag, any::<bool>(), any::<bool>())
            .prop_map(|(number, flag, silent, by_uid)| Step::Store { number, flag, silent, by_uid }),
        2 => Just(Step::Expunge),
        1 => (0_usize..8).prop_map(|number| Step::Move { number }),
        3 => any::<bool>().prop_map(|by_uid| Step::Fetch { by_uid }),
        1 => Just(Step::Search),
        1 => Just(Step::IdleBriefly),
    ]
}

/// What a client knows of one message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Known {
    uid: Option<u32>,
    flags: Option<BTreeSet<String>>,
}

/// A client that believes nothing but the responses.
struct Client {
    peer: Peer,
    messages: Vec<Known>,
    recent: BTreeSet<u32>,
    qresync: bool,
}

impl Client {
    async fn new(server: &Server, qresync: bool) -> Self {
        let mut peer = server.logged_in().await;
        if qresync {
            peer.command("e", "ENABLE QRESYNC").await;
        }
        let mut client = Self {
            peer,
            messages: Vec::new(),
            recent: BTreeSet::new(),
            qresync,
        };
        client.run("SELECT INBOX", true).await;
        client.fetch_all().await;
        client
    }

    /// Learns all UIDs and flags, as a client does after SELECT.
    async fn fetch_all(&mut self) {
        self.run("UID FETCH 1:* (UID FLAGS)", true).await;
    }

    /// Runs a command and replays what it brings.
    async fn run(&mut self, command: &str, may_expunge: bool) {
        let responses = self.peer.command("t", command).await;
        assert!(
            !responses.last().unwrap().starts_with("t BAD"),
            "{command}: {responses:?}"
        );
        for response in &responses {
            self.replay(response, command, may_expunge);
        }
    }

    fn replay(&mut self, response: &str, command: &str, may_expunge: bool) {
        let words: Vec<&str> = response.split(' ').collect();
        match words.as_slice() {
            ["*", count, "EXISTS"] => {
                let count = count.parse().unwrap();
                assert!(count >= self.messages.len(), "EXISTS shrinks: {response}");
                self.messages.resize(count, Known::default());
            }
            ["*", number, "EXPUNGE"] => {
                assert!(may_expunge && !self.qresync, "{command}: {response}");
                let number: usize = number.parse().unwrap();
                self.messages.remove(number - 1);
            }
            ["*", "VANISHED", uids] => {
                assert!(may_expunge && self.qresync, "{command}: {response}");
                for uid in uid_set(uids) {
                    let place = |message: &Known| message.uid == Some(uid);
                    let known = self.messages.iter().position(place);
                    let unknown = self.unknown_place(uid);
                    let gone = known.or(unknown).expect("told as gone twice");
                    self.messages.remove(gone);
                }
            }
            ["*", number, "FETCH", ..] => self.replay_fetch(number.parse().unwrap(), response),
            _ => {}
        }
    }

    /// Returns where a message may stand whose UID was not asked for yet.
    fn unknown_place(&self, uid: u32) -> Option<usize> {
        let fits = |index: &usize| {
            let (before, after) = self.messages.split_at(*index);
            let below = before
                .iter()
                .filter_map(|message| message.uid)
                .all(|known| known < uid);
            let above = after
                .iter()
                .filter_map(|message| message.uid)
                .all(|known| known > uid);
            after.first().is_some_and(|message| message.uid.is_none()) && below && above
        };
        (0..self.messages.len()).find(fits)
    }

    fn replay_fetch(&mut self, number: usize, response: &str) {
        let message = &mut self.messages[number - 1];
        if let Some(uid) = between(response, "UID ", " )").map(|uid| uid.parse().unwrap()) {
            assert!(
                message.uid.is_none_or(|known| known == uid),
                "{response}: another message"
            );
            message.uid = Some(uid);
        }
        if let Some(flags) = between(response, "FLAGS (", ")") {
            let flags: BTreeSet<String> = flags
                .split(' ')
                .filter(|flag| !flag.is_empty())
                .map(str::to_owned)
                .collect();
            if let (true, Some(uid)) = (flags.contains("\\Recent"), message.uid) {
                self.recent.insert(uid);
            }
            message.flags = Some(flags.into_iter().filter(|flag| flag != "\\Recent").collect());
        }
    }

    async fn step(&mut self, step: &Step) {
        let pick = |number: usize| self.messages.get(number % self.messages.len().max(1));
        match step {
            Step::Append => {
                let responses = append(&mut self.peer, "x").await;
                for response in &responses {
                    self.replay(response, "APPEND", true);
                }
            }
            Step::Noop => self.run("NOOP", true).await,
            Step::Expunge => self.run("EXPUNGE", true).await,
            Step::Search => self.run("SEARCH UNDELETED", false).await,
            Step::Fetch { by_uid: false } if self.messages.is_empty() => {}
            Step::Fetch { by_uid: false } => {
                let command = format!("FETCH 1:{} (UID FLAGS)", self.messages.len());
                self.run(&command, false).await;
            }
            Step::Fetch { by_uid: true } => self.fetch_all().await,
            Step::Move { number } => {
                if let Some(uid) = pick(*number).and_then(|message| message.uid) {
                    self.run(&format!("UID MOVE {uid} Archive"), true).await;
                }
            }
            Step::Store {
                number,
                flag,
                silent,
                by_uid,
            } => self.store(*number, flag, *silent, *by_uid).await,
            Step::IdleBriefly => {
                self.peer.send(b"t IDLE\r\n").await;
                let began = self.peer.until("+").await;
                assert!(began.last().is_some_and(|line| line.starts_with('+')));
                self.peer.send(b"DONE\r\n").await;
                let rest = self.peer.until("t OK").await;
                for response in began.iter().chain(&rest) {
                    self.replay(response, "IDLE", true);
                }
            }
        }
    }

    /// After a silent STORE the client works out the new flags itself.
    async fn store(&mut self, number: usize, flag: &str, silent: bool, by_uid: bool) {
        if self.messages.is_empty() {
            return;
        }
        let index = number % self.messages.len();
        let Some(uid) = self.messages[index].uid else {
            return;
        };
        let item = if silent { "+FLAGS.SILENT" } else { "+FLAGS" };
        let command = match by_uid {
            true => format!("UID STORE {uid} {item} ({flag})"),
            false => format!("STORE {} {item} ({flag})", index + 1),
        };
        let responses = self.peer.command("t", &command).await;
        let done = is_ok(&responses);
        for response in &responses {
            self.replay(response, &command, by_uid);
        }
        let Some(message) = self.messages.iter_mut().find(|message| message.uid == Some(uid)) else {
            return;
        };
        // Nobody else acts meanwhile, so the flag is set now, whatever was told of the time before.
        if silent && done {
            message.flags.get_or_insert_default().insert(flag.to_owned());
        }
    }

    /// Returns UIDs and flags as known.
    fn picture(&self) -> Vec<(u32, BTreeSet<String>)> {
        let known = |message: &Known| Some((message.uid?, message.flags.clone()?));
        self.messages.iter().filter_map(known).collect()
    }
}

fn between<'a>(text: &'a str, start: &str, ends: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split(|c| ends.contains(c))
        .next()
        .filter(|_| ends.len() > 1)
        .or_else(|| rest.split(ends).next())
}

fn uid_set(text: &str) -> BTreeSet<u32> {
    let range = |range: &str| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        first.parse::<u32>().unwrap()..=last.parse::<u32>().unwrap()
    };
    text.split(',').flat_map(range).collect()
}

async fn play(steps: &[(bool, Step)], qresync: bool, views: bool) {
    let mut options = local_options();
    if !views {
        // Every question goes to the storage, as for a session that has idled for a while.
        options.view_messages_max = 0;
    }
    let server = Server::new(options, QuotaLimits::default());
    let mut setup = server.logged_in().await;
    for _ in 0..4 {
        append(&mut setup, "x").await;
    }
    let mut clients = [
        Client::new(&server, false).await,
        Client::new(&server, qresync).await,
    ];
    for (second, step) in steps {
        clients[usize::from(*second)].step(step).await;
    }
    let mut fresh = Client::new(&server, false).await;
    for client in &mut clients {
        client.run("NOOP", true).await;
        // New messages are told by EXISTS alone: a client asks for those it does not know.
        let known = |message: &Known| message.uid.is_some() && message.flags.is_some();
        let unknown = (1..).zip(&client.messages).filter(|(_, message)| !known(message));
        let unknown: Vec<u32> = unknown.map(|(number, _)| number).collect();
        for number in unknown {
            client.run(&format!("FETCH {number} (UID FLAGS)"), false).await;
        }
        assert_eq!(client.picture(), fresh.picture());
    }
    fresh.run("NOOP", true).await;
    let [one, other] = &clients;
    assert!(one.recent.is_disjoint(&other.recent), "a message is recent twice");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaying_the_responses_gives_the_mailbox(
        steps in proptest::collection::vec((any::<bool>(), step()), 0..40),
        qresync in any::<bool>(),
        views in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(&steps, qresync, views));
    }
}
