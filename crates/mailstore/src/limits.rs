//! Bounds that every replica must agree on, because [`apply`](crate::apply()) enforces them. They are
//! constants: a change of one is a change of what entries mean, and waits for a feature level.

use std::time::Duration;

/// Most mailboxes that an account can have.
pub const MAILBOXES_MAX: u32 = 10_000;
/// Most names that an account can be subscribed to.
pub const SUBSCRIPTIONS_MAX: u32 = 10_000;
/// Most messages that one APPEND can add.
pub const APPEND_MESSAGES_MAX: usize = 1_000;
/// Most messages that one STORE, COPY or MOVE can address.
pub const COMMAND_MESSAGES_MAX: usize = 1_000_000;
/// Most rows in the expunge log of a mailbox: one for each command that removed something.
pub const EXPUNGE_LOG_ROWS_MAX: u32 = 2_000;
/// Most UID ranges in the expunge log of a mailbox.
pub const EXPUNGE_LOG_RANGES_MAX: u32 = 100_000;
/// How long the records of expunged messages are kept for sessions that have not been told.
pub const EXPUNGED_RETENTION: Duration = Duration::from_secs(15 * 60);
/// Most records of expunged messages that an account keeps.
pub const EXPUNGED_RECORDS_MAX: u32 = 50_000;
/// How long the reply to a request is kept, in whole minutes. A request made no later than one that was
/// forgotten, or longer ago than this, is not executed any more. Generous, because this compares the
/// clocks of whoever makes requests with each other and with the leader's: two of them that are wrong by
/// an hour each, one ahead and one behind, must not stop an account.
pub const REQUEST_RETENTION: Duration = Duration::from_secs(130 * 60);
/// Most replies kept of one session and minute, and thereby most requests that a session may have in
/// flight on one account.
pub const REQUESTS_MAX: u8 = 16;
