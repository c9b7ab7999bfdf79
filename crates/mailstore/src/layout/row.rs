//! Rows in protobuf, behind a byte that names their format.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use crate::account::{Account, AccountState, Credentials, QuotaLimits, QuotaUsage};
use crate::address::{Address, AddressRecord};
use crate::codec::proto;
use crate::codec::{self, Outcome, required};
use crate::error::DecodeError;
use crate::ids::{AccountId, MailboxId, ModSeq, UidValidity};
use crate::mailbox::{Mailbox, SpecialUse};
use crate::time::Timestamp;

const VERSION: u8 = 1;

pub(super) fn write(row: &impl Message) -> Bytes {
    let mut bytes = BytesMut::with_capacity(1 + row.encoded_len());
    bytes.put_u8(VERSION);
    // Growing a buffer in memory cannot fail.
    let _ = row.encode(&mut bytes);
    bytes.freeze()
}

pub(super) fn read<P: Message + Default>(bytes: &Bytes) -> Result<P, DecodeError> {
    match bytes.first() {
        Some(&VERSION) => {
            P::decode(bytes.slice(1..)).map_err(|error| DecodeError::Malformed(error.to_string()))
        }
        Some(other) => Err(DecodeError::Format(u32::from(*other))),
        None => Err(DecodeError::Missing("row")),
    }
}

/// What changes with nearly every entry of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Counters {
    pub(crate) index: u64,
    pub(crate) log_time: Timestamp,
    pub(crate) modseq: ModSeq,
    pub(crate) uid_validity: UidValidity,
    pub(crate) next_mailbox: u32,
    pub(crate) mailboxes: u32,
    pub(crate) subscriptions: u32,
    /// Special uses that some mailbox has.
    pub(crate) special_uses: SpecialUse,
    pub(crate) usage: QuotaUsage,
    pub(crate) expunged_records: u32,
    pub(crate) expunged_oldest: Option<Timestamp>,
    pub(crate) requests_oldest: Option<u64>,
    pub(crate) requests_floor: Option<u64>,
    pub(crate) requests_newest: Option<u64>,
}

impl Counters {
    pub(crate) fn encode(&self) -> Bytes {
        write(&proto::CountersRow {
            index: self.index,
            log_time: self.log_time.0,
            modseq: self.modseq.0,
            uid_validity: self.uid_validity.get(),
            next_mailbox: self.next_mailbox,
            mailboxes: self.mailboxes,
            subscriptions: self.subscriptions,
            special_uses: u32::from(self.special_uses.0),
            usage: Some((&self.usage).into()),
            expunged_records: self.expunged_records,
            expunged_oldest: self.expunged_oldest.map(|time| time.0),
            requests_oldest: self.requests_oldest,
            requests_floor: self.requests_floor,
            requests_newest: self.requests_newest,
        })
    }

    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let row: proto::CountersRow = read(bytes)?;
        Ok(Self {
            index: row.index,
            log_time: Timestamp(row.log_time),
            modseq: ModSeq(row.modseq),
            uid_validity: codec::field::uid_validity(row.uid_validity)?,
            next_mailbox: row.next_mailbox,
            mailboxes: row.mailboxes,
            subscriptions: row.subscriptions,
            special_uses: codec::field::special_use(row.special_uses)?,
            usage: required(row.usage, "usage")?,
            expunged_records: row.expunged_records,
            expunged_oldest: row.expunged_oldest.map(Timestamp),
            requests_oldest: row.requests_oldest,
            requests_floor: row.requests_floor,
            requests_newest: row.requests_newest,
        })
    }
}

/// What the administrator changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Profile {
    pub(crate) id: AccountId,
    pub(crate) address: Address,
    pub(crate) state: AccountState,
    pub(crate) credentials: Credentials,
    pub(crate) credentials_version: u64,
    pub(crate) limits: QuotaLimits,
    pub(crate) created: Timestamp,
    /// Whether a removed account was suspended before, so that restoring it does not lift that.
    pub(crate) suspended: bool,
}

