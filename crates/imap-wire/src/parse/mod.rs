//! The grammar of client commands, over a whole command with its literals in it.
//!
//! One file per family of rules; every rule's function carries its ABNF. The functions take the rest
//! of the command and return what is left, as nom has it. What depends on the session, and what is
//! recorded on the way, is in `Context`.

pub(crate) mod append;
pub(crate) mod auth;
mod context;
mod date;
pub(crate) mod fetch;
mod flag;
pub(crate) mod list;
pub(crate) mod mailbox;
pub(crate) mod message;
pub(crate) mod quota;
pub(crate) mod search;
mod search_key;
pub(crate) mod select;
mod sequence;
pub(crate) mod session;
pub(crate) mod status;
mod strings;

#[cfg(test)]
mod tests;

pub use auth::{AuthenticateLine, authenticate_line, is_done};
pub(crate) use context::{Context, Parsed};
pub(crate) use strings::literal_header;

use crate::command::{Addressing, Command, CommandKind, CommandSpec};
use crate::error::WireError;
use crate::types::{NameEncoding, Tag, is_tag_char};
use context::failure;
use nom::bytes::complete::take_while1;
use strings::{atom, end_of_line, sp};

/// What the session decides about parsing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ParseOptions {
    /// How mailbox names are written; UTF-8 also admits UTF-8 in quoted strings.
    pub names: NameEncoding,
    /// Whether every [`crate::command::Leniency`] is an error.
    pub strict: bool,
}

/// A command that could not be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct CommandError {
    /// The tag to answer under; without one the answer is an untagged BAD (RFC 3501 §7.1.3).
    pub tag: Option<Tag>,
    /// The command, where its name was recognised.
    pub kind: Option<CommandKind>,
    /// What was wrong.
    pub error: WireError,
}

/// Parses a command: its first line up to and with the last CRLF, literals in their places.
///
/// `command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF`
/// (RFC 3501 §9)
pub fn command(bytes: &[u8], options: ParseOptions) -> Result<Command, CommandError> {
    let context = Context::new(options);
    let (rest, tag) = tag(bytes).map_err(|_| CommandError {
        tag: None,
        kind: None,
        error: WireError::Tag,
    })?;
    let fail = |kind, error| CommandError {
        tag: Some(tag.clone()),
        kind,
        error,
    };
    let (rest, spec, addressing) = name(&context, rest).map_err(|error| fail(None, error))?;
    let (rest, body) =
        (spec.parse)(&context, addressing, rest).map_err(|error| fail(Some(spec.kind), failure(error)))?;
    end_of_line(&context, rest).map_err(|error| fail(Some(spec.kind), failure(error)))?;
    Ok(Command {
        tag,
        body,
        leniencies: context.leniencies(),
    })
}

/// Returns the tag that `line` begins with, for answering what cannot be parsed. A word that is cut
/// off is none.
pub(crate) fn tag_of(line: &[u8]) -> Option<Tag> {
    let (rest, tag) = tag(line).ok()?;
    matches!(rest.first(), Some(b' ' | b'\r' | b'\n')).then_some(tag)
}

/// `tag = 1*<any ASTRING-CHAR except "+">` (RFC 3501 §9)
pub(crate) fn tag(input: &[u8]) -> Parsed<'_, Tag> {
    let (rest, bytes) = take_while1(is_tag_char)(input)?;
    let tag = Tag::new(bytes).ok_or_else(|| context::fail(input, WireError::Tag))?;
    Ok((rest, tag))
}

/// The command's name, with `UID` before it where that form exists.
///
/// `uid = "UID" SP (copy / fetch / search / store)` (RFC 3501 §9)
fn name<'a>(
    context: &Context,
    input: &'a [u8],
) -> Result<(&'a [u8], &'static CommandSpec, Addressing), WireError> {
    let unknown = |_| WireError::UnknownCommand;
    let (rest, ()) = sp(context, input).map_err(unknown)?;
    let (rest, word) = atom(rest).map_err(unknown)?;
    if !word.eq_ignore_ascii_case(b"UID") {
        let spec = CommandSpec::named(word, Addressing::Sequence).ok_or(WireError::UnknownCommand)?;
        return Ok((rest, spec, Addressing::Sequence));
    }
    let (rest, ()) = sp(context, rest).map_err(unknown)?;
    let (rest, word) = atom(rest).map_err(unknown)?;
    let spec = CommandSpec::named(word, Addressing::Uid).ok_or(WireError::UnknownCommand)?;
    Ok((rest, spec, Addressing::Uid))
}
