//! A client that keeps a copy of its mailbox and loses its connection anywhere must have the truth
//! again after QRESYNC (RFC 7162 §3.2, RELIABILITY 21 and 22).

use std::collections::{BTreeMap, BTreeSet};

use testkit::transcript::Peer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{PASSWORD, Server, USER, append, is_ok};

/// What a client keeps between connections.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Copy {
    validity: String,
    modseq: u64,
    messages: BTreeMap<u32, BTreeSet<String>>,
}

impl Copy {
    /// Takes in what stands in whole lines. HIGHESTMODSEQ counts once the command that told it is done:
    /// what belongs to it has come by then.
    fn take(&mut self, lines: &[&str]) {
        let mut told = None;
        for line in lines {
            if let Some(validity) = between(line, "[UIDVALIDITY ", ']') {
                self.validity = validity.to_owned();
            }
            if let Some(modseq) = between(line, "[HIGHESTMODSEQ ", ']') {
                told = modseq.parse().ok();
            }
            if let Some(uids) = line.strip_prefix("* VANISHED ") {
                let uids = uid_set(uids.strip_prefix("(EARLIER) ").unwrap_or(uids));
                self.messages.retain(|uid, _| !uids.contains(uid));
            }
            self.take_fetch(line);
            if !line.starts_with('*') && line.split(' ').nth(1) == Some("OK") {
                self.modseq = told.take().unwrap_or(self.modseq);
            }
        }
    }

    fn take_fetch(&mut self, line: &str) {
        let uid = between(line, "UID ", ' ').and_then(|uid| uid.trim_end_matches(')').parse().ok());
        if let (Some(uid), Some(flags)) = (uid, between(line, "FLAGS (", ')')) {
            let flags = flags
                .split(' ')
                .filter(|flag| !flag.is_empty() && *flag != "\\Recent");
            self.messages.insert(uid, flags.map(str::to_owned).collect());
        }
    }

    /// Comes back with what is known, and asks for what is new.
    async fn resync(&mut self, server: &Server) {
        let mut peer = server.logged_in().await;
        peer.command("e", "ENABLE QRESYNC").await;
        let select = match self.modseq {
            0 => "EXAMINE INBOX".to_owned(),
            modseq => format!("EXAMINE INBOX (QRESYNC ({} {modseq}))", self.validity),
        };
        if self.modseq == 0 {
            self.messages.clear();
        }
        let first_new = self.messages.keys().next_back().map_or(1, |last| last + 1);
        for command in [select, format!("UID FETCH {first_new}:* (UID FLAGS)")] {
            let responses = peer.command("r", &command).await;
            assert!(is_ok(&responses), "{command}: {responses:?}");
            self.take(&responses.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}

fn between<'a>(line: &'a str, start: &str, end: char) -> Option<&'a str> {
    line.split_once(start)?.1.split(end).next()
}

fn uid_set(text: &str) -> BTreeSet<u32> {
    let range = |range: &str| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        first.parse::<u32>().unwrap()..=last.parse::<u32>().unwrap()
    };
    text.split(',').flat_map(range).collect()
}

/// Commands of the client whose connection is lost, and what the other session does before each.
const DIALOGUE: [(&str, &str); 9] = [
    ("NOOP", "ENABLE QRESYNC"),
    ("NOOP", "SELECT INBOX"),
    ("NOOP", "UID FETCH 1:* (UID FLAGS)"),
    ("STORE 2 +FLAGS.SILENT (\\Seen)", "NOOP"),
    ("UID MOVE 4 Archive", "FETCH 1:5 (UID FLAGS MODSEQ)"),
    ("STORE 1 +FLAGS.SILENT (\\Flagged)", "STORE 5 +FLAGS (\\Answered)"),
    ("APPEND INBOX {1+}\r\nx", "UID STORE 3 +FLAGS (\\Deleted)"),
    ("UID MOVE 6 Archive", "EXPUNGE"),
    ("STORE 1 -FLAGS.SILENT (\\Flagged)", "NOOP"),
];

/// Plays the dialogue on a new server and returns what the client heard of it.
async fn play() -> (Server, Vec<u8>) {
    let server = Server::local();
    let mut other = server.selected().await;
    for _ in 0..6 {
        append(&mut other, "x").await;
    }
    let mut stream = server.open();
    let login = format!("in LOGIN {USER} {PASSWORD}\r\n");
    stream.write_all(login.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    hear_until(&mut stream, &mut heard, "in OK").await;
    for (number, (meanwhile, command)) in DIALOGUE.iter().enumerate() {
        assert!(is_ok(&other.command("o", meanwhile).await), "{meanwhile}");
        stream
            .write_all(format!("t{number} {command}\r\n").as_bytes())
            .await
            .unwrap();
        hear_until(&mut stream, &mut heard, &format!("t{number} OK")).await;
    }
    (server, heard)
}

async fn hear_until(stream: &mut tokio::io::DuplexStream, heard: &mut Vec<u8>, end: &str) {
    let mut space = [0; 4096];
    while !String::from_utf8_lossy(heard).contains(end) {
        let read = stream.read(&mut space).await.unwrap();
        assert!(read > 0, "closed before {end}");
        heard.extend_from_slice(&space[..read]);
    }
}

async fn truth(server: &Server) -> BTreeMap<u32, BTreeSet<String>> {
    let mut peer: Peer = server.logged_in().await;
    peer.command("e", "EXAMINE INBOX").await;
    let mut copy = Copy::default();
    let responses = peer.command("f", "UID FETCH 1:* (UID FLAGS)").await;
    copy.take(&responses.iter().map(String::as_str).collect::<Vec<_>>());
    copy.messages
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_true_again_wherever_the_connection_was_cut() {
    let (server, heard) = play().await;
    let truth = truth(&server).await;
    assert_eq!(truth.keys().copied().collect::<Vec<_>>(), [1, 2, 5, 7]);
    let mut cut_before = None;
    for end in 0..=heard.len() {
        let text = String::from_utf8_lossy(&heard[..end]);
        let lines: Vec<&str> = text
            .split_inclusive("\r\n")
            .filter_map(|line| line.strip_suffix("\r\n"))
            .collect();
        if cut_before == Some(lines.len()) {
            continue;
        }
        cut_before = Some(lines.len());
        let mut copy = Copy::default();
        copy.take(&lines);
        let known = copy.clone();
        copy.resync(&server).await;
        assert_eq!(
            copy.messages,
            truth,
            "cut behind {:?} with {known:?}",
            lines.last()
        );
    }
}
