//! APPEND, up to each message's literal.

use crate::command::{Addressing, Append, AppendMessage, CommandBody, Literal};
use crate::error::WireError;
use crate::parse::context::{Context, Failure, Parsed, expect, expected, fail, failure};
use crate::parse::date::date_time;
use crate::parse::flag::flag_list;
use crate::parse::mailbox::mailbox;
use crate::parse::strings::{atom, exact, keyword, literal_header, sp};
use crate::parse::{ParseOptions, tag};
use crate::types::Tag;

/// What a line that ends in a literal's header announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Announced {
    /// An argument, to be kept with the command.
    Argument,
    /// An APPEND's message, to be streamed.
    Message(Append),
}

/// Decides what the literal is whose header ends `command`, the bytes of a command so far.
///
/// The mailbox of an APPEND may be a literal itself and is then an argument; every other literal of
/// an APPEND is a message, and what stands before it must be right.
pub(crate) fn announced(command: &[u8], options: ParseOptions) -> Result<Announced, WireError> {
    let context = Context::new(options);
    let Ok((rest, tag)) = verb(&context, command) else {
        return Ok(Announced::Argument);
    };
    if literal_header(rest).is_ok_and(|(rest, _)| rest.is_empty()) {
        return Ok(Announced::Argument);
    }
    let (rest, mailbox) = mailbox(&context, rest).map_err(failure)?;
    let message = next_message(&context, rest).map_err(failure)?;
    Ok(Announced::Message(Append {
        tag,
        mailbox,
        message,
        leniencies: context.leniencies(),
    }))
}

/// Parses what stands between two messages of a MULTIAPPEND, up to and with the literal's header.
///
/// `append = "APPEND" SP mailbox 1*append-message` (RFC 3502 §6.3.11)
pub(crate) fn another(line: &[u8], options: ParseOptions) -> Result<AppendMessage, WireError> {
    next_message(&Context::new(options), line).map_err(failure)
}

/// Tells whether `line` ends an APPEND: nothing but its CRLF, or stray spaces before it.
pub(crate) fn is_end(line: &[u8], options: ParseOptions) -> bool {
    super::strings::end_of_line(&Context::new(options), line).is_ok()
}

/// An APPEND that never announced a message: it ends where a literal should be.
pub(crate) fn without_literal<'a>(
    context: &Context,
    _: Addressing,
    input: &'a [u8],
) -> Parsed<'a, CommandBody> {
    let (rest, ()) = sp(context, input)?;
    let (rest, _) = mailbox(context, rest)?;
    Err(expected(rest, "a message literal"))
}

/// `tag SP "APPEND" SP` (RFC 3501 §9)
fn verb<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Tag> {
    let (rest, tag) = tag(input)?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, word) = atom(rest)?;
    if !word.eq_ignore_ascii_case(b"APPEND") {
        return Err(expected(rest, "APPEND"));
    }
    let (rest, ()) = sp(context, rest)?;
    Ok((rest, tag))
}

/// `append-message = [SP flag-list] [SP date-time] SP append-data`,
/// `append-data = literal / literal8 / "UTF8" SP "(" literal8 ")"` (RFC 4466 §3, RFC 9755 §4), up to
/// the literal's bytes.
fn next_message<'a>(context: &Context, input: &'a [u8]) -> Result<AppendMessage, nom::Err<Failure<'a>>> {
    let (mut rest, ()) = sp(context, input)?;
    let mut flags = Vec::new();
    let mut internal_date = None;
    if rest.starts_with(b"(") {
        (rest, flags) = flag_list(context, rest)?;
        (rest, ()) = sp(context, rest)?;
    }
    if rest.starts_with(b"\"") {
        let (after, value) = expect("a date and time", rest, |input| date_time(context, input))?;
        internal_date = Some(value);
        (rest, ()) = sp(context, after)?;
    }
    let (after, (literal, utf8)) = append_data(context, rest)?;
    if !after.is_empty() {
        return Err(expected(after, "a message literal"));
    }
    Ok(AppendMessage {
        flags,
        internal_date,
        literal,
        utf8,
    })
}

fn append_data<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, (Literal, bool)> {
    let Ok((rest, ())) = keyword("UTF8")(input) else {
        let (rest, literal) = expect("a message literal", input, literal_header)?;
        // A literal8 outside UTF8 is of BINARY (RFC 3516 §4.4), which is not offered.
        let allowed = !literal.binary;
        return if allowed {
            Ok((rest, (literal, false)))
        } else {
            Err(fail(input, WireError::LiteralForbidden))
        };
    };
    let (rest, ()) = sp(context, rest)?;
    let (rest, ()) = exact("(", rest)?;
    let (after, literal) = expect("a literal8", rest, literal_header)?;
    if literal.binary {
        Ok((after, (literal, true)))
    } else {
        Err(fail(rest, WireError::LiteralForbidden))
    }
}
