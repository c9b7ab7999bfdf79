//! The state machine of the mail groups: `mailstore`'s model over the rows of a group.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use mailstore::event::Event;
use mailstore::rows::{ReadRows, Rows, RowsError};
use mailstore::{AccountId, Rejection, Reply, TableError, codec};

use crate::group::Group;
use crate::machine::{Applied, Machine, MachineError, Subject};
use crate::tables::SubjectRows;
use crate::{Error, LogPosition};

/// Takes what committed entries mean to those who watch, in log order. It must not block.
pub trait EventSink: Send + Sync + 'static {
    /// Takes the events of a batch whose rows are now readable.
    fn publish(&self, events: Vec<Event>);
}

/// Applies `mailstore` entries in their encoded form, see [`mailstore::codec::encode_entry`].
pub struct MailMachine {
    events: Arc<dyn EventSink>,
}

impl MailMachine {
    /// Returns a machine whose events go to `events`.
    pub fn new(events: Arc<dyn EventSink>) -> Self {
        Self { events }
    }
}

/// Returns the name under which the rows of an account or address record stand.
pub fn mail_subject(subject: &mailstore::command::Subject) -> Subject {
    let name = match subject {
        mailstore::command::Subject::Account(id) => [&[ACCOUNT][..], &id.0].concat(),
        mailstore::command::Subject::Address(address) => {
            [&[ADDRESS][..], address.as_str().as_bytes()].concat()
        }
        mailstore::command::Subject::Header => return Subject::header(),
    };
    Subject::new(name).expect("invariant: an address is at most 320 bytes long")
}

// The first byte of a subject's name. It stands in tables and snapshots.
const ACCOUNT: u8 = b'a';
const ADDRESS: u8 = b'@';

/// Returns the account whose rows stand under this name, `None` for an address record.
pub fn account_of(subject: &Subject) -> Option<AccountId> {
    let id = subject.name().strip_prefix(&[ACCOUNT])?;
    id.try_into().ok().map(AccountId)
}

/// Returns the account or address record whose rows stand under this name, `None` for any other.
pub fn subject_of(subject: &Subject) -> Option<mailstore::command::Subject> {
    if let Some(account) = account_of(subject) {
        return Some(mailstore::command::Subject::Account(account));
    }
    let address = subject.name().strip_prefix(&[ADDRESS])?;
    let address = mailstore::address::Address::parse(std::str::from_utf8(address).ok()?)?;
    Some(mailstore::command::Subject::Address(address))
}

impl Group<MailMachine> {
    /// Returns accounts of the group, ascending, behind `after`, at most `count_max`. Accounts whose data has
    /// been deleted may still be among them.
    ///
    /// # Errors
    /// [`crate::Error::Tables`].
    pub async fn accounts(
        &self,
        after: Option<AccountId>,
        count_max: usize,
    ) -> Result<Vec<AccountId>, Error> {
        let subject = |id| mail_subject(&mailstore::command::Subject::Account(id));
        // The successor of the largest id is no id, so that nothing lies behind it.
        let first = match after {
            None => AccountId([0; 16]),
            Some(AccountId(id)) => match u128::from_be_bytes(id).checked_add(1) {
                Some(next) => AccountId(next.to_be_bytes()),
                None => return Ok(Vec::new()),
            },
        };
        let last = AccountId([u8::MAX; 16]);
        let found = self
            .subjects_between(subject(first), subject(last), count_max)
            .await?;
        Ok(found.iter().filter_map(account_of).collect())
    }
}

impl Machine for MailMachine {
    type Reply = Result<Reply, Rejection>;
    type Event = Event;

    fn subject(&self, entry: &Bytes) -> Result<Subject, MachineError> {
        Ok(mail_subject(&decode(entry)?.subject))
    }

    fn apply(
        &self,
        at: LogPosition,
        entry: &Bytes,
        rows: &mut SubjectRows<'_>,
    ) -> Result<Applied<Self::Reply, Event>, MachineError> {
        let entry = decode(entry)?;
        let header = rows.header();
        match mailstore::apply_in_group(&header, rows, at.index, &entry) {
            Ok(applied) => Ok(Applied {
                reply: applied.reply,
                events: applied.events,
            }),
            Err(TableError::Corrupt(error)) => Err(MachineError::DamagedRows(Box::new(error))),
            Err(TableError::Engine(error)) => Err(match rows.take_failure().or(header.take_failure()) {
                Some(failure) => MachineError::Engine(failure),
                None => MachineError::DamagedRows(Box::new(error)),
            }),
        }
    }

    fn publish(&self, events: Vec<Event>) {
        self.events.publish(events);
    }
}

fn decode(entry: &Bytes) -> Result<mailstore::Entry, MachineError> {
    codec::decode_entry(entry.clone()).map_err(|error| MachineError::UnknownEntry(Box::new(error)))
}

impl ReadRows for SubjectRows<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        SubjectRows::get(self, key).map_err(|error| RowsError(error.to_string()))
    }

    fn scan(
        &self,
        start: &[u8],
        end: &[u8],
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), RowsError> {
        let (start, end) = (Bound::Included(start), Bound::Excluded(end));
        SubjectRows::scan(self, start, end, visit).map_err(|error| RowsError(error.to_string()))
    }
}

impl Rows for SubjectRows<'_> {
    fn put(&mut self, key: Vec<u8>, value: Bytes) {
        SubjectRows::put(self, &key, value);
    }

    fn delete(&mut self, key: Vec<u8>) {
        SubjectRows::delete(self, &key);
    }
}
