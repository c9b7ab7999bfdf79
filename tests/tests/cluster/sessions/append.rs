//! APPEND whose literal is under way.

use cluster_tests::cluster::timed;
use cluster_tests::imap::Status;
use cluster_tests::{Imap, mail};

use super::{ENDINGS, Going, bodies, cluster, elsewhere};

const MESSAGE_BYTES: usize = 1 << 20;
const SENT_BEFORE: usize = 64 << 10;

#[test]
fn a_message_that_is_under_way_is_stored_once() {
    let mut cluster = cluster(|options| options);
    let mut client = Imap::login(cluster.access());
    let mut sent = Vec::new();
    for ending in ENDINGS {
        let going = Going::prepare(&mut cluster, ending);
        let message = mail::incompressible_message(&format!("{ending:?}"), MESSAGE_BYTES);
        let head = format!("APPEND INBOX {{{}}}", message.len());
        let tag = client.begin(head).expect("a connection");
        client.invited();
        let (first, rest) = message.split_at(SENT_BEFORE);
        client.send(first).expect("sent");
        going.begin(&mut cluster);
        let (answer, took) = timed(|| {
            client.send(rest).and_then(|()| client.send(b"\r\n"))?;
            client.end(&tag)
        });
        let answer = answer.expect("the session stays");
        assert_eq!(answer.status, Status::Ok, "{}", answer.text);
        going.note("APPEND of 1 MiB", took);
        sent.push(message);
        let uid = answer.code_numbers("APPENDUID").last().copied();
        assert_eq!(uid, u64::try_from(sent.len()).ok(), "a UID was used up");
        client.ok("NOOP");
        assert!(
            bodies(&mut elsewhere(&cluster)) == sent,
            "not what was sent, once each"
        );
        going.recover(&mut cluster);
    }
    assert!(bodies(&mut client) == sent, "not what was sent, once each");
}