impl Profile {
    pub(crate) fn encode(&self) -> Bytes {
        write(&proto::ProfileRow {
            id: codec::field::bytes_of(&self.id.0),
            address: self.address.as_str().to_owned(),
            state: Some((&self.state).into()),
            credentials: self.credentials.0.clone(),
            credentials_version: self.credentials_version,
            limits: Some((&self.limits).into()),
            created: self.created.0,
            suspended: self.suspended,
        })
    }

    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let row: proto::ProfileRow = read(bytes)?;
        Ok(Self {
            id: codec::field::account_id(&row.id)?,
            address: codec::field::address(&row.address)?,
            state: required(row.state, "state")?,
            credentials: Credentials(row.credentials),
            credentials_version: row.credentials_version,
            limits: required(row.limits, "limits")?,
            created: Timestamp(row.created),
            suspended: row.suspended,
        })
    }

    /// Returns the account as the rest of the program sees it.
    pub(crate) fn account(self, counters: &Counters) -> Account {
        Account {
            id: self.id,
            address: self.address,
            state: self.state,
            credentials: self.credentials,
            credentials_version: self.credentials_version,
            limits: self.limits,
            usage: counters.usage,
            created: self.created,
            modseq: counters.modseq,
            uid_validity: counters.uid_validity,
        }
    }
}

/// One mailbox, and how much its expunge log holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MailboxRow {
    pub(crate) mailbox: Mailbox,
    pub(crate) log_rows: u32,
    pub(crate) log_ranges: u32,
}

impl MailboxRow {
    pub(crate) fn encode(&self) -> Bytes {
        write(&proto::MailboxRow {
            mailbox: Some((&self.mailbox).into()),
            log_rows: self.log_rows,
            log_ranges: self.log_ranges,
        })
    }

    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let row: proto::MailboxRow = read(bytes)?;
        Ok(Self {
            mailbox: required(row.mailbox, "mailbox")?,
            log_rows: row.log_rows,
            log_ranges: row.log_ranges,
        })
    }
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct NameRow {
    pub(crate) mailbox: Option<MailboxId>,
    pub(crate) subscribed: bool,
}

impl NameRow {
    pub(crate) fn encode(self) -> Bytes {
        write(&proto::NameRow {
            mailbox: self.mailbox.map(|id| id.0),
            subscribed: self.subscribed,
        })
    }

    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let row: proto::NameRow = read(bytes)?;
        Ok(Self {
            mailbox: row.mailbox.map(MailboxId),
            subscribed: row.subscribed,
        })
    }
}

/// An address record, and when it was last changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AddressRow {
    pub(crate) record: AddressRecord,
    pub(crate) index: u64,
    pub(crate) log_time: Timestamp,
}

impl AddressRow {
    pub(crate) fn encode(&self) -> Bytes {
        write(&proto::AddressRow {
            record: Some((&self.record).into()),
            index: self.index,
            log_time: self.log_time.0,
        })
    }

    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let row: proto::AddressRow = read(bytes)?;
        Ok(Self {
            record: required(row.record, "record")?,
            index: row.index,
            log_time: Timestamp(row.log_time),
        })
    }
}

/// The outcome of one request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RequestRow {
    pub(crate) sequence: u64,
    pub(crate) created: Timestamp,
    pub(crate) outcome: Outcome,
}

impl RequestRow {
    pub(crate) fn encode(&self) -> Bytes {
        write(&proto::RequestRow {
            sequence: self.sequence,
            created: self.created.0,
            outcome: Some((&self.outcome).into()),
        })
    }

    pub(crate) fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let row: proto::RequestRow = read(bytes)?;
        Ok(Self {
            sequence: row.sequence,
            created: Timestamp(row.created),
            outcome: required(row.outcome, "outcome")?,
        })
    }
}
