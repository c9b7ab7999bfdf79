//! Round trips and refusals.

mod commands;
mod values;

use std::fmt::Debug;
use std::net::IpAddr;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::command::MailboxCommand;
use crate::ids::{AccountId, GroupId, RequestId, SessionId, Slot};
use crate::name::MailboxName;
use crate::search::SearchKey;
use crate::slots::{CopiedRow, MoveId, RowsCommand, SlotStep};
use crate::time::Timestamp;
use values as any_of;

/// What is encoded decodes to an equal value, and what is cut short never to that value.
fn check<T: PartialEq + Debug>(
    value: &T,
    encode: impl Fn(&T) -> Bytes,
    decode: impl Fn(Bytes) -> Result<T, DecodeError>,
) {
    let bytes = encode(value);
    assert_eq!(decode(bytes.clone()).as_ref(), Ok(value));
    if let Some(end) = bytes.len().checked_sub(1) {
        assert_ne!(decode(bytes.slice(..end)).as_ref(), Ok(value));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn entries_round_trip(value in commands::entry()) {
        check(&value, encode_entry, decode_entry);
        check(&value.command, encode_command, decode_command);
        check(&value.subject, encode_subject, decode_subject);
    }

    #[test]
    fn replies_round_trip(
        reply in any_of::reply(),
        rejection in any_of::rejection(),
        error in any_of::store_error(),
        event in any_of::event(),
    ) {
        check(&reply, encode_reply, decode_reply);
        check(&rejection, encode_rejection, decode_rejection);
        check(&error, encode_store_error, decode_store_error);
        check(&event, encode_event, decode_event);
        check(&Ok(reply), encode_outcome, decode_outcome);
        check(&Err(rejection), encode_outcome, decode_outcome);
    }

    #[test]
    fn mailboxes_round_trip(
        tree in any_of::tree(),
        changes in any_of::changes(),
        mailbox in any_of::mailbox_ref(),
        uids in any_of::uid_set(),
    ) {
        check(&tree, encode_mailbox_tree, decode_mailbox_tree);
        check(&changes, encode_mailbox_changes, decode_mailbox_changes);
        check(&mailbox, encode_mailbox_ref, decode_mailbox_ref);
        check(&uids, encode_uid_set, decode_uid_set);
    }

    #[test]
    fn messages_round_trip(
        records in vec((any_of::record(), option::of(any_of::bytes()), option::of(any_of::bytes())), 0..4),
        ranges in vec((any_of::uid(), any::<u32>(), any::<u32>()), 0..4),
        (range, bytes, last, missing) in (any::<u32>(), any_of::bytes(), any::<bool>(), any::<bool>()),
        (summary, ticket) in any::<(bool, bool)>(),
    ) {
        let answers: Vec<_> = records
            .into_iter()
            .map(|(record, summary, ticket)| query::MessageAnswer { record, summary, ticket })
            .collect();
        let ranges: Vec<_> = ranges
            .into_iter()
            .map(|(uid, offset, length)| query::ContentRange { uid, offset, length })
            .collect();
        check(&answers, |answers| encode_message_answers(answers), decode_message_answers);
        check(&ranges, |ranges| encode_content_ranges(ranges), decode_content_ranges);
        for answer in &answers {
            check(answer, encode_message_answer, decode_message_answer);
        }
        for range in &ranges {
            check(range, encode_content_range, decode_content_range);
        }
        let chunk = query::ContentChunk { range, bytes, last, missing };
        check(&chunk, encode_content_chunk, decode_content_chunk);
        check(&query::MessageParts { summary, ticket }, encode_message_parts, decode_message_parts);
    }

    #[test]
    fn searches_round_trip(
        program in any_of::search_program(),
        uids in any_of::uid_set(),
        highest_modseq in option::of(any_of::modseq()),
    ) {
        check(&program, encode_search_program, decode_search_program);
        let result = SearchResult { uids, highest_modseq };
        check(&result, encode_search_result, decode_search_result);
    }

    #[test]
    fn accounts_round_trip(
        account in any_of::account(),
        record in any_of::address_record(),
        mailboxes: u32,
        text in any_of::text(),
    ) {
        check(&account, encode_account, decode_account);
        check(&record, encode_address_record, decode_address_record);
        let quota = query::Quota { limits: account.limits, usage: account.usage };
        check(&quota, encode_quota, decode_quota);
        let by_address = ports::AccountSelector::Address(account.address.clone());
        check(&by_address, encode_account_selector, decode_account_selector);
        let by_id = ports::AccountSelector::Id(account.id);
        check(&by_id, encode_account_selector, decode_account_selector);
        let secret = ports::SecretChange::Hash(text);
        let limits = Some(account.limits);
        let add = ports::AccountAdd { address: account.address.clone(), secret, limits };
        let bytes = encode_account_add(&add);
        let again = decode_account_add(bytes.clone()).expect("what was encoded");
        prop_assert_eq!(encode_account_add(&again), bytes);
        let bytes = encode_secret_change(&add.secret);
        let again = decode_secret_change(bytes.clone()).expect("what was encoded");
        prop_assert_eq!(encode_secret_change(&again), bytes);
        check(&query::AccountInfo { account, mailboxes }, encode_account_info, decode_account_info);
    }

    #[test]
    fn sessions_round_trip(
        (account, session, address) in (any_of::account_id(), any_of::session_id(), any_of::address()),
        (token, additional) in (any_of::bytes(), option::of(any_of::bytes())),
        (user, proxy, since) in (any_of::text(), any_of::text(), any_of::time()),
        (peer, secure) in (any::<IpAddr>(), any::<bool>()),
    ) {
        // Who presents a call is never believed from the wire.
        let caller = ports::Caller { account, session, token: token.clone(), presenter: "".into() };
        check(&caller, encode_caller, decode_caller);
        let login = ports::Login { account, address: address.clone(), session, token: token.clone(), proxy: proxy.as_str().into() };
        check(&login, encode_login, decode_login);
        for outcome in [
            ports::SaslOutcome::Challenge(token.clone()),
            ports::SaslOutcome::Success { login, additional: additional.clone() },
            ports::SaslOutcome::Failure(ports::LoginFailure::Limited),
            ports::SaslOutcome::Failure(ports::LoginFailure::TooManySessions),
        ] {
            check(&outcome, encode_sasl_outcome, decode_sasl_outcome);
        }
        let renewed = ports::SessionNotice::TokenRenewed(token);
        check(&renewed, encode_session_notice, decode_session_notice);
        let request = ports::LoginRequest {
            user: user.clone(),
            mechanism: "PLAIN".to_owned(),
            protocol: "imap",
            peer,
            secure,
            binding: ports::ChannelBinding { tls_exporter: additional, tls_server_end_point: None },
            proxy: proxy.as_str().into(),
        };
        let bytes = encode_login_request(&request);
        let again = decode_login_request(bytes.clone()).expect("what was encoded");
        prop_assert_eq!(encode_login_request(&again), bytes);
        let info = ports::SessionInfo {
            session, account, address, protocol: "imap".to_owned(), peer: user, proxy, since,
        };
        check(&info, encode_session_info, decode_session_info);
        check(&vec![info], |infos| encode_session_infos(infos), decode_session_infos);
    }

    #[test]
    fn nodes_and_deliveries_round_trip(
        (account, address, blob) in (any_of::account_id(), any_of::address(), any_of::blob()),
        (text, detail) in (any_of::text(), option::of(any_of::text())),
        (group, term, size) in any::<(u32, u64, u32)>(),
        (transaction, error) in (any::<[u8; 16]>(), any_of::store_error()),
        rejection in any_of::rejection(),
    ) {
        let status = ports::GroupStatus {
            group: GroupId(group),
            leader: ports::LeaderStatus::Remote(text.clone()),
            term,
            last_log_index: term,
            applied_index: 1,
            snapshot_index: 2,
            voters: vec![text.clone()],
        };
        let node = ports::NodeStatus {
            node: text.clone(),
            version: text.clone(),
            started: Timestamp(term),
            groups: vec![status],
            blob_bytes: term,
            disk_free_bytes: 3,
            sessions: 4,
        };
        check(&node, encode_node_status, decode_node_status);
        check(&vec![node], |nodes| encode_node_statuses(nodes), decode_node_statuses);
        let recipient = ports::Recipient { address, account, detail };
        check(&recipient, encode_recipient, decode_recipient);
        check(&Ok(recipient), encode_resolution, decode_resolution);
        for refusal in [
            ports::RecipientRefusal::Unknown,
            ports::RecipientRefusal::OverQuota,
            ports::RecipientRefusal::NoSpace,
            ports::RecipientRefusal::Temporary,
        ] {
            check(&Err(refusal), encode_resolution, decode_resolution);
        }
        let envelope = ports::DeliveryEnvelope { sender: text, transaction };
        check(&envelope, encode_delivery_envelope, decode_delivery_envelope);
        check(&ports::StoredBlob { blob, size }, encode_stored_blob, decode_stored_blob);
        for delivered in [
            ports::Delivered::Done,
            ports::Delivered::Refused(rejection),
            ports::Delivered::Later(error),
        ] {
            check(&delivered, encode_delivered, decode_delivered);
        }
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in vec(any::<u8>(), 0..200)) {
        let bytes = Bytes::from(bytes);
        let _ = decode_entry(bytes.clone());
        let _ = decode_outcome(bytes.clone());
        let _ = decode_mailbox_changes(bytes.clone());
        let _ = decode_mailbox_tree(bytes.clone());
        let _ = decode_search_program(bytes.clone());
        let _ = decode_login_request(bytes.clone());
        let _ = decode_delivered(bytes);
    }
}

fn entry() -> Entry {
    Entry {
        subject: Subject::Account(AccountId([7; 16])),
        request: Some(RequestId {
            session: SessionId([1; 16]),
            sequence: 3,
            created: Timestamp(5),
        }),
        time: Timestamp(9),
        command: Command::Mailbox(MailboxCommand::Delete {
            name: MailboxName::parse("a/b").expect("a name"),
        }),
    }
}

#[test]
fn an_entry_round_trips() {
    assert_eq!(decode_entry(encode_entry(&entry())), Ok(entry()));
}

#[test]
fn an_entry_of_unknown_kind_or_format_is_an_error() {
    let mut unknown = proto::Entry::from(&entry());
    unknown.format = ENTRY_FORMAT + 1;
    let decoded = decode_entry(Bytes::from(unknown.encode_to_vec()));
    assert_eq!(decoded, Err(DecodeError::Format(ENTRY_FORMAT + 1)));
    // Field 900 of `Command`, which no version has, in place of the command.
    unknown.format = ENTRY_FORMAT;
    unknown.command = None;
    let mut bytes = unknown.encode_to_vec();
    bytes.extend([0x2a, 3, 0xa0, 0x38, 1]);
    assert_eq!(
        decode_entry(Bytes::from(bytes)),
        Err(DecodeError::Unknown("command"))
    );
}

#[test]
fn a_claim_of_all_uids_costs_nothing() {
    // A set of four thousand million UIDs takes six bytes; states for them are not there.
    let changes = proto::MessageStates {
        uids: Some((&UidSet::range(crate::Uid::MIN, crate::Uid::MAX)).into()),
        ..proto::MessageStates::default()
    };
    assert_eq!(
        mailbox::states(Some(changes)),
        Err(DecodeError::Invalid("message states"))
    );
}

#[test]
fn sets_of_uids_have_one_form() {
    let set = |deltas: &[u32]| {
        UidSet::try_from(proto::UidSet {
            deltas: deltas.to_vec(),
        })
    };
    assert!(set(&[1, 0, 2, 0]).is_ok());
    for wrong in [
        &[0, 1][..],
        &[1],
        &[1, 0, 1, 0],
        &[u32::MAX, 1],
        &[5, 0, u32::MAX, 0],
    ] {
        assert_eq!(set(wrong), Err(DecodeError::Invalid("uid set")), "{wrong:?}");
    }
}

#[test]
fn a_search_deeper_than_any_client_may_send_is_refused() {
    let mut key = SearchKey::All;
    for _ in 0..200 {
        key = SearchKey::Not(Box::new(key));
    }
    let within = UidSet::new();
    let bytes = encode_search_program(&SearchProgram { key, within });
    assert!(matches!(
        decode_search_program(bytes),
        Err(DecodeError::Malformed(_))
    ));
}

/// Entries stay in logs for as long as a group lags, and are sent between versions: their form is fixed.
#[test]
fn entries_that_move_slots_have_the_form_that_they_always_had() {
    let step = SlotCommand {
        moving: MoveId(300),
        slots: [Slot(1), Slot(200)].into_iter().collect(),
        step: SlotStep::Release {
            epoch: 9,
            to: GroupId(4),
        },
    };
    let bytes = encode_command(&Command::Slots(step.clone()));
    let golden = b"\xb2\x04\x10\x08\xac\x02\x12\x05\x0a\x03\x01\xc8\x01\x32\x04\x08\x09\x10\x04";
    assert_eq!(bytes.as_ref(), golden);
    assert_eq!(decode_command(&golden[..]), Ok(Command::Slots(step)));
    let piece = InstallRows {
        moving: MoveId(1),
        copy: 2,
        source_index: 3,
        piece: 4,
        last: true,
        rows: vec![CopiedRow {
            key: Bytes::from_static(b"k"),
            value: Bytes::from_static(b"v"),
            append: true,
        }],
    };
    let bytes = encode_command(&Command::Rows(RowsCommand::Install(piece.clone())));
    let golden = b"\xba\x04\x14\x08\x01\x10\x02\x18\x03\x20\x04\x28\x01\x32\x08\x0a\x01k\x12\x01v\x18\x01";
    assert_eq!(bytes.as_ref(), golden);
    assert_eq!(
        decode_command(&golden[..]),
        Ok(Command::Rows(RowsCommand::Install(piece)))
    );
    assert_eq!(
        encode_command(&Command::Rows(RowsCommand::Remove)).as_ref(),
        b"\xc2\x04\x00"
    );
    assert_eq!(encode_subject(&Subject::Header).as_ref(), b"\x1a\x00");
}

proptest! {
    #[test]
    fn sets_and_steps_of_slots_round_trip(command in commands::slot_command()) {
        let slots = decode_slot_set(encode_slot_set(&command.slots));
        prop_assert_eq!(slots.as_ref(), Ok(&command.slots));
        prop_assert_eq!(decode_slot_command(encode_slot_command(&command)), Ok(command));
    }
}
