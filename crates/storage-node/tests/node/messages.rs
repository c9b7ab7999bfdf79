//! Messages: adding, changing and reading them.

use futures::TryStreamExt;
use mailstore::command::MessageCommand;
use mailstore::flags::{FlagBits, FlagOperation, SystemFlag};
use mailstore::ports::{Administration, Mail};
use mailstore::query::{ContentChunk, ContentRange, MailboxRef, MessageParts, Vanished};
use mailstore::{MailboxId, ModSeq, Rejection, Reply, UidSet};
use simulation::Session;

use crate::support::{
    DEMO, by_address, everything, flagged, inbox, mail, mailbox_id, messages_at_most, name, no_flags, uid,
    uids, uids_in, world,
};

async fn append(session: &mut Session, count: u32) -> MailboxId {
    for number in 1..=count {
        let octets = mail(&format!("s{number}"), "text");
        session
            .append(&inbox(), &octets, no_flags())
            .await
            .expect("appended");
    }
    mailbox_id(session, "INBOX").await
}

fn store(mailbox: MailboxId, values: &[u32], flag: SystemFlag) -> MessageCommand {
    MessageCommand::Store {
        mailbox,
        uids: uids(values),
        operation: FlagOperation::Add,
        flags: flagged(flag),
        unchanged_since: None,
    }
}

fn expunge(mailbox: MailboxId) -> MessageCommand {
    MessageCommand::Expunge { mailbox, uids: None }
}

#[tokio::test(start_paused = true)]
async fn messages_come_back_as_they_went_in() {
    let (_world, mut session) = world().await;
    let long = mail("long", &"0123456789abcdef\r\n".repeat(30_000));
    let bodies = [
        mail("short", "text"),
        long,
        b"no header at all".to_vec(),
        Vec::new(),
    ];
    for octets in &bodies {
        session
            .append(&inbox(), octets, no_flags())
            .await
            .expect("appended");
    }
    let mailbox = mailbox_id(&session, "INBOX").await;
    for (octets, number) in bodies.iter().zip(1..) {
        let read = session.content(mailbox, uid(number)).await.expect("content");
        assert_eq!(read.as_ref(), Some(octets), "message {number}");
    }
    let quota = session.router.quota(&session.caller).await.expect("a quota");
    let sum: usize = bodies.iter().map(Vec::len).sum();
    assert_eq!((quota.usage.messages, quota.usage.storage_bytes), (4, sum as u64));
}

