//! Questions to the rows of a subject, with answers in the errors of the ports.

use mailstore::account::Account;
use mailstore::name::MailboxName;
use mailstore::query::{AccountInfo, MailboxChanges, MailboxRef, Quota};
use mailstore::read;
use mailstore::rows::ReadRows;
use mailstore::{ModSeq, Rejection, StoreError, TableError};

/// Returns the error for tables that cannot be read.
pub(crate) fn damaged(error: TableError) -> StoreError {
    StoreError::Internal(error.to_string())
}

fn present<T>(found: Result<Option<T>, TableError>, missing: Rejection) -> Result<T, StoreError> {
    found.map_err(damaged)?.ok_or_else(|| missing.into())
}

pub(crate) fn account(rows: &dyn ReadRows) -> Result<Account, StoreError> {
    present(read::account(rows), Rejection::NoSuchAccount)
}

pub(crate) fn account_info(rows: &dyn ReadRows) -> Result<AccountInfo, StoreError> {
    present(read::account_info(rows), Rejection::NoSuchAccount)
}

pub(crate) fn quota(rows: &dyn ReadRows) -> Result<Quota, StoreError> {
    present(read::quota(rows), Rejection::NoSuchAccount)
}

pub(crate) fn changes(
    rows: &dyn ReadRows,
    mailbox: &MailboxRef,
    since: ModSeq,
) -> Result<MailboxChanges, StoreError> {
    present(read::changes(rows, mailbox, since), Rejection::NoSuchMailbox)
}

pub(crate) fn check_append(rows: &dyn ReadRows, mailbox: &MailboxName, size: u64) -> Result<(), StoreError> {
    read::check_append(rows, mailbox, size)
        .map_err(damaged)?
        .map_err(StoreError::from)
}
