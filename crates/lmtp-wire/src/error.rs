//! Why a command line is refused.

use crate::reply::{Enhanced, Reply, ReplyCode};

/// The family an error belongs to. Everything that this crate refuses is the client's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The client broke the protocol.
    Client,
}

/// Why a command line is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CommandError {
    /// The verb is not one of LMTP's.
    #[error("command not recognised")]
    Unrecognized,
    /// HELO or EHLO: the client believes that this is SMTP (RFC 2033 §4.1).
    #[error("this is LMTP, say LHLO")]
    NotSmtp,
    /// The line has a control character or does not end with CRLF.
    #[error("malformed command line")]
    MalformedLine,
    /// The line is longer than allowed.
    #[error("command line too long")]
    LineTooLong,
    /// The arguments are not of the command's grammar.
    #[error("syntax error in parameters")]
    Syntax,
    /// The sender's address is malformed.
    #[error("malformed sender address")]
    Sender,
    /// The recipient's address is malformed.
    #[error("malformed recipient address")]
    Recipient,
    /// An address beyond ASCII without SMTPUTF8 (RFC 6531 §3.5).
    #[error("address needs SMTPUTF8")]
    NeedsSmtpUtf8,
    /// A parameter that is not known, or not with this value.
    #[error("parameter not recognised")]
    Parameter,
}

impl CommandError {
    /// Returns the family of the error.
    pub fn kind(self) -> ErrorKind {
        ErrorKind::Client
    }

    /// Returns whether the same line may be accepted later: never.
    pub fn is_retryable(self) -> bool {
        false
    }

    /// Returns the reply for the client (RFC 5321 §4.2.4, RFC 3463 §3).
    pub fn reply(self) -> Reply {
        let (code, enhanced) = match self {
            Self::Unrecognized | Self::MalformedLine | Self::LineTooLong => {
                (ReplyCode::SYNTAX_ERROR, Enhanced::INVALID_COMMAND_SYNTAX)
            }
            Self::NotSmtp => (ReplyCode::SYNTAX_ERROR, Enhanced::INVALID_COMMAND),
            Self::Syntax => (ReplyCode::PARAMETER_SYNTAX_ERROR, Enhanced::INVALID_ARGUMENTS),
            Self::Sender => (ReplyCode::PARAMETER_SYNTAX_ERROR, Enhanced::BAD_SENDER_SYNTAX),
            Self::Recipient => (ReplyCode::PARAMETER_SYNTAX_ERROR, Enhanced::BAD_RECIPIENT_SYNTAX),
            Self::NeedsSmtpUtf8 => (ReplyCode::MAILBOX_NAME_NOT_ALLOWED, Enhanced::NON_ASCII_ADDRESS),
            Self::Parameter => (ReplyCode::PARAMETERS_NOT_RECOGNIZED, Enhanced::INVALID_ARGUMENTS),
        };
        Reply::new(code, enhanced, &self.to_string())
    }
}
