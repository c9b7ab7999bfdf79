//! What commands cost, and what is forgotten.

use super::*;

#[test]
fn append_touches_few_rows() {
    let mut fixture = Fixture::new();
    fixture.fill("INBOX", 10);
    let before = fixture.rows.writes();
    let request = RequestId {
        session: SessionId([3; 16]),
        sequence: 1,
        created: START,
    };
    let append = MessageCommand::Append {
        mailbox: name("INBOX"),
        messages: vec![message(1, flags(&[], &[]))],
        create: false,
    };
    let mut entry = fixture.entry(Command::Message(append));
    entry.request = Some(request);
    assert!(fixture.apply(&entry).reply.is_ok());
    // Counters, mailbox, hot, fixed, request.
    assert_eq!(fixture.rows.writes() - before, 5);
}

/// An account without limits and `count` messages in INBOX.
fn filled(count: usize) -> Fixture {
    let mut fixture = Fixture::new();
    let limits = AccountCommand::SetLimits(QuotaLimits::default());
    fixture.run(Command::Account(limits)).expect("accepted");
    for _ in 0..count / 1000 {
        fixture.fill("INBOX", 1000);
    }
    fixture
}

fn all(count: u32) -> UidSet {
    UidSet::range(Uid::MIN, Uid::new(count).expect("not zero"))
}

fn delete_all(fixture: &mut Fixture, count: u32) -> Reply {
    let mailbox = fixture.id("INBOX");
    let command = MessageCommand::Store {
        mailbox,
        uids: all(count),
        operation: FlagOperation::Add,
        flags: flags(&[SystemFlag::Deleted], &[]),
        unchanged_since: None,
    };
    fixture.run(Command::Message(command)).expect("accepted")
}

#[test]
fn store_on_ten_thousand_messages_rewrites_their_blocks() {
    let mut fixture = filled(10_000);
    let before = fixture.rows.writes();
    delete_all(&mut fixture, 10_000);
    // 157 hot rows, the mailbox and the counters.
    assert_eq!(fixture.rows.writes() - before, 159);
}

#[test]
fn the_expunge_log_is_bounded() {
    let mut fixture = filled(3000);
    delete_all(&mut fixture, 3000);
    let mailbox = fixture.id("INBOX");
    let start = fixture.find("INBOX").expect("INBOX").highest_modseq;
    for uid in 1..=crate::limits::EXPUNGE_LOG_ROWS_MAX + 10 {
        let uids = Some(uids(&[uid]));
        let command = MessageCommand::Expunge { mailbox, uids };
        fixture.run(Command::Message(command)).expect("accepted");
    }
    let floor = fixture.find("INBOX").expect("INBOX").expunge_floor;
    assert_eq!(floor, ModSeq(start.0 + 10));
    let since = |modseq| {
        let changes = read::changes(&fixture.rows, &MailboxRef::Id(mailbox), modseq);
        changes.expect("sound rows").expect("INBOX").vanished
    };
    let exactly = since(floor);
    assert_eq!(exactly, Vanished::Exactly(all(2010).difference(&all(10))));
    let present = all(3000).difference(&all(2010));
    assert_eq!(since(ModSeq(floor.0 - 1)), Vanished::AllBut { present });
    let log = read::expunged(&fixture.rows, mailbox, floor).expect("sound rows");
    assert_eq!(log.map(|uids| uids.len()), Some(2000));
}

#[test]
fn records_of_expunged_messages_are_bounded() {
    let bound = crate::limits::EXPUNGED_RECORDS_MAX;
    let mut fixture = filled(bound as usize + 1000);
    delete_all(&mut fixture, bound + 1000);
    fixture.expunge("INBOX");
    let count = |fixture: &Fixture| {
        let mut count = 0;
        read::live_blobs(&fixture.rows, &mut |_| count += 1).expect("sound rows");
        count
    };
    assert_eq!(count(&fixture), bound);
    // One more pushes out what the earlier command removed.
    let appended = fixture.fill("INBOX", 1);
    let uid = appended.uids.first().expect("one message").get();
    fixture.store(
        "INBOX",
        &[uid],
        FlagOperation::Add,
        flags(&[SystemFlag::Deleted], &[]),
    );
    fixture.expunge("INBOX");
    assert_eq!(count(&fixture), 1);
}

#[test]
fn replies_of_ended_sessions_are_forgotten() {
    let mut fixture = Fixture::new();
    let rows = fixture.rows.len();
    for session in 0..200_u8 {
        fixture.time.0 += 1000;
        let subscribe = MailboxCommand::Subscribe {
            name: name("Sent"),
            subscribed: true,
        };
        let mut entry = fixture.entry(Command::Mailbox(subscribe));
        entry.request = Some(RequestId {
            session: SessionId([session; 16]),
            sequence: 1,
            created: fixture.time,
        });
        assert_eq!(fixture.apply(&entry).reply, Ok(Reply::Done));
    }
    assert_eq!(fixture.rows.len(), rows + 200);
    fixture.time.0 += 140 * 60_000;
    let mut entry = fixture.entry(Command::Account(AccountCommand::SetSuspended(false)));
    entry.request = Some(RequestId {
        session: SessionId([0; 16]),
        sequence: 1,
        created: fixture.time,
    });
    assert_eq!(fixture.apply(&entry).reply, Ok(Reply::Done));
    for _ in 0..7 {
        fixture.fill("INBOX", 0);
    }
    assert_eq!(fixture.rows.len(), rows + 1);
}
