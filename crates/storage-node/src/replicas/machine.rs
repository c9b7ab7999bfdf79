//! The mailbox model as the state machine of every group.

use std::sync::Arc;

use bytes::Bytes;
use consensus::{Applied, LogPosition, Machine, MachineError, SubjectRows};
use mailstore::command::{Entry, Subject};
use mailstore::event::Event;
use mailstore::{AccountId, Rejection, Reply, codec};

use super::rows::WritableRows;
use crate::replication::EventSink;

/// First octet of the name of an account's subject; its id follows.
const ACCOUNT: u8 = 1;
/// First octet of the name of an address record's subject; the address follows.
const ADDRESS: u8 = 2;

/// Applies entries of `mailstore`.
pub(super) struct MailMachine {
    events: Arc<dyn EventSink>,
}

impl MailMachine {
    pub(super) fn new(events: Arc<dyn EventSink>) -> Self {
        Self { events }
    }
}

/// Returns the name under which consensus keeps a subject's rows.
pub(super) fn subject_name(subject: &Subject) -> consensus::Subject {
    let name = match subject {
        Subject::Account(account) => [&[ACCOUNT], &account.0[..]].concat(),
        Subject::Address(address) => [&[ADDRESS], address.as_str().as_bytes()].concat(),
    };
    consensus::Subject::new(name).expect("invariant: addresses are at most 320 octets")
}

/// Returns the account that a name stands for.
pub(super) fn account_of(subject: &consensus::Subject) -> Option<AccountId> {
    let id = subject.name().strip_prefix(&[ACCOUNT])?;
    id.try_into().ok().map(AccountId)
}

fn decode(entry: &Bytes) -> Result<Entry, MachineError> {
    codec::decode_entry(entry.clone()).map_err(|error| MachineError::UnknownEntry(Box::new(error)))
}

impl Machine for MailMachine {
    type Reply = Result<Reply, Rejection>;
    type Event = Event;

    fn subject(&self, entry: &Bytes) -> Result<consensus::Subject, MachineError> {
        decode(entry).map(|entry| subject_name(&entry.subject))
    }

    fn apply(
        &self,
        at: LogPosition,
        entry: &Bytes,
        rows: &mut SubjectRows<'_>,
    ) -> Result<Applied<Self::Reply, Event>, MachineError> {
        let entry = decode(entry)?;
        let mut rows = WritableRows::new(rows);
        match mailstore::apply::apply(&mut rows, at.index, &entry) {
            Ok(applied) => Ok(Applied {
                reply: applied.reply,
                events: applied.events,
            }),
            Err(error) => Err(match rows.into_failure() {
                Some(engine) => MachineError::Engine(engine),
                None => MachineError::DamagedRows(Box::new(error)),
            }),
        }
    }

    fn publish(&self, events: Vec<Event>) {
        self.events.publish(&events);
    }
}

#[cfg(test)]
mod tests {
    use mailstore::address::Address;

    use super::*;

    #[test]
    fn names_tell_accounts_from_addresses() {
        let account = AccountId([7; 16]);
        let address = Address::parse("aaaaaaaa@x.org.uk").expect("an address");
        assert_eq!(
            account_of(&subject_name(&Subject::Account(account))),
            Some(account)
        );
        assert_eq!(account_of(&subject_name(&Subject::Address(address))), None);
    }
}
