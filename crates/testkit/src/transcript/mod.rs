//! IMAP sessions as data: what clients send and what the server must answer.
//!
//! ```text
//! # RFC 3501 §6.4.6: a comment
//! state: selected INBOX
//! connections: 2
//! mailbox: Work/2026
//! message: INBOX 3*plain.eml (\Seen $Work) "17-Jul-1996 02:44:25 -0700"
//!
//! C1: a1 STORE 1 +FLAGS (\Deleted)
//! S1: * 1 FETCH (FLAGS (\Seen \Deleted $Work))
//! S1: a1 OK ...
//! ```
//!
//! Every connection is logged in and has selected a mailbox before the first line, as `state` says:
//! `not-authenticated`, `authenticated`, `selected NAME` or `examined NAME`. Messages come from files
//! beside the transcript, in `messages/`.
//!
//! In lines of the client `<<plain.eml>>` is a literal that waits for `+`, `<<+plain.eml>>` one that
//! does not, `<<"text\r\n">>` one with that text. `C1>` sends a text with escapes and no CRLF. In lines of
//! the server `...` stands for any text and `<<plain.eml>>` for the literal. `${name}` stands for a word: it is learnt
//! where the server first says it and must be the same from then on. Lines marked `S1~` may come in any order among
//! themselves. `S1: <closed>` is the end of the connection.

mod file;
mod pattern;
mod peer;
mod player;

pub use file::{Fixture, Line, LineKind, Message, StartState, Transcript, TranscriptError};
pub use peer::{Peer, Said, Stream};
pub use player::{Connect, Credentials, Failure, Play, play};
