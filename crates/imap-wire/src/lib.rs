//! The IMAP wire language: bytes to typed commands, typed responses to bytes.
//!
//! This crate knows the grammar of RFC 3501 and of the extensions that the server speaks, and the
//! limits that keep a hostile client from making it expensive. It deliberately knows no mailbox, no
//! account, no socket and no clock: what a command means is decided elsewhere.
//!
//! Start reading at [`encode`], the primitives that every response is made of.
#![deny(missing_docs)]

pub mod encode;
