//! The one place that turns an error of the storage into what a client may know of it (RFC 5530).

use imap_wire::response::{Condition, ResponseCode};
use mailstore::{ErrorKind, Rejection, StoreError};

use crate::answer::{Answer, Code};

/// Logs an error once, where it ends: with the command that met it.
pub(crate) fn log(error: &StoreError) {
    match error.kind() {
        ErrorKind::Client => tracing::debug!(%error, "command refused"),
        ErrorKind::Passing => tracing::warn!(%error, "command failed, may succeed later"),
        ErrorKind::Internal => tracing::error!(%error, "command failed"),
    }
}

/// Returns the tagged response for an error. Nothing of what the error says itself reaches the client.
pub(crate) fn answer(error: &StoreError) -> Answer {
    let (code, text) = match error {
        StoreError::Rejected(rejection) => rejected(rejection),
        StoreError::Unauthorized => (ResponseCode::AuthorizationFailed, "Session is not valid any more"),
        StoreError::Unavailable(_) | StoreError::NotLeader { .. } | StoreError::WrongGroup { .. } => (
            ResponseCode::Unavailable,
            "Mail storage is not available, try again",
        ),
        StoreError::Overloaded => (ResponseCode::Unavailable, "Too much work at once, try again"),
        StoreError::NoSpace => (ResponseCode::Unavailable, "No room for more mail at present"),
        StoreError::OutcomeUnknown => (ResponseCode::Unavailable, "It is not known whether this was done"),
        StoreError::ContentUnavailable => (
            ResponseCode::Unavailable,
            "Message content is not available at present",
        ),
        StoreError::Limit(_) => (ResponseCode::Limit, "This costs more than one command may"),
        StoreError::Internal(_) => (ResponseCode::ServerBug, "Internal error"),
    };
    Answer {
        condition: Condition::No,
        code: Some(Code::Plain(code)),
        text: text.into(),
    }
}

fn rejected(rejection: &Rejection) -> (ResponseCode<'static>, &'static str) {
    match rejection {
        Rejection::NoSuchAccount
        | Rejection::AccountExists
        | Rejection::AccountNotActive
        | Rejection::AccountState
        | Rejection::AddressTaken
        | Rejection::Secret
        | Rejection::NoSuchAddress => (ResponseCode::AuthorizationFailed, "Account is not active"),
        Rejection::NoSuchMailbox => (ResponseCode::NonExistent, "No such mailbox"),
        Rejection::MailboxExists => (ResponseCode::AlreadyExists, "Mailbox exists already"),
        Rejection::MailboxHasChildren => (ResponseCode::HasChildren, "Mailbox has others below it"),
        Rejection::Inbox => (ResponseCode::Cannot, "Not possible with INBOX"),
        Rejection::Name(_) => (ResponseCode::Cannot, "Not a name that a mailbox can have"),
        Rejection::RenameBelowItself => (ResponseCode::Cannot, "Mailbox cannot be moved below itself"),
        Rejection::SpecialUseTaken => (ResponseCode::UseAttr, "Another mailbox has that use"),
        Rejection::OverQuota => (ResponseCode::OverQuota, "Quota exceeded"),
        Rejection::TooManyKeywords => (ResponseCode::Limit, "Mailbox has too many keywords"),
        Rejection::TooManyMailboxes => (ResponseCode::Limit, "Account has too many mailboxes"),
        Rejection::TooManyMessages => (ResponseCode::Limit, "Too many messages in one command"),
        Rejection::UidsExhausted => (ResponseCode::Limit, "Mailbox can take no more messages"),
        Rejection::MessageTooLarge => (ResponseCode::TooBig, "Message is too large"),
        Rejection::OutcomeUnknown => (ResponseCode::Unavailable, "It is not known whether this was done"),
        Rejection::SlotMoving | Rejection::WrongGroup | Rejection::SlotStep => {
            (ResponseCode::Unavailable, "Account is being moved, try again")
        }
    }
}

/// Returns the answer for a target that APPEND, COPY or MOVE did not find: the client may create it and
/// try again (RFC 3501 §7.1).
pub(crate) fn for_target(error: StoreError) -> crate::answer::Failure {
    match error {
        StoreError::Rejected(Rejection::NoSuchMailbox) => {
            Answer::no(ResponseCode::TryCreate, "No such mailbox").into()
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use mailstore::name::NameError;

    use super::*;

    fn check(error: impl Into<StoreError>, code: &str) {
        let answer = answer(&error.into());
        assert_eq!(answer.condition, Condition::No);
        let mut line = Vec::new();
        answer.encode(&mut line, None);
        let line = String::from_utf8(line).unwrap();
        assert!(line.starts_with(&format!("* NO [{code}] ")), "{line}");
        assert!(!line.contains("secret"), "{line}");
    }

    /// RFC 5530 §3 gives the codes; a passing failure is never a wrong password (PROTOCOL §2.10).
    #[test]
    fn every_error_has_a_code_and_tells_nothing_internal() {
        check(StoreError::Unauthorized, "AUTHORIZATIONFAILED");
        check(StoreError::Unavailable("secret"), "UNAVAILABLE");
        check(
            StoreError::NotLeader {
                hint: Some("secret".to_owned()),
            },
            "UNAVAILABLE",
        );
        check(StoreError::Overloaded, "UNAVAILABLE");
        check(StoreError::NoSpace, "UNAVAILABLE");
        check(StoreError::OutcomeUnknown, "UNAVAILABLE");
        check(StoreError::ContentUnavailable, "UNAVAILABLE");
        check(StoreError::Limit("secret"), "LIMIT");
        check(StoreError::Internal("secret".to_owned()), "SERVERBUG");
        check(Rejection::NoSuchAccount, "AUTHORIZATIONFAILED");
        check(Rejection::AccountExists, "AUTHORIZATIONFAILED");
        check(Rejection::AccountNotActive, "AUTHORIZATIONFAILED");
        check(Rejection::AccountState, "AUTHORIZATIONFAILED");
        check(Rejection::AddressTaken, "AUTHORIZATIONFAILED");
        check(Rejection::Secret, "AUTHORIZATIONFAILED");
        check(Rejection::NoSuchAddress, "AUTHORIZATIONFAILED");
        check(Rejection::NoSuchMailbox, "NONEXISTENT");
        check(Rejection::MailboxExists, "ALREADYEXISTS");
        check(Rejection::MailboxHasChildren, "HASCHILDREN");
        check(Rejection::Inbox, "CANNOT");
        check(Rejection::Name(NameError::Level), "CANNOT");
        check(Rejection::RenameBelowItself, "CANNOT");
        check(Rejection::SpecialUseTaken, "USEATTR");
        check(Rejection::OverQuota, "OVERQUOTA");
        check(Rejection::TooManyKeywords, "LIMIT");
        check(Rejection::TooManyMailboxes, "LIMIT");
        check(Rejection::TooManyMessages, "LIMIT");
        check(Rejection::UidsExhausted, "LIMIT");
        check(Rejection::MessageTooLarge, "TOOBIG");
        check(Rejection::OutcomeUnknown, "UNAVAILABLE");
    }
}
