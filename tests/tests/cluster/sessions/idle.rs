//! IDLE.

use cluster_tests::cluster::timed;
use cluster_tests::{Imap, mail};

use super::{ENDINGS, Going, bodies, cluster, elsewhere};

#[test]
fn new_mail_is_told_to_those_who_wait() {
    let mut cluster = cluster(|options| options);
    let mut watcher = Imap::login(cluster.access());
    let mut writer = elsewhere(&cluster);
    watcher.ok("SELECT INBOX");
    let mut sent = Vec::new();
    let mut idle = watcher.idle();
    for ending in ENDINGS {
        let going = Going::prepare(&mut cluster, ending);
        going.begin(&mut cluster);
        for number in 0..3 {
            let message = mail::message(&format!("{ending:?}-{number}"), "while nobody leads, and after");
            let (_, stored) = timed(|| writer.deposit(&message));
            sent.push(message);
            let (_, told) = timed(|| idle.told(&format!(" {} EXISTS", sent.len())));
            going.note("delivery", stored);
            going.note("news in IDLE after the delivery", told);
        }
        going.recover(&mut cluster);
    }
    idle.done();
    assert!(bodies(&mut watcher) == sent, "not what was sent, once each");
}
