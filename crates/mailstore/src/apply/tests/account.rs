//! The account, address records, retries and replays.

use super::*;

#[test]
fn a_new_account_has_its_mailboxes_subscribed() {
    let fixture = Fixture::new();
    assert_eq!(fixture.names(), ["INBOX", "Sent"]);
    let tree = read::mailbox_tree(&fixture.rows).expect("sound rows");
    assert!(tree.entries.iter().all(|entry| entry.subscribed));
    let inbox = fixture.find("INBOX").expect("INBOX");
    assert!(inbox.highest_modseq >= ModSeq(1));
    assert!(u64::from(inbox.uid_validity.get()) > START.seconds());
}

#[test]
fn a_retry_is_answered_from_the_record() {
    let mut fixture = Fixture::new();
    fixture.fill("INBOX", 2);
    let mailbox = fixture.id("INBOX");
    let store = MessageCommand::Store {
        mailbox,
        uids: uids(&[1, 2]),
        operation: FlagOperation::Add,
        flags: flags(&[SystemFlag::Seen], &[]),
        unchanged_since: None,
    };
    let mut entry = fixture.entry(Command::Message(store));
    let session = SessionId([1; 16]);
    let request = |sequence| RequestId {
        session,
        sequence,
        created: START,
    };
    entry.request = Some(request(20));
    let first = fixture.apply(&entry).reply;
    let before = fixture.find("INBOX");
    assert_eq!(fixture.apply(&entry).reply, first);
    assert_eq!(fixture.find("INBOX"), before);
    // Sequence 4 shares the slot of 20 and is older: it may have been applied.
    entry.request = Some(request(4));
    assert_eq!(fixture.apply(&entry).reply, Err(Rejection::OutcomeUnknown));
    // Nothing was forgotten yet, so a late request is known to be new.
    fixture.time.0 += 12 * 60_000;
    entry.time = fixture.time;
    entry.request = Some(request(21));
    assert!(fixture.apply(&entry).reply.is_ok());
    // It was forgotten at once, with all others of its minute.
    fixture.fill("INBOX", 0);
    for sequence in [20, 21, 22] {
        entry.request = Some(request(sequence));
        assert_eq!(fixture.apply(&entry).reply, Err(Rejection::OutcomeUnknown));
    }
}

#[test]
fn entries_at_or_below_the_index_are_passed_over() {
    let mut fixture = Fixture::new();
    let before = fixture.rows.clone();
    let command = Command::Mailbox(MailboxCommand::Create {
        name: name("late"),
        special_use: SpecialUse::NONE,
    });
    let entry = fixture.entry(command);
    for index in [0, fixture.index] {
        let applied = apply(&mut fixture.rows, index, &entry).expect("sound rows");
        assert_eq!(applied.reply, Err(Rejection::OutcomeUnknown));
    }
    assert_eq!(fixture.rows, before);
}

#[test]
fn an_absent_account_is_left_alone() {
    let mut rows = MemoryRows::new();
    let entry = Entry {
        subject: Subject::Account(ID),
        request: None,
        time: START,
        command: Command::Account(AccountCommand::Restore),
    };
    let applied = apply(&mut rows, 1, &entry).expect("sound rows");
    assert_eq!(applied.reply, Err(Rejection::NoSuchAccount));
    assert!(rows.is_empty());
}

#[test]
fn a_removed_account_is_purged_when_its_time_is_over() {
    let mut fixture = Fixture::new();
    fixture.fill("INBOX", 3);
    let run = |fixture: &mut Fixture, command| fixture.run(Command::Account(command));
    let purge_after = Timestamp(START.0 + 1000);
    run(&mut fixture, AccountCommand::SetSuspended(true)).expect("accepted");
    run(&mut fixture, AccountCommand::Remove { purge_after }).expect("accepted");
    assert_eq!(fixture.create("x"), Err(Rejection::AccountNotActive));
    run(&mut fixture, AccountCommand::Restore).expect("accepted");
    let account = read::account(&fixture.rows)
        .expect("sound rows")
        .expect("an account");
    assert_eq!(account.state, crate::account::AccountState::Suspended);
    run(&mut fixture, AccountCommand::Remove { purge_after }).expect("accepted");
    assert_eq!(
        run(&mut fixture, AccountCommand::Purge),
        Err(Rejection::AccountState)
    );
    fixture.time = purge_after;
    assert_eq!(run(&mut fixture, AccountCommand::Purge), Ok(Reply::Done));
    assert!(fixture.rows.is_empty());
}

#[test]
fn an_address_belongs_to_one_account() {
    let address = Address::parse("a@example.org").expect("an address");
    let (mut rows, mut index) = (MemoryRows::new(), 0);
    let mut run = |command| {
        index += 1;
        let entry = Entry {
            subject: Subject::Address(address.clone()),
            request: None,
            time: START,
            command: Command::Address(command),
        };
        apply(&mut rows, index, &entry).expect("sound rows").reply
    };
    let (one, other) = (ID, AccountId([8; 16]));
    assert_eq!(
        run(AddressCommand::Activate { account: one }),
        Err(Rejection::NoSuchAddress)
    );
    assert_eq!(run(AddressCommand::Reserve { account: one }), Ok(Reply::Done));
    assert_eq!(run(AddressCommand::Reserve { account: one }), Ok(Reply::Done));
    assert_eq!(
        run(AddressCommand::Reserve { account: other }),
        Err(Rejection::AddressTaken)
    );
    assert_eq!(run(AddressCommand::Activate { account: one }), Ok(Reply::Done));
    assert_eq!(run(AddressCommand::Release { account: other }), Ok(Reply::Done));
    assert_eq!(run(AddressCommand::Release { account: one }), Ok(Reply::Done));
    assert_eq!(run(AddressCommand::Reserve { account: other }), Ok(Reply::Done));
}

#[test]
fn a_leader_with_a_wrong_clock_does_not_stop_an_account() {
    let mut fixture = Fixture::new();
    let mut request = RequestId {
        session: SessionId([1; 16]),
        sequence: 0,
        created: START,
    };
    let hour = 3_600_000;
    for (minutes, wrong_by) in [(0, 0), (1, hour), (2, hour), (13, hour), (14, 0), (15, 0)] {
        request.sequence += 1;
        request.created = Timestamp(START.0 + minutes * 60_000);
        let subscribe = MailboxCommand::Subscribe {
            name: name("x"),
            subscribed: minutes % 2 == 0,
        };
        let mut entry = fixture.entry(Command::Mailbox(subscribe));
        entry.time = Timestamp(request.created.0 + wrong_by);
        entry.request = Some(request);
        assert_eq!(fixture.apply(&entry).reply, Ok(Reply::Done), "minute {minutes}");
    }
    let mut ancient = fixture.entry(Command::Account(AccountCommand::SetSuspended(true)));
    ancient.time = Timestamp(START.0 + 5 * hour);
    request.sequence += 1;
    ancient.request = Some(request);
    assert_eq!(fixture.apply(&ancient).reply, Err(Rejection::OutcomeUnknown));
}
