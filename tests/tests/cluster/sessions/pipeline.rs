//! Commands that were sent at once and are carried out one after another.

use std::time::Duration;

use cluster_tests::cluster::timed;
use cluster_tests::imap::Status;
use cluster_tests::{Imap, mail, wait};

use super::{ENDINGS, Going, cluster, elsewhere};

/// Rounds of four commands; what each changes must happen once.
const ROUNDS: u64 = 5;

/// Returns four commands: two add messages, one marks and one looks.
fn round(number: u64) -> [Vec<u8>; 4] {
    let message = mail::message(&format!("Piped-{number}"), "among others");
    let head = format!("APPEND INBOX {{{}+}}\r\n", message.len());
    [
        [head.as_bytes(), &message].concat(),
        format!("UID COPY 1 Aside{number}").into_bytes(),
        format!("UID STORE 1 +FLAGS.SILENT (Round{number})").into_bytes(),
        b"UID SEARCH ALL".to_vec(),
    ]
}

#[test]
fn each_command_is_answered_once_and_done_once() {
    let mut cluster = cluster(|options| options);
    let mut client = Imap::login(cluster.access());
    client.deposit(&mail::message("First", "the one that is copied"));
    for number in 0..ROUNDS {
        client.ok(format!("CREATE Aside{number}"));
    }
    client.ok("SELECT INBOX");
    let mut other = elsewhere(&cluster);
    for (ending, earlier) in ENDINGS.into_iter().zip([0, 1]) {
        let going = Going::prepare(&mut cluster, ending);
        let commands: Vec<Vec<u8>> = (0..ROUNDS).flat_map(round).collect();
        let tags: Vec<String> = (0..commands.len()).map(|at| format!("{ending:?}{at}")).collect();
        let lines = tags.iter().zip(&commands);
        let lines = lines.map(|(tag, command)| [tag.as_bytes(), b" ", command, b"\r\n"].concat());
        client.send(&lines.collect::<Vec<_>>().concat()).expect("sent");
        // Answers to commands that came at once may come at once, so another session watches.
        wait::until("the first round", || {
            (other.count("Aside0") > earlier).then_some(())
        });
        going.begin(&mut cluster);
        let mut longest = Duration::ZERO;
        for tag in &tags {
            let (answer, took) = timed(|| client.end(tag));
            let answer = answer.expect("the session stays, and answers come in order");
            assert_eq!(answer.status, Status::Ok, "{tag}: {}", answer.text);
            longest = longest.max(took);
        }
        client.ok("NOOP");
        going.note("longest of 20 commands", longest);
        assert_eq!(other.count("INBOX"), 1 + (earlier + 1) * ROUNDS);
        for number in 0..ROUNDS {
            assert_eq!(
                other.count(&format!("Aside{number}")),
                earlier + 1,
                "Aside{number}"
            );
        }
        going.recover(&mut cluster);
    }
}
