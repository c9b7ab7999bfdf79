//! Questions and answers about messages.

use super::field::{all, each, name, required, uid};
use super::mailbox::states;
use super::proto;
use crate::error::DecodeError;
use crate::ids::{MailboxId, ModSeq};
use crate::query::{
    ContentChunk, ContentRange, MailboxChanges, MailboxRef, MessageAnswer, MessageParts, Vanished,
};

impl From<&MailboxRef> for proto::MailboxRef {
    fn from(mailbox: &MailboxRef) -> Self {
        use proto::mailbox_ref::Kind;
        Self {
            kind: Some(match mailbox {
                MailboxRef::Name(name) => Kind::Name(name.as_str().to_owned()),
                MailboxRef::Id(id) => Kind::Id(id.0),
            }),
        }
    }
}

impl TryFrom<proto::MailboxRef> for MailboxRef {
    type Error = DecodeError;

    fn try_from(mailbox: proto::MailboxRef) -> Result<Self, DecodeError> {
        use proto::mailbox_ref::Kind;
        match mailbox.kind.ok_or(DecodeError::Unknown("mailbox reference"))? {
            Kind::Name(text) => name(&text).map(Self::Name),
            Kind::Id(id) => Ok(Self::Id(MailboxId(id))),
        }
    }
}

impl From<&MailboxChanges> for proto::MailboxChanges {
    fn from(changes: &MailboxChanges) -> Self {
        use proto::mailbox_changes::Vanished as Kind;
        Self {
            mailbox: Some((&changes.mailbox).into()),
            since: changes.since.0,
            changed: Some(changes.changed.as_slice().into()),
            vanished: Some(match &changes.vanished {
                Vanished::Exactly(gone) => Kind::Exactly(gone.into()),
                Vanished::AllBut { present } => Kind::AllBut(present.into()),
            }),
        }
    }
}

impl TryFrom<proto::MailboxChanges> for MailboxChanges {
    type Error = DecodeError;

    fn try_from(changes: proto::MailboxChanges) -> Result<Self, DecodeError> {
        use proto::mailbox_changes::Vanished as Kind;
        Ok(Self {
            mailbox: required(changes.mailbox, "mailbox")?,
            since: ModSeq(changes.since),
            changed: states(changes.changed)?,
            vanished: match changes.vanished.ok_or(DecodeError::Unknown("vanished"))? {
                Kind::Exactly(gone) => Vanished::Exactly(gone.try_into()?),
                Kind::AllBut(present) => Vanished::AllBut {
                    present: present.try_into()?,
                },
            },
        })
    }
}

impl From<&MessageParts> for proto::MessageParts {
    fn from(parts: &MessageParts) -> Self {
        Self {
            summary: parts.summary,
            ticket: parts.ticket,
        }
    }
}

impl TryFrom<proto::MessageParts> for MessageParts {
    type Error = DecodeError;

    fn try_from(parts: proto::MessageParts) -> Result<Self, DecodeError> {
        Ok(Self {
            summary: parts.summary,
            ticket: parts.ticket,
        })
    }
}

impl From<&MessageAnswer> for proto::MessageAnswer {
    fn from(answer: &MessageAnswer) -> Self {
        Self {
            record: Some((&answer.record).into()),
            summary: answer.summary.clone(),
            ticket: answer.ticket.clone(),
        }
    }
}

impl TryFrom<proto::MessageAnswer> for MessageAnswer {
    type Error = DecodeError;

    fn try_from(answer: proto::MessageAnswer) -> Result<Self, DecodeError> {
        Ok(Self {
            record: required(answer.record, "record")?,
            summary: answer.summary,
            ticket: answer.ticket,
        })
    }
}

impl From<&[MessageAnswer]> for proto::MessageAnswers {
    fn from(answers: &[MessageAnswer]) -> Self {
        Self {
            answers: all(answers),
        }
    }
}

impl TryFrom<proto::MessageAnswers> for Vec<MessageAnswer> {
    type Error = DecodeError;

    fn try_from(answers: proto::MessageAnswers) -> Result<Self, DecodeError> {
        each(answers.answers)
    }
}

impl From<&ContentRange> for proto::ContentRange {
    fn from(range: &ContentRange) -> Self {
        Self {
            uid: range.uid.get(),
            offset: range.offset,
            length: range.length,
        }
    }
}

impl TryFrom<proto::ContentRange> for ContentRange {
    type Error = DecodeError;

    fn try_from(range: proto::ContentRange) -> Result<Self, DecodeError> {
        Ok(Self {
            uid: uid(range.uid)?,
            offset: range.offset,
            length: range.length,
        })
    }
}

impl From<&[ContentRange]> for proto::ContentRanges {
    fn from(ranges: &[ContentRange]) -> Self {
        Self { ranges: all(ranges) }
    }
}

impl TryFrom<proto::ContentRanges> for Vec<ContentRange> {
    type Error = DecodeError;

    fn try_from(ranges: proto::ContentRanges) -> Result<Self, DecodeError> {
        each(ranges.ranges)
    }
}

impl From<&ContentChunk> for proto::ContentChunk {
    fn from(chunk: &ContentChunk) -> Self {
        Self {
            range: chunk.range,
            bytes: chunk.bytes.clone(),
            last: chunk.last,
            missing: chunk.missing,
        }
    }
}

impl TryFrom<proto::ContentChunk> for ContentChunk {
    type Error = DecodeError;

    fn try_from(chunk: proto::ContentChunk) -> Result<Self, DecodeError> {
        Ok(Self {
            range: chunk.range,
            bytes: chunk.bytes,
            last: chunk.last,
            missing: chunk.missing,
        })
    }
}
