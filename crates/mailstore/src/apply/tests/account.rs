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
    // A newer request and the leader's clock agree that all of that minute is old.
    fixture.time.0 += 140 * 60_000;
    entry.time = fixture.time;
    entry.request = Some(RequestId {
        created: fixture.time,
        ..request(1)
    });
    assert!(fixture.apply(&entry).reply.is_ok());
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

/// A session's requests, each made at one time and applied by a leader whose clock shows another.
struct Requests {
    fixture: Fixture,
    request: RequestId,
}

impl Requests {
    fn new() -> Self {
        let request = RequestId {
            session: SessionId([1; 16]),
            sequence: 0,
            created: START,
        };
        let fixture = Fixture::new();
        Self { fixture, request }
    }

    fn make(&mut self, created: u64, leader: u64) -> Result<Reply, Rejection> {
        self.request.sequence += 1;
        self.request.created = Timestamp(created);
        self.send(self.request, leader)
    }

    fn send(&mut self, request: RequestId, leader: u64) -> Result<Reply, Rejection> {
        let subscribe = MailboxCommand::Subscribe {
            name: name("x"),
            subscribed: request.sequence.is_multiple_of(2),
        };
        let mut entry = self.fixture.entry(Command::Mailbox(subscribe));
        entry.time = Timestamp(leader);
        entry.request = Some(request);
        self.fixture.apply(&entry).reply
    }
}

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

#[test]
fn a_leader_with_a_wrong_clock_does_not_stop_an_account() {
    for wrong_by in [HOUR, 24 * HOUR, 1000 * HOUR] {
        let mut requests = Requests::new();
        assert_eq!(requests.make(START.0, START.0), Ok(Reply::Done));
        // One leader with a clock that is ahead, then others that are right.
        let ahead = requests.make(START.0 + 1, START.0 + wrong_by);
        assert_eq!(ahead.is_ok(), wrong_by == HOUR);
        let without_request = requests
            .fixture
            .entry(Command::Account(AccountCommand::SetSuspended(false)));
        let time = Timestamp(START.0 + wrong_by);
        requests.fixture.apply(&Entry {
            time,
            ..without_request
        });
        for write in 0..200 {
            let now = START.0 + 2 + write * 5000;
            assert_eq!(requests.make(now, now), Ok(Reply::Done), "write {write}");
        }
    }
}

#[test]
fn two_clocks_an_hour_wrong_in_both_directions_do_not_stop_an_account() {
    let mut requests = Requests::new();
    for write in 0..300 {
        let now = START.0 + write * MINUTE / 2;
        assert_eq!(
            requests.make(now - HOUR, now + HOUR),
            Ok(Reply::Done),
            "write {write}"
        );
        assert_eq!(
            requests.make(now + HOUR, now - HOUR),
            Ok(Reply::Done),
            "write {write}"
        );
    }
}

#[test]
fn a_request_older_than_what_is_remembered_is_never_executed() {
    let mut requests = Requests::new();
    assert_eq!(requests.make(START.0, START.0), Ok(Reply::Done));
    let first = requests.request;
    let later = START.0 + 140 * MINUTE;
    assert_eq!(requests.make(later, later), Ok(Reply::Done));
    let unknown = Err(Rejection::OutcomeUnknown);
    // Also by a leader whose clock shows the time at which it was made.
    assert_eq!(requests.send(first, START.0), unknown);
    let sequence = 99;
    assert_eq!(requests.send(RequestId { sequence, ..first }, START.0), unknown);
    // What was remembered still is.
    assert_eq!(requests.send(requests.request, later), Ok(Reply::Done));
}

#[test]
fn only_what_a_login_depends_on_ends_sessions() {
    let mut fixture = Fixture::new();
    let mut check = |command: AccountCommand, ends: bool| {
        let entry = fixture.entry(Command::Account(command.clone()));
        let told = fixture
            .apply(&entry)
            .events
            .contains(&Event::AccountChanged { account: ID });
        assert_eq!(told, ends, "{command:?}");
    };
    check(AccountCommand::SetLimits(QuotaLimits::default()), false);
    let address = Address::parse("new@example.org").expect("an address");
    check(AccountCommand::SetAddress(address), false);
    check(AccountCommand::SetCredentials(Credentials(vec![1].into())), true);
    check(AccountCommand::SetSuspended(true), true);
    check(AccountCommand::SetSuspended(false), true);
    let purge_after = START;
    check(AccountCommand::Remove { purge_after }, true);
    check(AccountCommand::Purge, true);
}
