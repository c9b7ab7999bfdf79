//! Messages.

use super::*;

#[test]
fn uids_are_never_given_twice() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.fill("INBOX", 3).uids, uids(&[1, 2, 3]));
    fixture.store(
        "INBOX",
        &[2, 3],
        FlagOperation::Add,
        flags(&[SystemFlag::Deleted], &[]),
    );
    assert_eq!(fixture.expunge("INBOX").uids, uids(&[2, 3]));
    assert_eq!(fixture.fill("INBOX", 1).uids, uids(&[4]));
}

#[test]
fn store_compares_each_message_and_steps_only_on_change() {
    let mut fixture = Fixture::new();
    let appended = fixture.fill("INBOX", 3);
    let seen = || flags(&[SystemFlag::Seen], &[]);
    let first = fixture.store("INBOX", &[2], FlagOperation::Add, seen());
    assert_eq!(first.modseq, ModSeq(appended.modseq.0 + 1));
    let since = ("INBOX", Some(appended.modseq));
    let second = fixture
        .store_since(since, &[1, 2, 3, 9], FlagOperation::Add, seen())
        .expect("accepted");
    assert_eq!(second.changed, uids(&[1, 3]));
    assert_eq!(second.modified, uids(&[2]));
    assert_eq!(second.missing, UidSet::new());
    let third = fixture.store("INBOX", &[1, 2, 3], FlagOperation::Add, seen());
    assert_eq!(third.changed, UidSet::new());
    assert_eq!(third.modseq, second.modseq);
    assert_eq!(fixture.find("INBOX").expect("INBOX").unseen, 0);
}

#[test]
fn keywords_are_mapped_by_name() {
    let mut fixture = Fixture::new();
    fixture
        .append("Sent", vec![message(1, flags(&[], &["x", "y"]))])
        .expect("room");
    fixture
        .append("INBOX", vec![message(1, flags(&[], &["Y"]))])
        .expect("room");
    fixture.copy("INBOX", &[1], "Sent").expect("room");
    let sent = fixture.find("Sent").expect("Sent");
    assert_eq!(
        sent.keywords,
        ["x", "y"].map(|text| Keyword::new(text).expect("an atom"))
    );
    let states = read::states(&fixture.rows, sent.id, &uids(&[2])).expect("sound rows");
    assert_eq!(states[0].flags, FlagBits::keyword(1));
}

#[test]
fn copy_is_all_or_nothing() {
    let mut fixture = Fixture::new();
    fixture.fill("INBOX", 30);
    let before = read::state_hash(&fixture.rows);
    let all: Vec<u32> = (1..=30).collect();
    assert_eq!(fixture.copy("INBOX", &all, "Sent"), Err(Rejection::OverQuota));
    assert_ne!(read::state_hash(&fixture.rows), before, "the index is kept");
    assert_eq!(fixture.find("Sent").expect("Sent").messages, 0);
    let copied = fixture.copy("INBOX", &all[..20], "Sent").expect("room");
    assert_eq!((copied.source.len(), copied.uids.len()), (20, 20));
    assert_eq!(fixture.copy("INBOX", &[1], "none"), Err(Rejection::NoSuchMailbox));
}

#[test]
fn move_within_a_mailbox_gives_new_uids() {
    let mut fixture = Fixture::new();
    let appended = fixture.fill("INBOX", 3);
    let moved = fixture.r#move("INBOX", &[1, 3], "INBOX");
    assert_eq!((moved.source, moved.uids), (uids(&[1, 3]), uids(&[4, 5])));
    let inbox = fixture.find("INBOX").expect("INBOX");
    assert_eq!((inbox.messages, inbox.recent, inbox.size_bytes), (3, 3, 30));
    let changes = read::changes(&fixture.rows, &MailboxRef::Id(inbox.id), appended.modseq);
    let changes = changes.expect("sound rows").expect("INBOX");
    assert_eq!(changes.vanished, Vanished::Exactly(uids(&[1, 3])));
    assert_eq!(changes.changed.len(), 2);
}

#[test]
fn expunged_messages_stay_readable_for_a_while() {
    let mut fixture = Fixture::new();
    fixture.fill("INBOX", 2);
    fixture.store(
        "INBOX",
        &[1],
        FlagOperation::Add,
        flags(&[SystemFlag::Deleted], &[]),
    );
    fixture.expunge("INBOX");
    let id = fixture.id("INBOX");
    let readable = |fixture: &Fixture| {
        let records = read::messages(&fixture.rows, id, &uids(&[1, 2, 3]), 10).expect("sound rows");
        let mut blobs = 0;
        read::live_blobs(&fixture.rows, &mut |_| blobs += 1).expect("sound rows");
        (records.len(), blobs)
    };
    assert_eq!(readable(&fixture), (2, 2));
    fixture.time.0 += 14 * 60_000;
    fixture.fill("INBOX", 0);
    assert_eq!(readable(&fixture), (2, 2));
    fixture.time.0 += 2 * 60_000;
    fixture.fill("INBOX", 0);
    assert_eq!(readable(&fixture), (1, 1));
}

#[test]
fn recent_is_claimed_once() {
    // RFC 3501 §2.3.2.
    let mut fixture = Fixture::new();
    fixture.fill("INBOX", 5);
    let mailbox = fixture.id("INBOX");
    let claim = |below: Option<u32>| {
        let below = below.and_then(Uid::new);
        Command::Message(MessageCommand::ClaimRecent { mailbox, below })
    };
    let first = |uid: u32| Ok(Reply::RecentClaimed { first: Uid::new(uid) });
    assert_eq!(fixture.run(claim(Some(3))), first(1));
    assert_eq!(fixture.find("INBOX").expect("INBOX").recent, 3);
    assert_eq!(fixture.run(claim(Some(3))), first(0));
    assert_eq!(fixture.run(claim(None)), first(3));
    assert_eq!(fixture.run(claim(None)), first(0));
    fixture.fill("INBOX", 1);
    assert_eq!(fixture.run(claim(None)), first(6));
}
