//! The one place where outcomes become replies (RFC 5321 §4.2, RFC 3463). The texts say nothing that a
//! sender may not know.

use lmtp_wire::{Enhanced, Reply, ReplyCode};
use mailstore::ports::{Delivered, RecipientRefusal};
use mailstore::{ErrorKind, Rejection, StoreError};

use crate::options::OverQuota;

/// Why a message did not come whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// Longer than is taken, or than its sender had announced.
    TooLarge,
    /// It holds a NUL, which no IMAP server can give out (RFC 9051 §4.3.1) and no message may hold
    /// (RFC 5322 §4.1).
    Nul,
    /// The storage could not take it.
    Store(StoreError),
}

/// Turns outcomes into replies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    pub(crate) over_quota: OverQuota,
}

impl Status {
    /// Returns the answer to RCPT for a recipient that gets no mail.
    pub(crate) fn refusal(self, refusal: &RecipientRefusal) -> Reply {
        match refusal {
            RecipientRefusal::Unknown => no_such_user(),
            RecipientRefusal::OverQuota => self.over_quota(),
            RecipientRefusal::NoSpace => no_room(),
            RecipientRefusal::Temporary => try_later(),
        }
    }

    /// Returns what became of the message for one recipient.
    pub(crate) fn delivered(self, delivered: &Delivered) -> Reply {
        match delivered {
            Delivered::Done => Reply::new(ReplyCode::OK, Enhanced::OTHER, "Delivered"),
            Delivered::Refused(rejection) => self.rejection(rejection),
            Delivered::Later(error) => self.store_error(error),
        }
    }

    /// Returns the answer for a message that did not come whole.
    pub(crate) fn failure(self, failure: &Failure) -> Reply {
        match failure {
            Failure::TooLarge => too_large(),
            Failure::Nul => Reply::new(
                ReplyCode::TRANSACTION_FAILED,
                Enhanced::MESSAGE,
                "Message holds a NUL octet",
            ),
            Failure::Store(error) => self.store_error(error),
        }
    }

    fn store_error(self, error: &StoreError) -> Reply {
        if error.kind() == ErrorKind::Internal {
            tracing::error!(%error, "delivery failed");
        }
        match error {
            StoreError::Rejected(rejection) => self.rejection(rejection),
            // A full disk, and as much mail on its way in as there may be.
            StoreError::NoSpace | StoreError::Limit(_) => no_room(),
            StoreError::Overloaded => Reply::new(
                ReplyCode::LOCAL_ERROR,
                Enhanced::SYSTEM_NOT_ACCEPTING,
                "Too much work, try again later",
            ),
            StoreError::Unauthorized
            | StoreError::Unavailable(_)
            | StoreError::NotLeader { .. }
            | StoreError::WrongGroup { .. }
            | StoreError::OutcomeUnknown
            | StoreError::ContentUnavailable
            | StoreError::Internal(_) => try_later(),
        }
    }

    fn rejection(self, rejection: &Rejection) -> Reply {
        match rejection {
            Rejection::NoSuchAccount
            | Rejection::NoSuchAddress
            | Rejection::AccountNotActive
            | Rejection::AccountState => no_such_user(),
            Rejection::OverQuota => self.over_quota(),
            Rejection::MessageTooLarge => too_large(),
            // The account's owner can make room.
            Rejection::TooManyMailboxes
            | Rejection::TooManyKeywords
            | Rejection::TooManyMessages
            | Rejection::UidsExhausted => Reply::new(
                ReplyCode::LOCAL_ERROR,
                Enhanced::MAILBOX,
                "Mailbox takes nothing more, try again later",
            ),
            // Nothing that a sender does can cause these.
            Rejection::OutcomeUnknown
            | Rejection::SlotMoving
            | Rejection::WrongGroup
            | Rejection::SlotStep
            | Rejection::AccountExists
            | Rejection::AddressTaken
            | Rejection::NoSuchMailbox
            | Rejection::MailboxExists
            | Rejection::MailboxHasChildren
            | Rejection::Inbox
            | Rejection::Name(_)
            | Rejection::RenameBelowItself
            | Rejection::SpecialUseTaken
            | Rejection::Secret => try_later(),
        }
    }

