//! mbsync: an account and a Maildir that become the same.

use std::collections::BTreeMap;

use cluster_tests::mbsync::{Mbsync, snapshot};
use cluster_tests::stand_in::Target;
use cluster_tests::{Imap, mail};

/// Returns what says whether a mailbox changed at all.
fn far_state(client: &mut Imap, mailbox: &str) -> Option<String> {
    let status = client.ok(format!(
        "STATUS {mailbox} (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
    ));
    status.lines().into_iter().find(|line| line.starts_with("STATUS"))
}

#[test]
fn a_second_run_changes_nothing() {
    let target = Target::start();
    let access = target.access();
    let mut client = Imap::login(access);
    for subject in ["One", "Two", "Three"] {
        client.deposit(&mail::message(subject, "from the far side"));
    }
    let mbsync = Mbsync::new(access);
    mbsync.deposit("INBOX", "Four");
    mbsync.run();
    assert_eq!(mbsync.subjects("INBOX"), ["Four", "One", "Three", "Two"]);
    assert_eq!(client.count("INBOX"), 4);
    let (near, far) = (snapshot(&mbsync.near()), far_state(&mut client, "INBOX"));
    mbsync.run();
    assert!(near == snapshot(&mbsync.near()), "the near side changed");
    assert_eq!(far, far_state(&mut client, "INBOX"));
}

#[test]
fn changes_of_both_sides_meet() {
    let target = Target::start();
    let access = target.access();
    let mut client = Imap::login(access);
    for subject in ["One", "Two", "Three", "Four"] {
        client.deposit(&mail::message(subject, "from the far side"));
    }
    let mbsync = Mbsync::new(access);
    mbsync.run();
    mbsync.mark("INBOX", "One", "FS");
    mbsync.mark("INBOX", "Two", "ST");
    mbsync.deposit("INBOX", "Five");
    client.ok("SELECT INBOX");
    client.ok("UID STORE 3 +FLAGS.SILENT (\\Answered)");
    client.ok("UID STORE 4 +FLAGS.SILENT (\\Deleted)");
    client.ok("UID EXPUNGE 4");
    client.deposit(&mail::message("Six", "from the far side"));
    mbsync.run();
    assert_eq!(mbsync.subjects("INBOX"), ["Five", "One", "Six", "Three"]);
    let flags: BTreeMap<String, Vec<String>> = client
        .dump("INBOX")
        .into_iter()
        .map(|message| {
            (
                mail::header(&message.body, "Subject").unwrap_or_default(),
                message.flags,
            )
        })
        .collect();
    assert_eq!(flags.keys().collect::<Vec<_>>(), ["Five", "One", "Six", "Three"]);
    assert_eq!(
        flags.get("One").map(Vec::as_slice),
        Some(&["\\Flagged".to_owned(), "\\Seen".to_owned()][..])
    );
    let three = mbsync
        .messages("INBOX")
        .get("Three")
        .map(|(path, _)| path.clone())
        .unwrap_or_default();
    assert!(three.to_string_lossy().ends_with(":2,R"), "{three:?}");
    let (near, far) = (snapshot(&mbsync.near()), far_state(&mut client, "INBOX"));
    mbsync.run();
    assert!(near == snapshot(&mbsync.near()), "the near side changed");
    assert_eq!(far, far_state(&mut client, "INBOX"));
}

#[test]
fn mailboxes_of_both_sides_meet() {
    let target = Target::start();
    let access = target.access();
    let mut client = Imap::login(access);
    client.ok("CREATE Far/Below");
    let message = mail::message("Deep", "in a mailbox below another");
    client
        .append("Far/Below", "\\Seen $Label", &message)
        .expect("an answer");
    let mbsync = Mbsync::new(access);
    mbsync.deposit("Near", "Shallow");
    mbsync.run();
    assert_eq!(mbsync.subjects("Far/Below"), ["Deep"]);
    assert_eq!(client.count("Near"), 1);
    let dump = client.dump("Near");
    let body = dump
        .first()
        .map(|message| message.body.clone())
        .unwrap_or_default();
    assert_eq!(mail::header(&body, "Subject").as_deref(), Some("Shallow"));
}
