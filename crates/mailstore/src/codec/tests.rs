//! Round trips and refusals.

use super::*;
use crate::command::MailboxCommand;
use crate::ids::{AccountId, RequestId, SessionId};
use crate::name::MailboxName;
use crate::time::Timestamp;

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
