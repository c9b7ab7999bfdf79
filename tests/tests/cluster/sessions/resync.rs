//! SELECT that brings a client up to date (RFC 7162 §3.2.5).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cluster_tests::cluster::timed;
use cluster_tests::imap::{Answer, Status};
use cluster_tests::{Imap, mail};

use super::{ENDINGS, Going, cluster, elsewhere};

const MESSAGES: u64 = 300;
/// Commands that are sent at once.
const SELECTS: usize = 40;

/// What a client holds of a mailbox.
type Copy = BTreeMap<u64, Vec<String>>;

/// Returns the numbers of a set, as in `1:3,7`.
fn numbers(set: &str) -> BTreeSet<u64> {
    let number = |text: &str| text.parse::<u64>().expect("a number of a set");
    let ranges = set.split(',').filter(|range| !range.is_empty());
    ranges
        .flat_map(|range| {
            let (first, last) = range.split_once(':').unwrap_or((range, range));
            number(first)..=number(last)
        })
        .collect()
}

/// Brings a copy up to date by what SELECT told.
fn bring_up_to_date(copy: &mut Copy, answer: &Answer) {
    for line in answer.lines() {
        if let Some(gone) = line.strip_prefix("VANISHED (EARLIER) ") {
            let gone = numbers(gone);
            copy.retain(|uid, _| !gone.contains(uid));
        }
    }
    for fetched in answer.fetched() {
        copy.insert(fetched.uid, fetched.flags);
    }
}

/// Returns what is there, asked for in full.
fn truth(client: &mut Imap) -> Copy {
    client.ok("SELECT INBOX");
    let fetched = client.ok("UID FETCH 1:* (UID FLAGS)").fetched();
    client.ok("CLOSE");
    fetched
        .into_iter()
        .map(|fetched| (fetched.uid, fetched.flags))
        .collect()
}

/// Changes flags, removes and adds messages.
fn change(client: &mut Imap, first: u64) {
    client.ok("SELECT INBOX");
    client.ok(format!(
        "UID STORE {first}:{} +FLAGS.SILENT (\\Seen $Work)",
        first + 60
    ));
    client.ok(format!(
        "UID STORE {}:{} +FLAGS.SILENT (\\Deleted)",
        first + 50,
        first + 80
    ));
    client.ok("EXPUNGE");
    for number in 0..5 {
        client.deposit(&mail::message(
            &format!("Later-{first}-{number}"),
            "after the client left",
        ));
    }
}

#[test]
fn a_client_is_brought_up_to_date() {
    let mut cluster = cluster(|options| options);
    let mut client = Imap::login(cluster.access());
    let mut other = elsewhere(&cluster);
    let messages = (0..MESSAGES).map(|number| mail::message(&format!("M-{number}"), "one of many"));
    other.deposit_all("INBOX", &messages.collect::<Vec<_>>());
    let mut copy = truth(&mut client);
    client.ok("ENABLE QRESYNC");
    for (ending, first) in ENDINGS.into_iter().zip([1, 150]) {
        let before = client.ok("SELECT INBOX");
        let since = |name: &str| {
            before
                .code_numbers(name)
                .first()
                .copied()
                .expect("told by SELECT")
        };
        let (validity, modseq) = (since("UIDVALIDITY"), since("HIGHESTMODSEQ"));
        client.ok("CLOSE");
        change(&mut other, first);
        let going = Going::prepare(&mut cluster, ending);
        let select = format!("SELECT INBOX (QRESYNC ({validity} {modseq}))");
        // The leader goes while they are carried out.
        let tags: Vec<String> = (0..SELECTS).map(|at| format!("{ending:?}{at}")).collect();
        let lines = tags.iter().map(|tag| format!("{tag} {select}\r\n"));
        client.send(lines.collect::<String>().as_bytes()).expect("sent");
        going.begin(&mut cluster);
        let mut answers = Vec::new();
        let mut longest = Duration::ZERO;
        for tag in &tags {
            let (answer, took) = timed(|| client.end(tag));
            answers.push(answer.expect("the session stays"));
            longest = longest.max(took);
        }
        going.note("longest of 40 SELECT with QRESYNC", longest);
        let truth = truth(&mut other);
        for answer in &answers {
            assert_eq!(answer.status, Status::Ok, "{}", answer.text);
            let mut updated = copy.clone();
            bring_up_to_date(&mut updated, answer);
            assert_eq!(updated, truth, "the copy is not what is there");
        }
        copy = truth;
        client.ok("CLOSE");
        going.recover(&mut cluster);
    }
}
