//! The IMAP role: sessions of mail clients, in front of whatever storage implements the ports.
//!
//! A [`Proxy`] ends TLS, parses commands, keeps each session's picture of its mailbox, and calls the
//! traits of [`mailstore::ports`] for everything else. It keeps nothing that outlives a connection but
//! caches that can be had again at any time, and it never learns which node serves an account.
//!
//! It deliberately holds no grammar (that is `imap-wire`), no MIME (`mail-message`), no password check
//! (`auth`, in the storage node) and no state of a mailbox that is not told to a client or asked anew
//! before each use.
//!
//! Start reading at [`Proxy`], then `commands/mod.rs` for the way of a command, `session/selected.rs`
//! for what a session knows, and `connection/driver.rs` for its life.

mod account_store;
mod answer;
mod cache;
mod capability;
mod commands;
mod connection;
mod convert;
mod drain;
mod environment;
mod error;
mod load;
mod metrics;
mod options;
mod proxy;
mod services;
mod session;
mod status;

pub use capability::can_be_hidden;
pub use connection::stream::ByteStream;
pub use environment::Environment;
pub use error::{ErrorKind, ProxyError};
pub use load::OverloadSign;
pub use options::{BeforeLoginLimits, CommandLimits, ConnectionLimits, ProxyOptions, Times};
pub use proxy::{Proxy, Security};
