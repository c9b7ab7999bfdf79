//! Fields that several messages share, checked.

use mailstore::address::Address;
use mailstore::error::DecodeError;
use mailstore::name::MailboxName;
use mailstore::{AccountId, SessionId, Uid, UidValidity};

pub(super) fn required<P, T>(field: Option<P>, what: &'static str) -> Result<T, DecodeError>
where
    T: TryFrom<P, Error = DecodeError>,
{
    field.ok_or(DecodeError::Missing(what))?.try_into()
}

pub(super) fn address(text: &str) -> Result<Address, DecodeError> {
    Address::parse(text).ok_or(DecodeError::Invalid("address"))
}

pub(super) fn account_id(text: &str) -> Result<AccountId, DecodeError> {
    AccountId::from_hex(text).ok_or(DecodeError::Invalid("account id"))
}

pub(super) fn session_id(text: &str) -> Result<SessionId, DecodeError> {
    SessionId::from_hex(text).ok_or(DecodeError::Invalid("session id"))
}

pub(super) fn mailbox_name(text: &str) -> Result<MailboxName, DecodeError> {
    MailboxName::parse(text).map_err(|_| DecodeError::Invalid("mailbox name"))
}

pub(super) fn uid_validity(value: u32) -> Result<UidValidity, DecodeError> {
    UidValidity::new(value).ok_or(DecodeError::Invalid("UIDVALIDITY"))
}

pub(super) fn optional_uid(value: Option<u32>) -> Result<Option<Uid>, DecodeError> {
    value
        .map(|value| Uid::new(value).ok_or(DecodeError::Invalid("UID")))
        .transpose()
}
