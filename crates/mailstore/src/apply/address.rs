//! Commands on address records. Each may be repeated, so they need no record of requests.

use super::{Applied, ApplyError};
use crate::address::{Address, AddressRecord, AddressState};
use crate::command::AddressCommand;
use crate::error::Rejection;
use crate::ids::AccountId;
use crate::layout::key;
use crate::layout::row::AddressRow;
use crate::reply::Reply;
use crate::rows::Rows;
use crate::time::Timestamp;

/// Applies a command to the rows of one address record.
pub(super) fn apply(
    rows: &mut dyn Rows,
    index: u64,
    time: Timestamp,
    (address, command): (&Address, &AddressCommand),
) -> Result<Applied, ApplyError> {
    let row = rows
        .get(key::ADDRESS)?
        .map(|bytes| AddressRow::decode(&bytes))
        .transpose()?;
    if row.as_ref().is_some_and(|row| index <= row.index) {
        return Ok(Applied::without_events(Err(Rejection::OutcomeUnknown)));
    }
    let log_time = row.as_ref().map_or(time, |row| row.log_time.max(time));
    let reply = match changed(address, row.map(|row| row.record), command) {
        Ok(Some(record)) => {
            let row = AddressRow {
                record,
                index,
                log_time,
            };
            rows.put(key::ADDRESS.to_vec(), row.encode());
            Ok(Reply::Done)
        }
        Ok(None) => {
            rows.delete(key::ADDRESS.to_vec());
            Ok(Reply::Done)
        }
        Err(rejection) => Err(rejection),
    };
    Ok(Applied::without_events(reply))
}

/// Returns the record after the command; `None` when the address is free.
fn changed(
    address: &Address,
    record: Option<AddressRecord>,
    command: &AddressCommand,
) -> Result<Option<AddressRecord>, Rejection> {
    let owned_by = |account: AccountId| record.as_ref().map(|record| record.account == account);
    match command {
        AddressCommand::Reserve { account } => match owned_by(*account) {
            Some(true) => Ok(record),
            Some(false) => Err(Rejection::AddressTaken),
            None => Ok(Some(AddressRecord {
                address: address.clone(),
                account: *account,
                state: AddressState::Reserved,
            })),
        },
        AddressCommand::Activate { account } => match owned_by(*account) {
            Some(true) => Ok(record.map(|record| AddressRecord {
                state: AddressState::Active,
                ..record
            })),
            Some(false) => Err(Rejection::AddressTaken),
            None => Err(Rejection::NoSuchAddress),
        },
        AddressCommand::Release { account } => match owned_by(*account) {
            Some(true) => Ok(None),
            Some(false) | None => Ok(record),
        },
    }
}
