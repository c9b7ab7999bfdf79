//! The crate's one error type.

use crate::mutf7::ModifiedUtf7Error;
use crate::types::MailboxNameError;

/// What was wrong with the bytes that a client sent.
///
/// Every variant is the client's fault: the grammar either admits the bytes or it does not. The texts
/// are fixed, hold nothing that the client sent, and may be shown to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A line does not begin with a tag.
    #[error("missing or invalid tag")]
    Tag,
    /// The command name is in no table row.
    #[error("unknown command")]
    UnknownCommand,
    /// The arguments do not match the grammar.
    #[error("expected {expected}")]
    Syntax {
        /// What the grammar wanted at the place where parsing stopped, in words.
        expected: &'static str,
    },
    /// A mailbox name can name no mailbox.
    #[error("invalid mailbox name: {0}")]
    MailboxName(#[from] MailboxNameError),
    /// Modified UTF-7 that decodes to nothing, or that is not the one encoding of its text.
    #[error("invalid mailbox name: {0}")]
    ModifiedUtf7(#[from] ModifiedUtf7Error),
    /// Parentheses or search keys are nested beyond the limit.
    #[error("nested too deeply")]
    TooDeep,
    /// A LIST pattern has more wildcards than the matcher takes.
    #[error("too many wildcards in a pattern")]
    TooManyWildcards,
    /// A list has more elements than the limit.
    #[error("too many elements in a list")]
    TooManyElements,
    /// SEARCH names a CHARSET after UTF8=ACCEPT was enabled (RFC 9755 §3).
    #[error("CHARSET is not allowed after ENABLE UTF8=ACCEPT")]
    CharsetForbidden,
    /// A SASL response is not base64.
    #[error("invalid base64")]
    Base64,
    /// A NUL byte outside a literal8.
    #[error("NUL is not allowed")]
    Nul,
    /// A carriage return without its line feed.
    #[error("bare CR is not allowed")]
    BareCarriageReturn,
    /// A line feed without its carriage return.
    #[error("bare LF is not allowed")]
    BareLineFeed,
    /// A line is longer than the limit.
    #[error("line too long")]
    LineTooLong,
    /// A command, with its literals, is longer than the limit.
    #[error("command too long")]
    CommandTooLong,
    /// A literal is announced that is larger than the limit.
    #[error("literal too large")]
    LiteralTooLarge,
    /// A literal8 or a literal stands where the command takes none.
    #[error("literal not allowed here")]
    LiteralForbidden,
    /// The command is not permitted in the session's present state.
    #[error("command not permitted in this state")]
    WrongState,
    /// The command belongs to an extension that the server does not offer to this session.
    #[error("command not available")]
    NotAvailable,
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The peer sent bytes or asked for things that the protocol does not allow.
    Client,
}

impl WireError {
    /// Says what the grammar wanted.
    pub(crate) const fn syntax(expected: &'static str) -> Self {
        Self::Syntax { expected }
    }

    /// Returns whose fault the error is: always the client's in this crate.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Client
    }

    /// Tells whether the same bytes could succeed later: never.
    pub fn is_retryable(&self) -> bool {
        false
    }
}
