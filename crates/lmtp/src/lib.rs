//! The LMTP role (RFC 2033): mail that comes in from an MTA, in front of whatever implements
//! [`Delivery`](mailstore::ports::Delivery).
//!
//! A [`Lmtp`] keeps the order of commands, streams each message to the storage in bounded pieces with
//! its trace fields before it, and answers for every recipient what became of its delivery, after it is
//! durable. What was given to the storage whole is carried to its end even when the client is gone;
//! what was not leaves nothing.
//!
//! It deliberately holds no grammar (that is `lmtp-wire`), never looks into a message, and knows neither
//! accounts nor mailboxes: those, and filters to come, are the storage's. There is no login: listen where
//! only the site's MTAs can connect.
//!
//! Start reading at [`Lmtp`], then `session/mod.rs` for the order of commands, `connection/driver.rs` for
//! the life of a connection and `connection/delivering.rs` for the commit. `status.rs` turns every
//! outcome into a reply.
#![deny(missing_docs)]

mod connection;
mod environment;
mod error;
mod instruments;
mod mail_log;
mod options;
mod role;
mod session;
mod status;
mod trace;

pub use connection::ByteStream;
pub use environment::Environment;
pub use error::{ErrorKind, LmtpError};
pub use options::{LmtpOptions, OverQuota, Times};
pub use role::{Lmtp, LmtpListener, LmtpParts, Peer};
pub use trace::TRACE_BYTES_MAX;
