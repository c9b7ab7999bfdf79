//! The account and the address record.

use super::ReadError;
use crate::account::{Account, AccountState};
use crate::address::AddressRecord;
use crate::error::{DecodeError, Rejection};
use crate::layout::key;
use crate::layout::row::{AddressRow, Counters, NameRow, Profile};
use crate::name::MailboxName;
use crate::query::{AccountInfo, Quota};
use crate::rows::ReadRows;

fn counters(rows: &dyn ReadRows) -> Result<Option<Counters>, ReadError> {
    let row = rows.get(key::COUNTERS)?;
    Ok(row.map(|row| Counters::decode(&row)).transpose()?)
}

fn both(rows: &dyn ReadRows) -> Result<Option<(Profile, Counters)>, ReadError> {
    let Some(counters) = counters(rows)? else {
        return Ok(None);
    };
    let profile = rows.get(key::PROFILE)?.ok_or(DecodeError::Missing("profile"))?;
    Ok(Some((Profile::decode(&profile)?, counters)))
}

/// Returns the account; `None` when there is none.
///
/// # Errors
/// When the tables fail.
pub fn account(rows: &dyn ReadRows) -> Result<Option<Account>, ReadError> {
    Ok(both(rows)?.map(|(profile, counters)| profile.account(&counters)))
}

/// Returns the account as its administrator sees it, without credentials.
///
/// # Errors
/// When the tables fail.
pub fn account_info(rows: &dyn ReadRows) -> Result<Option<AccountInfo>, ReadError> {
    Ok(both(rows)?.map(|(profile, counters)| {
        let profile = Profile {
            credentials: Default::default(),
            ..profile
        };
        AccountInfo {
            mailboxes: counters.mailboxes,
            account: profile.account(&counters),
        }
    }))
}

/// Returns limits and use.
///
/// # Errors
/// When the tables fail.
pub fn quota(rows: &dyn ReadRows) -> Result<Option<Quota>, ReadError> {
    Ok(both(rows)?.map(|(profile, counters)| Quota {
        limits: profile.limits,
        usage: counters.usage,
    }))
}

/// Returns the address record; `None` when the address is free.
///
/// # Errors
/// When the tables fail.
pub fn address_record(rows: &dyn ReadRows) -> Result<Option<AddressRecord>, ReadError> {
    let row = rows.get(key::ADDRESS)?;
    let row = row.map(|row| AddressRow::decode(&row)).transpose()?;
    Ok(row.map(|row| row.record))
}

/// Returns the log index that last changed the account or address record; `None` when there is neither.
///
/// # Errors
/// When the tables fail.
pub fn applied_index(rows: &dyn ReadRows) -> Result<Option<u64>, ReadError> {
    if let Some(counters) = counters(rows)? {
        return Ok(Some(counters.index));
    }
    let row = rows.get(key::ADDRESS)?;
    let row = row.map(|row| AddressRow::decode(&row)).transpose()?;
    Ok(row.map(|row| row.index))
}

/// Checks that a message of `size` octets may be added to a mailbox now, so that a client is refused
/// before it sends the message. Another session may still be faster: `apply` decides.
///
/// # Errors
/// When the tables fail; the inner result is what the APPEND would meet.
pub fn check_append(
    rows: &dyn ReadRows,
    mailbox: &MailboxName,
    size: u64,
) -> Result<Result<(), Rejection>, ReadError> {
    let Some((profile, counters)) = both(rows)? else {
        return Ok(Err(Rejection::NoSuchAccount));
    };
    if matches!(profile.state, AccountState::Removed { .. }) {
        return Ok(Err(Rejection::AccountNotActive));
    }
    let name = rows.get(&key::name(mailbox))?;
    let name = name.map(|row| NameRow::decode(&row)).transpose()?;
    if name.and_then(|row| row.mailbox).is_none() {
        return Ok(Err(Rejection::NoSuchMailbox));
    }
    let (limits, usage) = (profile.limits, counters.usage);
    let storage = usage.storage_bytes.saturating_add(size);
    if limits.storage_bytes.is_some_and(|limit| storage > limit)
        || limits.messages.is_some_and(|limit| usage.messages >= limit)
    {
        return Ok(Err(Rejection::OverQuota));
    }
    Ok(Ok(()))
}
