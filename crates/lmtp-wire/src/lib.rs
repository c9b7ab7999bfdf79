//! The LMTP wire language (RFC 2033, in the grammar of RFC 5321): bytes to typed commands, mail data
//! without its dots, typed replies to bytes.
//!
//! This crate knows the grammar and the limits that keep a hostile client from making it expensive.
//! It deliberately knows no mailbox, no account, no socket, and no order of commands: what a command
//! means, and whether it may come now, is decided elsewhere.
//!
//! Start reading at [`LineFramer`] (bytes to command lines), then [`Command::parse`], [`DataDecoder`]
//! for what follows DATA, and [`Reply`] for the way back.
#![deny(missing_docs)]

mod address;
mod command;
mod data;
mod error;
mod frame;
mod grammar;
mod reply;

pub use address::{ForwardPath, Mailbox, ReversePath};
pub use command::{Body, ClientName, Command, MailFrom, RcptTo};
pub use data::{DataDecoder, DataProgress};
pub use error::{CommandError, ErrorKind};
pub use frame::{LINE_BYTES_MAX_DEFAULT, Line, LineFramer};
pub use reply::{Capability, Enhanced, Reply, ReplyCode};
