//! Checks and conversions of single fields.

use bytes::Bytes;

use super::proto;
use crate::address::Address;
use crate::error::DecodeError;
use crate::flags::{FlagBits, Keyword, NamedFlags};
use crate::ids::{AccountId, Uid, UidValidity};
use crate::mailbox::SpecialUse;
use crate::message::EmailId;
use crate::name::MailboxName;
use crate::time::InternalDate;
use crate::uid_set::UidSet;

const SYSTEM_FLAGS: u128 = 0xff;

/// Converts a field that must be there.
pub(crate) fn required<P, T>(value: Option<P>, field: &'static str) -> Result<T, DecodeError>
where
    T: TryFrom<P>,
    DecodeError: From<T::Error>,
{
    Ok(value.ok_or(DecodeError::Missing(field))?.try_into()?)
}

/// Converts a field that may be there.
pub(crate) fn optional<P, T: TryFrom<P, Error = DecodeError>>(
    value: Option<P>,
) -> Result<Option<T>, DecodeError> {
    value.map(T::try_from).transpose()
}

/// Converts every member of a list.
pub(crate) fn each<P, T: TryFrom<P, Error = DecodeError>>(values: Vec<P>) -> Result<Vec<T>, DecodeError> {
    values.into_iter().map(T::try_from).collect()
}

/// Converts every member of a list for writing.
pub(crate) fn all<'a, T: 'a, P: From<&'a T>>(values: &'a [T]) -> Vec<P> {
    values.iter().map(P::from).collect()
}

/// Reads an id of fixed length.
pub(crate) fn fixed<const N: usize>(bytes: &[u8], field: &'static str) -> Result<[u8; N], DecodeError> {
    bytes.try_into().map_err(|_| DecodeError::Invalid(field))
}

pub(crate) fn bytes_of(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

pub(crate) fn account_id(bytes: &[u8]) -> Result<AccountId, DecodeError> {
    fixed(bytes, "account").map(AccountId)
}

pub(crate) fn email_id(bytes: &[u8]) -> Result<EmailId, DecodeError> {
    fixed(bytes, "email_id").map(EmailId)
}

pub(crate) fn uid(value: u32) -> Result<Uid, DecodeError> {
    Uid::new(value).ok_or(DecodeError::Invalid("uid"))
}

pub(crate) fn optional_uid(value: Option<u32>) -> Result<Option<Uid>, DecodeError> {
    value.map(uid).transpose()
}

pub(crate) fn uid_validity(value: u32) -> Result<UidValidity, DecodeError> {
    UidValidity::new(value).ok_or(DecodeError::Invalid("uid_validity"))
}

pub(crate) fn name(text: &str) -> Result<MailboxName, DecodeError> {
    MailboxName::parse(text)
        .ok()
        .filter(|name| name.as_str() == text)
        .ok_or(DecodeError::Invalid("mailbox name"))
}

pub(crate) fn address(text: &str) -> Result<Address, DecodeError> {
    Address::parse(text)
        .filter(|address| address.as_str() == text)
        .ok_or(DecodeError::Invalid("address"))
}

pub(crate) fn special_use(bits: u32) -> Result<SpecialUse, DecodeError> {
    u8::try_from(bits)
        .map(SpecialUse)
        .map_err(|_| DecodeError::Invalid("special_use"))
}

pub(crate) fn keywords(texts: &[String]) -> Result<Vec<Keyword>, DecodeError> {
    texts
        .iter()
        .map(|text| Keyword::new(text).ok_or(DecodeError::Invalid("keyword")))
        .collect()
}

pub(crate) fn strings(keywords: &[Keyword]) -> Vec<String> {
    keywords
        .iter()
        .map(|keyword| keyword.as_str().to_owned())
        .collect()
}

impl From<&NamedFlags> for proto::NamedFlags {
    fn from(flags: &NamedFlags) -> Self {
        Self {
            system: u32::try_from(flags.system.0 & SYSTEM_FLAGS).unwrap_or_default(),
            keywords: strings(&flags.keywords),
        }
    }
}

impl TryFrom<proto::NamedFlags> for NamedFlags {
    type Error = DecodeError;

    fn try_from(flags: proto::NamedFlags) -> Result<Self, DecodeError> {
        if u128::from(flags.system) & !SYSTEM_FLAGS != 0 {
            return Err(DecodeError::Unknown("system flag"));
        }
        Ok(Self {
            system: FlagBits(u128::from(flags.system)),
            keywords: keywords(&flags.keywords)?,
        })
    }
}

impl From<&InternalDate> for proto::InternalDate {
    fn from(date: &InternalDate) -> Self {
        Self {
            seconds: date.seconds,
            zone_minutes: i32::from(date.zone_minutes),
        }
    }
}

impl TryFrom<proto::InternalDate> for InternalDate {
    type Error = DecodeError;

    fn try_from(date: proto::InternalDate) -> Result<Self, DecodeError> {
        Ok(Self {
            seconds: date.seconds,
            zone_minutes: i16::try_from(date.zone_minutes)
                .map_err(|_| DecodeError::Invalid("zone_minutes"))?,
        })
    }
}

impl From<&UidSet> for proto::UidSet {
    fn from(set: &UidSet) -> Self {
        let mut deltas = Vec::with_capacity(2 * set.ranges().len());
        let mut end = 0;
        for (first, last) in set.ranges() {
            deltas.push(first.get() - end);
            deltas.push(last.get() - first.get());
            end = last.get();
        }
        Self { deltas }
    }
}

impl TryFrom<proto::UidSet> for UidSet {
    type Error = DecodeError;

    fn try_from(set: proto::UidSet) -> Result<Self, DecodeError> {
        const WRONG: DecodeError = DecodeError::Invalid("uid set");
        let mut result = UidSet::new();
        let mut end = 0_u32;
        let pairs = set.deltas.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return Err(WRONG);
        }
        for pair in pairs {
            let &[gap, span] = pair else { return Err(WRONG) };
            // A gap of 1 would be adjacent to the range before: there is one form of each set.
            if gap == 0 || (gap == 1 && end != 0) {
                return Err(WRONG);
            }
            let first = end.checked_add(gap).and_then(Uid::new).ok_or(WRONG)?;
            let last = first.get().checked_add(span).and_then(Uid::new).ok_or(WRONG)?;
            result.insert_range(first, last);
            end = last.get();
        }
        Ok(result)
    }
}
