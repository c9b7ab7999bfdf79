//! A mail program at work.

use cluster_tests::cluster::timed;
use cluster_tests::mbsync::{Mbsync, snapshot};
use cluster_tests::{Imap, mail, wait};

use super::{ENDINGS, Going, cluster, elsewhere};

/// Messages that the far side has and the near side lacks in each round, and the other way round.
const FAR: usize = 200;
const NEAR: usize = 50;
/// Messages that must have come over before the leader goes.
const SYNCED_BEFORE: usize = 20;

#[test]
fn both_sides_become_the_same() {
    let mut cluster = cluster(|options| options);
    let mut client = Imap::login(cluster.access());
    let mbsync = Mbsync::new(cluster.access());
    let mut expected = Vec::new();
    for ending in ENDINGS {
        let far: Vec<String> = (0..FAR)
            .map(|number| format!("Far-{ending:?}-{number}"))
            .collect();
        let near: Vec<String> = (0..NEAR)
            .map(|number| format!("Near-{ending:?}-{number}"))
            .collect();
        let messages = far
            .iter()
            .map(|subject| mail::message(subject, "from the far side"));
        client.deposit_all("INBOX", &messages.collect::<Vec<_>>());
        for subject in &near {
            mbsync.deposit("INBOX", subject);
        }
        let there = expected.len() + near.len();
        expected.extend(far);
        expected.extend(near);
        expected.sort();
        let going = Going::prepare(&mut cluster, ending);
        let took = std::thread::scope(|scope| {
            let run = scope.spawn(|| timed(|| mbsync.run()));
            wait::until("mbsync at work", || {
                (mbsync.subjects("INBOX").len() >= there + SYNCED_BEFORE).then_some(())
            });
            going.begin(&mut cluster);
            run.join().expect("mbsync").1
        });
        going.note("mbsync over 250 messages", took);
        assert_eq!(mbsync.subjects("INBOX"), expected, "the near side");
        let mut other = elsewhere(&cluster);
        let dump = other.dump("INBOX").into_iter();
        let mut far: Vec<String> = dump
            .filter_map(|stored| mail::header(&stored.body, "Subject"))
            .collect();
        far.sort();
        assert_eq!(far, expected, "the far side");
        let near = snapshot(&mbsync.near());
        mbsync.run();
        assert!(
            near == snapshot(&mbsync.near()),
            "a second run changed the near side"
        );
        going.recover(&mut cluster);
    }
}