    fn over_quota(self) -> Reply {
        let code = match self.over_quota {
            OverQuota::Refuse => ReplyCode::EXCEEDED_STORAGE,
            OverQuota::Defer => ReplyCode::INSUFFICIENT_STORAGE,
        };
        Reply::new(code, Enhanced::MAILBOX_FULL, "Mailbox is full")
    }
}

/// RFC 1870 §6.1.
pub(crate) fn too_large() -> Reply {
    Reply::new(
        ReplyCode::EXCEEDED_STORAGE,
        Enhanced::MESSAGE_TOO_BIG,
        "Message is too large",
    )
}

fn no_such_user() -> Reply {
    Reply::new(
        ReplyCode::MAILBOX_UNAVAILABLE,
        Enhanced::BAD_MAILBOX,
        "No such mailbox here",
    )
}

fn no_room() -> Reply {
    Reply::new(
        ReplyCode::INSUFFICIENT_STORAGE,
        Enhanced::SYSTEM_FULL,
        "No room now, try again later",
    )
}

fn try_later() -> Reply {
    Reply::new(
        ReplyCode::LOCAL_ERROR,
        Enhanced::SYSTEM,
        "Storage is not available now, try again later",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: Status = Status {
        over_quota: OverQuota::Defer,
    };

    fn check(reply: &Reply, expected: &str) {
        assert!(
            reply.to_string().starts_with(expected),
            "{reply} is not {expected}"
        );
    }

    #[test]
    fn every_outcome_has_its_reply() {
        let later = |error| STATUS.delivered(&Delivered::Later(error));
        let refused = |rejection| STATUS.delivered(&Delivered::Refused(rejection));
        check(&STATUS.delivered(&Delivered::Done), "250 2.0.0 ");
        check(&later(StoreError::NoSpace), "452 4.3.1 ");
        check(&later(StoreError::Limit("spool")), "452 4.3.1 ");
        check(&later(StoreError::Overloaded), "451 4.3.2 ");
        check(&later(StoreError::Unavailable("x")), "451 4.3.0 ");
        check(&later(StoreError::NotLeader { hint: None }), "451 4.3.0 ");
        check(&later(StoreError::OutcomeUnknown), "451 4.3.0 ");
        check(&later(StoreError::Unauthorized), "451 4.3.0 ");
        check(&later(StoreError::ContentUnavailable), "451 4.3.0 ");
        check(&later(StoreError::Internal("secret".into())), "451 4.3.0 ");
        check(&later(Rejection::MessageTooLarge.into()), "552 5.3.4 ");
        check(&refused(Rejection::NoSuchAccount), "550 5.1.1 ");
        check(&refused(Rejection::AccountNotActive), "550 5.1.1 ");
        check(&refused(Rejection::OverQuota), "452 4.2.2 ");
        check(&refused(Rejection::UidsExhausted), "451 4.2.0 ");
        check(&refused(Rejection::OutcomeUnknown), "451 4.3.0 ");
        check(&STATUS.refusal(&RecipientRefusal::Unknown), "550 5.1.1 ");
        check(&STATUS.refusal(&RecipientRefusal::OverQuota), "452 4.2.2 ");
        check(&STATUS.refusal(&RecipientRefusal::NoSpace), "452 4.3.1 ");
        check(&STATUS.refusal(&RecipientRefusal::Temporary), "451 4.3.0 ");
        check(&STATUS.failure(&Failure::TooLarge), "552 5.3.4 ");
        check(&STATUS.failure(&Failure::Nul), "554 5.6.0 ");
        check(
            &STATUS.failure(&Failure::Store(StoreError::NoSpace)),
            "452 4.3.1 ",
        );
    }

    #[test]
    fn a_full_mailbox_may_send_mail_back() {
        let status = Status {
            over_quota: OverQuota::Refuse,
        };
        check(&status.refusal(&RecipientRefusal::OverQuota), "552 5.2.2 ");
        check(
            &status.delivered(&Delivered::Refused(Rejection::OverQuota)),
            "552 5.2.2 ",
        );
    }

    #[test]
    fn internal_detail_is_not_told() {
        let reply = STATUS.delivered(&Delivered::Later(StoreError::Internal("disk 3".into())));
        assert!(!reply.to_string().contains("disk"));
    }
}
