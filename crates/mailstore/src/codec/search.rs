//! Search programs and results. Depth is bounded by the protobuf reader, which gives up at 100 levels.

use super::field::{all, bytes_of, each, email_id, required};
use super::proto;
use crate::error::DecodeError;
use crate::flags::{Keyword, SystemFlag};
use crate::ids::ModSeq;
use crate::search::{Comparison, DateField, SearchKey, SearchProgram, SearchResult};
use proto::search_key::Kind;

impl From<&SearchProgram> for proto::SearchProgram {
    fn from(program: &SearchProgram) -> Self {
        Self {
            key: Some((&program.key).into()),
            within: Some((&program.within).into()),
        }
    }
}

impl TryFrom<proto::SearchProgram> for SearchProgram {
    type Error = DecodeError;

    fn try_from(program: proto::SearchProgram) -> Result<Self, DecodeError> {
        Ok(Self {
            key: required(program.key, "key")?,
            within: required(program.within, "within")?,
        })
    }
}

impl From<&SearchResult> for proto::SearchResult {
    fn from(result: &SearchResult) -> Self {
        Self {
            uids: Some((&result.uids).into()),
            highest_modseq: result.highest_modseq.map(|modseq| modseq.0),
        }
    }
}

impl TryFrom<proto::SearchResult> for SearchResult {
    type Error = DecodeError;

    fn try_from(result: proto::SearchResult) -> Result<Self, DecodeError> {
        Ok(Self {
            uids: required(result.uids, "uids")?,
            highest_modseq: result.highest_modseq.map(ModSeq),
        })
    }
}

impl From<&SearchKey> for proto::SearchKey {
    fn from(key: &SearchKey) -> Self {
        let kind = match key {
            SearchKey::All => Kind::All(proto::Unit {}),
            SearchKey::And(keys) => Kind::And(proto::SearchKeys { keys: all(keys) }),
            SearchKey::Or(keys) => Kind::Or(proto::SearchKeys {
                keys: vec![(&keys.0).into(), (&keys.1).into()],
            }),
            SearchKey::Not(key) => Kind::Not(Box::new((&**key).into())),
            SearchKey::Uids(uids) => Kind::Uids(uids.into()),
            SearchKey::Flag(flag) => Kind::Flag(u32::from(*flag as u8)),
            SearchKey::Keyword(keyword) => Kind::Keyword(keyword.as_str().to_owned()),
            SearchKey::Date(field, comparison, day) => Kind::Date(proto::SearchDate {
                field: proto::DateField::from(*field).into(),
                comparison: proto::Comparison::from(*comparison).into(),
                day: *day,
            }),
            SearchKey::Size(comparison, size) => Kind::Size(proto::SearchSize {
                comparison: proto::Comparison::from(*comparison).into(),
                size: *size,
            }),
            SearchKey::Younger { seconds, now } => Kind::Younger(proto::SearchYounger {
                seconds: *seconds,
                now: *now,
            }),
            SearchKey::Header { name, value } => Kind::Header(proto::SearchHeader {
                name: name.clone(),
                value: value.clone(),
            }),
            SearchKey::Body(text) => Kind::Body(text.clone()),
            SearchKey::Text(text) => Kind::Text(text.clone()),
            SearchKey::ModSeq(modseq) => Kind::Modseq(modseq.0),
            SearchKey::EmailId(id) => Kind::EmailId(bytes_of(&id.0)),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<proto::SearchKey> for SearchKey {
    type Error = DecodeError;

    fn try_from(key: proto::SearchKey) -> Result<Self, DecodeError> {
        Ok(match key.kind.ok_or(DecodeError::Unknown("search key"))? {
            Kind::All(_) => Self::All,
            Kind::And(keys) => Self::And(each(keys.keys)?),
            Kind::Or(keys) => {
                let keys: [SearchKey; 2] = each(keys.keys)?
                    .try_into()
                    .map_err(|_| DecodeError::Invalid("or"))?;
                Self::Or(Box::new(keys.into()))
            }
            Kind::Not(key) => Self::Not(Box::new((*key).try_into()?)),
            Kind::Uids(uids) => Self::Uids(uids.try_into()?),
            Kind::Flag(number) => Self::Flag(system_flag(number)?),
            Kind::Keyword(text) => Self::Keyword(Keyword::new(&text).ok_or(DecodeError::Invalid("keyword"))?),
            Kind::Date(date) => Self::Date(date.field().try_into()?, date.comparison().try_into()?, date.day),
            Kind::Size(size) => Self::Size(size.comparison().try_into()?, size.size),
            Kind::Younger(younger) => Self::Younger {
                seconds: younger.seconds,
                now: younger.now,
            },
            Kind::Header(header) => Self::Header {
                name: header.name,
                value: header.value,
            },
            Kind::Body(text) => Self::Body(text),
            Kind::Text(text) => Self::Text(text),
            Kind::Modseq(modseq) => Self::ModSeq(ModSeq(modseq)),
            Kind::EmailId(id) => Self::EmailId(email_id(&id)?),
        })
    }
}

fn system_flag(number: u32) -> Result<SystemFlag, DecodeError> {
    SystemFlag::ALL
        .into_iter()
        .find(|flag| u32::from(*flag as u8) == number)
        .ok_or(DecodeError::Unknown("system flag"))
}

impl From<DateField> for proto::DateField {
    fn from(field: DateField) -> Self {
        match field {
            DateField::Internal => Self::Internal,
            DateField::Sent => Self::Sent,
            DateField::Saved => Self::Saved,
        }
    }
}

impl TryFrom<proto::DateField> for DateField {
    type Error = DecodeError;

    fn try_from(field: proto::DateField) -> Result<Self, DecodeError> {
        match field {
            proto::DateField::Unspecified => Err(DecodeError::Unknown("date field")),
            proto::DateField::Internal => Ok(Self::Internal),
            proto::DateField::Sent => Ok(Self::Sent),
            proto::DateField::Saved => Ok(Self::Saved),
        }
    }
}

impl From<Comparison> for proto::Comparison {
    fn from(comparison: Comparison) -> Self {
        match comparison {
            Comparison::Below => Self::Below,
            Comparison::At => Self::At,
            Comparison::Above => Self::Above,
        }
    }
}

impl TryFrom<proto::Comparison> for Comparison {
    type Error = DecodeError;

    fn try_from(comparison: proto::Comparison) -> Result<Self, DecodeError> {
        match comparison {
            proto::Comparison::Unspecified => Err(DecodeError::Unknown("comparison")),
            proto::Comparison::Below => Ok(Self::Below),
            proto::Comparison::At => Ok(Self::At),
            proto::Comparison::Above => Ok(Self::Above),
        }
    }
}
