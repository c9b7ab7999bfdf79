//! The IMAP wire language: bytes to typed commands, typed responses to bytes.
//!
//! This crate knows the grammar of RFC 3501 and of the extensions that the server speaks, and the
//! limits that keep a hostile client from making it expensive. It deliberately knows no mailbox, no
//! account, no socket and no clock: what a command means is decided elsewhere.
//!
//! Start reading at [`command::COMMANDS`], the table of all commands. The way of a command is
//! [`frame`] (bytes to whole commands), [`parse`] (a whole command to [`command::Command`]), and back
//! out through [`response`], which is made of the primitives in [`encode`].
#![deny(missing_docs)]

pub mod command;
pub mod encode;
mod error;
pub mod frame;
pub mod list_match;
pub mod mutf7;
pub mod parse;
pub mod response;
pub mod types;

pub use error::{ErrorKind, WireError};
