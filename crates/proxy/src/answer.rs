//! How a command ends: its tagged response, or the end of the connection.

use std::borrow::Cow;
use std::io;

use imap_wire::response::{Condition, NumberRange, ResponseCode, Status};
use imap_wire::types::{Capability, Tag, UidValidity};
use mailstore::{Rejection, StoreError};

use crate::status;

/// The tagged response to a command.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) condition: Condition,
    pub(crate) code: Option<Code>,
    pub(crate) text: Cow<'static, str>,
}

/// A response code that owns what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// One that says nothing but its name, or a number.
    Plain(ResponseCode<'static>),
    Capability(Vec<Capability>),
    AppendUid(UidValidity, Vec<NumberRange>),
    CopyUid(UidValidity, Vec<NumberRange>, Vec<NumberRange>),
    Modified(Vec<NumberRange>),
    MailboxId(String),
}

/// Why a command did not get to its regular end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command is refused.
    Answer(Answer),
    /// The storage refused or failed.
    Store(StoreError),
    /// The connection is over.
    Over(Over),
}

/// Why a connection is over.
#[derive(Debug)]
pub(crate) enum Over {
    /// The client is gone, or does not read.
    Lost(io::Error),
    /// To be told to the client as BYE.
    Bye(Option<ResponseCode<'static>>, &'static str),
    /// The client sent LOGOUT and was answered, or what was being sent cannot be completed: nothing
    /// more may be said.
    Silent,
}

pub(crate) type CommandResult = Result<Answer, Failure>;

impl Answer {
    pub(crate) fn ok(text: &'static str) -> Self {
        Self {
            condition: Condition::Ok,
            code: None,
            text: text.into(),
        }
    }

    pub(crate) fn no(code: ResponseCode<'static>, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            condition: Condition::No,
            code: Some(Code::Plain(code)),
            text: text.into(),
        }
    }

    pub(crate) fn bad(text: &'static str) -> Self {
        Self {
            condition: Condition::Bad,
            code: None,
            text: text.into(),
        }
    }

    /// Returns the answer to the command during which the connection ends. Every tagged command gets one.
    pub(crate) fn ending(code: Option<ResponseCode<'static>>, text: &'static str) -> Self {
        Self {
            condition: Condition::No,
            code: code.map(Code::Plain),
            text: text.into(),
        }
    }

    pub(crate) fn with(self, code: Code) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }

    pub(crate) fn with_plain(self, code: ResponseCode<'static>) -> Self {
        self.with(Code::Plain(code))
    }

    /// Appends the tagged response.
    pub(crate) fn encode(&self, out: &mut Vec<u8>, tag: Option<&Tag>) {
        let status = Status {
            tag,
            condition: self.condition,
            code: self.code.as_ref().map(Code::as_wire),
            text: &self.text,
        };
        status.encode(out);
    }
}

impl Code {
    fn as_wire(&self) -> ResponseCode<'_> {
        match self {
            Self::Plain(code) => *code,
            Self::Capability(list) => ResponseCode::Capability(list),
            Self::AppendUid(validity, uids) => ResponseCode::AppendUid(*validity, uids),
            Self::CopyUid(validity, from, to) => ResponseCode::CopyUid(*validity, from, to),
            Self::Modified(set) => ResponseCode::Modified(set),
            Self::MailboxId(id) => ResponseCode::MailboxId(id),
        }
    }
}

impl Failure {
    /// Returns the tagged response that the failure makes, or why the connection is over.
    pub(crate) fn into_answer(self) -> Result<Answer, Over> {
        match self {
            Self::Answer(answer) => Ok(answer),
            Self::Store(error) => {
                status::log(&error);
                Ok(status::answer(&error))
            }
            Self::Over(over) => Err(over),
        }
    }
}

impl From<Answer> for Failure {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Store(StoreError::Rejected(rejection))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Over(Over::Lost(error))
    }
}

impl From<Over> for Failure {
    fn from(over: Over) -> Self {
        Self::Over(over)
    }
}
