//! Replies, rejections, errors and events.

use super::field::{account_id, bytes_of, optional_uid, required, uid_validity};
use super::mailbox::states;
use super::{Outcome, proto};
use crate::error::{DecodeError, Rejection, StoreError};
use crate::event::Event;
use crate::ids::{GroupId, MailboxId, ModSeq, Slot, Uid};
use crate::name::NameError;
use crate::reply::{Appended, Copied, Expunged, Reply, Stored};

impl From<&Reply> for proto::Reply {
    fn from(reply: &Reply) -> Self {
        use proto::reply::Kind;
        let kind = match reply {
            Reply::Done => Kind::Done(proto::Unit {}),
            Reply::Created { mailbox } => Kind::Created(mailbox.0),
            Reply::Appended(appended) => Kind::Appended(proto::Appended {
                mailbox: appended.mailbox.0,
                uid_validity: appended.uid_validity.get(),
                uids: Some((&appended.uids).into()),
                modseq: appended.modseq.0,
            }),
            Reply::Stored(stored) => Kind::Stored(proto::Stored {
                modseq: stored.modseq.0,
                changed: Some((&stored.changed).into()),
                modified: Some((&stored.modified).into()),
                missing: Some((&stored.missing).into()),
                states: Some(stored.states.as_slice().into()),
            }),
            Reply::Copied(copied) => Kind::Copied(proto::Copied {
                target: copied.target.0,
                uid_validity: copied.uid_validity.get(),
                source: Some((&copied.source).into()),
                uids: Some((&copied.uids).into()),
                modseq: copied.modseq.0,
            }),
            Reply::Expunged(expunged) => Kind::Expunged(proto::Expunged {
                uids: Some((&expunged.uids).into()),
                modseq: expunged.modseq.0,
            }),
            Reply::RecentClaimed { first } => Kind::RecentClaimed(proto::RecentClaimed {
                first: first.map(Uid::get),
            }),
            Reply::RowsRemoved { more } => Kind::RowsRemovedMore(*more),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<proto::Reply> for Reply {
    type Error = DecodeError;

    fn try_from(reply: proto::Reply) -> Result<Self, DecodeError> {
        use proto::reply::Kind;
        Ok(match reply.kind.ok_or(DecodeError::Unknown("reply"))? {
            Kind::Done(_) => Self::Done,
            Kind::Created(mailbox) => Self::Created {
                mailbox: MailboxId(mailbox),
            },
            Kind::Appended(appended) => Self::Appended(Appended {
                mailbox: MailboxId(appended.mailbox),
                uid_validity: uid_validity(appended.uid_validity)?,
                uids: required(appended.uids, "uids")?,
                modseq: ModSeq(appended.modseq),
            }),
            Kind::Stored(stored) => Self::Stored(Stored {
                modseq: ModSeq(stored.modseq),
                changed: required(stored.changed, "changed")?,
                modified: required(stored.modified, "modified")?,
                missing: required(stored.missing, "missing")?,
                states: states(stored.states)?,
            }),
            Kind::Copied(copied) => Self::Copied(Copied {
                target: MailboxId(copied.target),
                uid_validity: uid_validity(copied.uid_validity)?,
                source: required(copied.source, "source")?,
                uids: required(copied.uids, "uids")?,
                modseq: ModSeq(copied.modseq),
            }),
            Kind::Expunged(expunged) => Self::Expunged(Expunged {
                uids: required(expunged.uids, "uids")?,
                modseq: ModSeq(expunged.modseq),
            }),
            Kind::RecentClaimed(claimed) => Self::RecentClaimed {
                first: optional_uid(claimed.first)?,
            },
            Kind::RowsRemovedMore(more) => Self::RowsRemoved { more },
        })
    }
}

/// Makes both directions of a one-to-one table between our values and protobuf's.
macro_rules! one_to_one {
    ($ours:ty, $theirs:ty, $what:literal, $($value:pat => $name:ident $make:expr,)*) => {
        impl From<&$ours> for $theirs {
            fn from(value: &$ours) -> Self {
                match value {
                    $($value => Self::$name,)*
                }
            }
        }

        impl TryFrom<$theirs> for $ours {
            type Error = DecodeError;

            fn try_from(value: $theirs) -> Result<Self, DecodeError> {
                match value {
                    <$theirs>::Unspecified => Err(DecodeError::Unknown($what)),
                    $(<$theirs>::$name => Ok($make),)*
                }
            }
        }
    };
}

one_to_one! {
    Rejection, proto::Rejection, "rejection",
    Rejection::NoSuchAccount => NoSuchAccount Rejection::NoSuchAccount,
    Rejection::AccountExists => AccountExists Rejection::AccountExists,
    Rejection::AccountNotActive => AccountNotActive Rejection::AccountNotActive,
    Rejection::AccountState => AccountState Rejection::AccountState,
    Rejection::AddressTaken => AddressTaken Rejection::AddressTaken,
    Rejection::NoSuchAddress => NoSuchAddress Rejection::NoSuchAddress,
    Rejection::NoSuchMailbox => NoSuchMailbox Rejection::NoSuchMailbox,
    Rejection::MailboxExists => MailboxExists Rejection::MailboxExists,
    Rejection::MailboxHasChildren => MailboxHasChildren Rejection::MailboxHasChildren,
    Rejection::Inbox => Inbox Rejection::Inbox,
    Rejection::Name(NameError::Empty) => NameEmpty Rejection::Name(NameError::Empty),
    Rejection::Name(NameError::TooLong) => NameTooLong Rejection::Name(NameError::TooLong),
    Rejection::Name(NameError::TooDeep) => NameTooDeep Rejection::Name(NameError::TooDeep),
    Rejection::Name(NameError::Level) => NameLevel Rejection::Name(NameError::Level),
    Rejection::Name(NameError::Character) => NameCharacter Rejection::Name(NameError::Character),
    Rejection::RenameBelowItself => RenameBelowItself Rejection::RenameBelowItself,
    Rejection::SpecialUseTaken => SpecialUseTaken Rejection::SpecialUseTaken,
    Rejection::OverQuota => OverQuota Rejection::OverQuota,
    Rejection::TooManyKeywords => TooManyKeywords Rejection::TooManyKeywords,
    Rejection::TooManyMailboxes => TooManyMailboxes Rejection::TooManyMailboxes,
    Rejection::TooManyMessages => TooManyMessages Rejection::TooManyMessages,
    Rejection::UidsExhausted => UidsExhausted Rejection::UidsExhausted,
    Rejection::Secret => Secret Rejection::Secret,
    Rejection::MessageTooLarge => MessageTooLarge Rejection::MessageTooLarge,
    Rejection::OutcomeUnknown => OutcomeUnknown Rejection::OutcomeUnknown,
    Rejection::SlotMoving => SlotMoving Rejection::SlotMoving,
    Rejection::WrongGroup => WrongGroup Rejection::WrongGroup,
    Rejection::SlotStep => SlotStep Rejection::SlotStep,
}

/// The number of a rejection, for a field of its own.
pub(super) fn rejection_number(rejection: &Rejection) -> i32 {
    proto::Rejection::from(rejection).into()
}

/// Reads the number of a rejection.
pub(super) fn rejection(number: i32) -> Result<Rejection, DecodeError> {
    proto::Rejection::try_from(number)
        .map_err(|_| DecodeError::Unknown("rejection"))?
        .try_into()
}

impl From<&Rejection> for proto::RejectionMessage {
    fn from(rejection: &Rejection) -> Self {
        Self {
            rejection: rejection_number(rejection),
        }
    }
}

impl TryFrom<proto::RejectionMessage> for Rejection {
    type Error = DecodeError;

    fn try_from(message: proto::RejectionMessage) -> Result<Self, DecodeError> {
        rejection(message.rejection)
    }
}

impl From<&Outcome> for proto::Outcome {
    fn from(outcome: &Outcome) -> Self {
        use proto::outcome::Kind;
        Self {
            kind: Some(match outcome {
                Ok(reply) => Kind::Reply(reply.into()),
                Err(rejection) => Kind::Rejection(rejection_number(rejection)),
            }),
        }
    }
}

impl TryFrom<proto::Outcome> for Outcome {
    type Error = DecodeError;

    fn try_from(outcome: proto::Outcome) -> Result<Self, DecodeError> {
        use proto::outcome::Kind;
        match outcome.kind.ok_or(DecodeError::Unknown("outcome"))? {
            Kind::Reply(reply) => Ok(Ok(reply.try_into()?)),
            Kind::Rejection(number) => Ok(Err(rejection(number)?)),
        }
    }
}

impl From<&Event> for proto::Event {
    fn from(event: &Event) -> Self {
        use proto::event::Kind;
        let unit = proto::Unit {};
        let (account, kind) = match event {
            Event::SlotReleased { slot } => {
                return Self {
                    account: bytes_of(&[]),
                    kind: Some(Kind::SlotReleased(u32::from(slot.0))),
                };
            }
            Event::MailboxChanged {
                account,
                mailbox,
                modseq,
            } => {
                let (mailbox, modseq) = (mailbox.0, modseq.0);
                (
                    account,
                    Kind::MailboxChanged(proto::MailboxChanged { mailbox, modseq }),
                )
            }
            Event::MailboxDeleted { account, mailbox } => (account, Kind::MailboxDeleted(mailbox.0)),
            Event::TreeChanged { account } => (account, Kind::TreeChanged(unit)),
            Event::AccountChanged { account } => (account, Kind::AccountChanged(unit)),
        };
        Self {
            account: bytes_of(&account.0),
            kind: Some(kind),
        }
    }
}

impl TryFrom<proto::Event> for Event {
    type Error = DecodeError;

    fn try_from(event: proto::Event) -> Result<Self, DecodeError> {
        use proto::event::Kind;
        let kind = event.kind.ok_or(DecodeError::Unknown("event"))?;
        if let Kind::SlotReleased(slot) = kind {
            let slot = u16::try_from(slot).map_err(|_| DecodeError::Invalid("slot"))?;
            return Ok(Self::SlotReleased { slot: Slot(slot) });
        }
        let account = account_id(&event.account)?;
        Ok(match kind {
            Kind::SlotReleased(_) => return Err(DecodeError::Unknown("event")),
            Kind::MailboxChanged(changed) => Self::MailboxChanged {
                account,
                mailbox: MailboxId(changed.mailbox),
                modseq: ModSeq(changed.modseq),
            },
            Kind::MailboxDeleted(mailbox) => Self::MailboxDeleted {
                account,
                mailbox: MailboxId(mailbox),
            },
            Kind::TreeChanged(_) => Self::TreeChanged { account },
            Kind::AccountChanged(_) => Self::AccountChanged { account },
        })
    }
}

/// Texts that errors carry as constants. An unknown one, of another version, is replaced.
const UNAVAILABLE: &str = "reported by another node";
const LIMIT: &str = "reached on another node";

impl From<&StoreError> for proto::StoreError {
    fn from(error: &StoreError) -> Self {
        use proto::store_error::Kind;
        let unit = proto::Unit {};
        Self {
            kind: Some(match error {
                StoreError::Rejected(rejection) => Kind::Rejected(rejection_number(rejection)),
                StoreError::Unauthorized => Kind::Unauthorized(unit),
                StoreError::Unavailable(text) => Kind::Unavailable((*text).to_owned()),
                StoreError::NotLeader { hint } => Kind::NotLeader(proto::NotLeader { hint: hint.clone() }),
                StoreError::WrongGroup { epoch, group } => Kind::WrongGroup(proto::SlotReleased {
                    epoch: *epoch,
                    to: group.map(|group| group.0),
                }),
                StoreError::Overloaded => Kind::Overloaded(unit),
                StoreError::NoSpace => Kind::NoSpace(unit),
                StoreError::OutcomeUnknown => Kind::OutcomeUnknown(unit),
                StoreError::ContentUnavailable => Kind::ContentUnavailable(unit),
                StoreError::Limit(text) => Kind::Limit((*text).to_owned()),
                StoreError::Internal(text) => Kind::Internal(text.clone()),
            }),
        }
    }
}

impl TryFrom<proto::StoreError> for StoreError {
    type Error = DecodeError;

    fn try_from(error: proto::StoreError) -> Result<Self, DecodeError> {
        use proto::store_error::Kind;
        Ok(match error.kind.ok_or(DecodeError::Unknown("error"))? {
            Kind::Rejected(number) => Self::Rejected(rejection(number)?),
            Kind::Unauthorized(_) => Self::Unauthorized,
            Kind::Unavailable(_) => Self::Unavailable(UNAVAILABLE),
            Kind::NotLeader(answer) => Self::NotLeader { hint: answer.hint },
            Kind::WrongGroup(answer) => Self::WrongGroup {
                epoch: answer.epoch,
                group: answer.to.map(GroupId),
            },
            Kind::Overloaded(_) => Self::Overloaded,
            Kind::NoSpace(_) => Self::NoSpace,
            Kind::OutcomeUnknown(_) => Self::OutcomeUnknown,
            Kind::ContentUnavailable(_) => Self::ContentUnavailable,
            Kind::Limit(_) => Self::Limit(LIMIT),
            Kind::Internal(text) => Self::Internal(text),
        })
    }
}
