//! FETCH of a large body that is under way.

use cluster_tests::cluster::timed;
use cluster_tests::imap::Status;
use cluster_tests::{Imap, mail};

use super::{ENDINGS, Going, cluster};

const MESSAGE_BYTES: usize = 20 << 20;
const READ_BEFORE: usize = 1 << 20;

#[test]
fn a_body_goes_on_where_it_stopped() {
    let mut cluster = cluster(|options| options);
    let mut client = Imap::login(cluster.access());
    let message = mail::incompressible_message("Large", MESSAGE_BYTES);
    let uid = client.deposit(&message);
    client.ok("SELECT INBOX");
    for ending in ENDINGS {
        let going = Going::prepare(&mut cluster, ending);
        let tag = client
            .begin(format!("UID FETCH {uid} (BODY.PEEK[])"))
            .expect("a connection");
        client.collect(READ_BEFORE).expect("the beginning of the body");
        going.begin(&mut cluster);
        let (answer, took) = timed(|| client.end(&tag));
        let answer = answer.expect("the session stays");
        assert_eq!(answer.status, Status::Ok, "{}", answer.text);
        going.note("FETCH of 20 MiB", took);
        let fetched = answer.fetched();
        assert_eq!(fetched.len(), 1, "answered once");
        assert!(
            fetched.iter().all(|fetched| fetched.body == message),
            "not the body that was stored"
        );
        client.ok("NOOP");
        going.recover(&mut cluster);
    }
}