#[tokio::test(start_paused = true)]
async fn messages_are_given_with_records_and_summaries() {
    let (_world, mut session) = world().await;
    let mailbox = append(&mut session, 3).await;
    let parts = MessageParts {
        summary: true,
        ..MessageParts::default()
    };
    let all = UidSet::range(uid(1), uid(100));
    let answers = session.messages(mailbox, all, parts).await.expect("messages");
    assert_eq!(answers.len(), 3);
    for (answer, number) in answers.iter().zip(1..) {
        assert_eq!(answer.record.uid, uid(number));
        assert_eq!(answer.record.size as usize, mail("s1", "text").len());
        let summary = answer.summary.as_ref().expect("a summary");
        let subject = format!("s{number}");
        let found = summary
            .windows(subject.len())
            .any(|part| part == subject.as_bytes());
        assert!(found, "the summary of {subject}");
    }
    let none = session.messages(mailbox, UidSet::new(), parts).await;
    assert_eq!(none, Ok(Vec::new()));
    let nowhere = session.messages(MailboxId(999), uids(&[1]), parts).await;
    assert_eq!(nowhere, Ok(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn many_messages_are_given_in_batches_without_a_gap() {
    let (_world, mut session) = world().await;
    let stored = session.upload(&mail("same", "text")).await.expect("stored");
    for _ in 0..3 {
        let messages = (0..200).map(|_| session.message(stored, no_flags())).collect();
        let many = MessageCommand::Append {
            mailbox: inbox(),
            messages,
            create: false,
        };
        session.change(many).await.expect("appended");
    }
    let mailbox = mailbox_id(&session, "INBOX").await;
    let parts = MessageParts::default();
    let all = UidSet::range(uid(1), uid(10_000));
    let answers = session.messages(mailbox, all, parts).await.expect("messages");
    let numbers: Vec<u32> = answers.iter().map(|answer| answer.record.uid.get()).collect();
    assert_eq!(numbers, (1..=600).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn flags_are_changed_and_only_what_changed_is_told() {
    let (_world, mut session) = world().await;
    let mailbox = append(&mut session, 3).await;
    let before = everything(&session, "INBOX").await.mailbox.highest_modseq;
    let Reply::Stored(stored) = session
        .change(store(mailbox, &[2, 9], SystemFlag::Seen))
        .await
        .expect("stored")
    else {
        panic!("another reply")
    };
    // 9 has never been given, so that it cannot be missing.
    assert_eq!((stored.changed, stored.missing), (uids(&[2]), UidSet::new()));
    assert!(stored.modseq > before);
    let changes = session
        .changes(MailboxRef::Id(mailbox), before)
        .await
        .expect("changes");
    let [state] = changes.changed.as_slice() else {
        panic!("one message changed")
    };
    assert_eq!(
        (state.uid, state.flags),
        (uid(2), FlagBits::system(SystemFlag::Seen))
    );
    let conditional = MessageCommand::Store {
        mailbox,
        uids: uids(&[1, 2]),
        operation: FlagOperation::Add,
        flags: flagged(SystemFlag::Flagged),
        unchanged_since: Some(before),
    };
    let Reply::Stored(stored) = session.change(conditional).await.expect("stored") else {
        panic!("another reply")
    };
    assert_eq!((stored.changed, stored.modified), (uids(&[1]), uids(&[2])));
}

#[tokio::test(start_paused = true)]
async fn messages_are_copied_moved_and_expunged() {
    let (_world, mut session) = world().await;
    let mailbox = append(&mut session, 4).await;
    let copy = MessageCommand::Copy {
        mailbox,
        uids: uids(&[1, 3]),
        target: name("Sent"),
    };
    let Reply::Copied(copied) = session.change(copy).await.expect("copied") else {
        panic!("another reply")
    };
    assert_eq!((copied.source, copied.uids), (uids(&[1, 3]), uids(&[1, 2])));
    let move_to_trash = MessageCommand::Move {
        mailbox,
        uids: uids(&[2]),
        target: name("Trash"),
    };
    session.change(move_to_trash).await.expect("moved");
    let before = everything(&session, "INBOX").await.mailbox.highest_modseq;
    session
        .change(store(mailbox, &[4], SystemFlag::Deleted))
        .await
        .expect("stored");
    let Reply::Expunged(expunged) = session.change(expunge(mailbox)).await.expect("expunged") else {
        panic!("another reply")
    };
    assert_eq!(expunged.uids, uids(&[4]));
    assert_eq!(uids_in(&session, "INBOX").await, [1, 3]);
    assert_eq!(uids_in(&session, "Sent").await, [1, 2]);
    assert_eq!(uids_in(&session, "Trash").await, [1]);
    let changes = session
        .changes(MailboxRef::Id(mailbox), before)
        .await
        .expect("changes");
    assert_eq!(changes.vanished, Vanished::Exactly(uids(&[4])));
    let sent = mailbox_id(&session, "Sent").await;
    let read = session.content(sent, uid(2)).await.expect("content");
    assert_eq!(read, Some(mail("s3", "text")));
    let quota = session.router.quota(&session.caller).await.expect("a quota");
    assert_eq!(quota.usage.messages, 5);
}

fn range(number: u32, offset: u32, length: u32) -> ContentRange {
    ContentRange {
        uid: uid(number),
        offset,
        length,
    }
}

async fn chunks(session: &Session, mailbox: MailboxId, ranges: Vec<ContentRange>) -> Vec<ContentChunk> {
    let chunks = session.router.content(&session.caller, mailbox, ranges).await;
    chunks.expect("content").try_collect().await.expect("content")
}

#[tokio::test(start_paused = true)]
async fn ranges_are_cut_at_the_end_and_absent_messages_said_to_be_missing() {
    let (_world, mut session) = world().await;
    let octets: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    session
        .append(&inbox(), &octets, no_flags())
        .await
        .expect("appended");
    let mailbox = mailbox_id(&session, "INBOX").await;
    let check = async |ranges: &[(u32, u32, u32)], expected: &[Option<&[u8]>]| {
        let asked = ranges
            .iter()
            .map(|(number, offset, length)| range(*number, *offset, *length));
        let mut got: Vec<Option<Vec<u8>>> = vec![Some(Vec::new()); ranges.len()];
        let mut ended = vec![false; ranges.len()];
        for chunk in chunks(&session, mailbox, asked.collect()).await {
            let index = chunk.range as usize;
            assert!(!ended[index], "nothing comes behind the last piece");
            assert!(chunk.bytes.len() <= 64 * 1024);
            ended[index] = chunk.last;
            if chunk.missing {
                got[index] = None;
            }
            got[index]
                .iter_mut()
                .for_each(|all| all.extend_from_slice(&chunk.bytes));
        }
        assert!(ended.iter().all(|ended| *ended), "{ranges:?}");
        let got: Vec<_> = got.iter().map(Option::as_deref).collect();
        assert!(got == expected, "{ranges:?}");
    };
    check(&[(1, 0, u32::MAX)], &[Some(&octets)]).await;
    check(
        &[(1, 10, 5), (1, 0, 3)],
        &[Some(&octets[10..15]), Some(&octets[..3])],
    )
    .await;
    check(&[(1, 199_990, 100)], &[Some(&octets[199_990..])]).await;
    check(&[(1, 200_000, 1), (1, u32::MAX, 1)], &[Some(b""), Some(b"")]).await;
    check(&[(1, 5, 0)], &[Some(b"")]).await;
    check(
        &[(7, 0, 10), (1, 65_000, 70_000)],
        &[None, Some(&octets[65_000..135_000])],
    )
    .await;
    check(&[], &[]).await;
}

/// A session that has not been told of an expunge still reads the message.
#[tokio::test(start_paused = true)]
async fn an_expunged_message_can_be_read_until_it_is_forgotten() {
    let (_world, mut session) = world().await;
    let mailbox = append(&mut session, 2).await;
    session
        .change(store(mailbox, &[1], SystemFlag::Deleted))
        .await
        .expect("stored");
    session.change(expunge(mailbox)).await.expect("expunged");
    assert_eq!(uids_in(&session, "INBOX").await, [2]);
    let read = session.content(mailbox, uid(1)).await.expect("content");
    assert_eq!(read, Some(mail("s1", "text")));
    let parts = MessageParts {
        summary: true,
        ..MessageParts::default()
    };
    let known = session
        .messages(mailbox, uids(&[1, 2]), parts)
        .await
        .expect("messages");
    assert_eq!(known.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn quota_is_checked_before_and_at_the_append() {
    let (world, mut session) = world().await;
    append(&mut session, 1).await;
    let limit = messages_at_most(2);
    world
        .router()
        .account_set_limits(&by_address(DEMO), limit)
        .await
        .expect("limits");
    let stored = session.upload(&mail("big", "text")).await.expect("stored");
    let two = MessageCommand::Append {
        mailbox: inbox(),
        messages: vec![
            session.message(stored, no_flags()),
            session.message(stored, no_flags()),
        ],
        create: false,
    };
    assert_eq!(session.change(two).await, Err(Rejection::OverQuota.into()));
    assert_eq!(uids_in(&session, "INBOX").await, [1], "all messages or none");
    append(&mut session, 1).await;
    let over = session.append(&inbox(), b"x", no_flags()).await;
    assert_eq!(over, Err(Rejection::OverQuota.into()));
    let too_large = session
        .router
        .check_append(&session.caller, &inbox(), 1 << 30)
        .await;
    assert_eq!(too_large, Err(Rejection::MessageTooLarge.into()));
}

#[tokio::test(start_paused = true)]
async fn changes_of_a_mailbox_that_is_not_there_are_refused() {
    let (_world, session) = world().await;
    let missing = MailboxRef::Name(name("missing"));
    let refused = session.changes(missing, ModSeq::ZERO).await;
    assert_eq!(refused, Err(Rejection::NoSuchMailbox.into()));
}
