//! The client's byte stream, cut into commands with bounded memory.
//!
//! A command is lines joined by literals (RFC 3501 §2.2.1, §4.3). The [`Framer`] finds its end without
//! understanding it, with one exception: the literal of an APPEND is a message, which is never kept
//! here. The framer stops at it, hands over what came before, and streams the bytes once the caller
//! has checked the quota. It never asks for bytes: where a client waits for `+`, the caller is told.
//!
//! However the stream is cut into reads, the events are the same, but for the sizes of body chunks.

mod framer;
mod limits;

#[cfg(test)]
mod tests;

pub use framer::Framer;
pub use limits::Limits;

use crate::command::{Append, AppendMessage};
use crate::error::WireError;
use crate::types::Tag;
use std::fmt;
use std::ops::Deref;
use zeroize::Zeroizing;

/// Bytes of a command or line. They may hold a password: they are wiped when dropped, and `Debug`
/// does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(Zeroizing<Vec<u8>>);

impl fmt::Debug for Frame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Frame({} bytes)", self.0.len())
    }
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// What the framer found.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'i> {
    /// A whole command with its literals and its last CRLF, for [`crate::parse::command`].
    Command(Frame),
    /// A line without its CRLF, after [`Framer::expect_line`].
    Line(Frame),
    /// The client waits for a continuation request before it sends a literal of an argument.
    Continue,
    /// An APPEND up to its first message. The framer waits for [`Framer::accept_message`] or
    /// [`Framer::refuse_message`].
    Append(Append),
    /// Bytes of a message that was accepted, exactly as sent.
    Body(&'i [u8]),
    /// The message is complete.
    BodyEnd {
        /// Whether it held a NUL although it was no literal8 (RFC 3501 §9 excludes NUL from CHAR8).
        nul: bool,
    },
    /// Another message of the same APPEND (MULTIAPPEND, RFC 3502); decide as for the first.
    AppendAnother(AppendMessage),
    /// The APPEND is complete.
    AppendEnd,
    /// A command that cannot be taken. If it is an APPEND, its messages so far are void.
    Rejected(Rejection),
}

/// A command that cannot be taken, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The tag to answer under; without one the answer is untagged.
    pub tag: Option<Tag>,
    /// What was wrong.
    pub error: WireError,
    /// What the caller does after it has answered.
    pub recovery: Recovery,
}

/// How a session goes on after a rejected command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Answer BAD (or NO) and go on: the framer finds the next command by itself.
    Resume,
    /// Answer BYE and close: finding the next command would mean reading without bound.
    Close,
}
