//! Spaces, atoms, numbers, strings and lists.

use crate::command::{Leniency, Literal};
use crate::encode::{is_astring_char, is_atom_char};
use crate::error::WireError;
use crate::parse::context::{Context, Parsed, expected, fail};
use crate::types::NameEncoding;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take, take_while, take_while_m_n, take_while1};
use nom::combinator::opt;
use nom::{IResult, Parser};
use std::borrow::Cow;

/// The most digits of a literal's size, so that its header has a greatest length.
const LITERAL_DIGITS_MAX: usize = 20;

/// `SP`, one in the grammar; more are tolerated.
pub(crate) fn sp<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, ()> {
    let (rest, spaces) =
        take_while1(|byte| byte == b' ')(input).map_err(|_: nom::Err<()>| expected(input, "a space"))?;
    if spaces.len() > 1 {
        context.tolerate(Leniency::RepeatedSpace, input)?;
    }
    Ok((rest, ()))
}

/// Spaces where the grammar has none.
pub(crate) fn stray_spaces<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, ()> {
    let (rest, spaces) = take_while(|byte| byte == b' ')(input)?;
    if !spaces.is_empty() {
        context.tolerate(Leniency::StraySpace, input)?;
    }
    Ok((rest, ()))
}

/// `CRLF` and nothing behind it, with spaces before it tolerated (Exchange's habit).
pub(crate) fn end_of_line<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, ()> {
    let (rest, ()) = stray_spaces(context, input)?;
    if rest == b"\r\n" {
        Ok((&[], ()))
    } else {
        Err(expected(rest, "the end of the line"))
    }
}

/// Matches `word` in any case where no atom character follows it.
pub(crate) fn keyword<'a>(word: &'static str) -> impl Fn(&'a [u8]) -> Parsed<'a, ()> {
    move |input| {
        let (rest, _) = tag_no_case(word)(input)?;
        match rest.first() {
            Some(byte) if is_atom_char(*byte) => Err(expected(input, word)),
            _ => Ok((rest, ())),
        }
    }
}

/// `atom = 1*ATOM-CHAR` (RFC 3501 §9)
pub(crate) fn atom(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(is_atom_char)(input)
}

/// `number = 1*DIGIT`, here of up to 64 bits.
pub(crate) fn number64(input: &[u8]) -> Parsed<'_, u64> {
    let (rest, digits) = take_while1(|byte: u8| byte.is_ascii_digit())(input)?;
    let value = digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    Ok((
        rest,
        value.ok_or_else(|| fail(input, WireError::syntax("a smaller number")))?,
    ))
}

/// `number = 1*DIGIT ; (0 <= n < 4,294,967,296)` (RFC 3501 §9)
pub(crate) fn number(input: &[u8]) -> Parsed<'_, u32> {
    let (rest, value) = number64(input)?;
    let value = u32::try_from(value).map_err(|_| fail(input, WireError::syntax("a smaller number")))?;
    Ok((rest, value))
}

/// `nz-number = digit-nz *DIGIT` (RFC 3501 §9)
pub(crate) fn nz_number(input: &[u8]) -> Parsed<'_, std::num::NonZeroU32> {
    let (rest, value) = number(input)?;
    match std::num::NonZeroU32::new(value) {
        Some(value) => Ok((rest, value)),
        None => Err(expected(input, "a number above zero")),
    }
}

/// `astring = 1*ASTRING-CHAR / string` (RFC 3501 §9)
pub(crate) fn astring<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Cow<'a, [u8]>> {
    alt((take_while1(is_astring_char).map(Cow::Borrowed), |input| {
        string(context, input)
    }))
    .parse(input)
}

/// `list-mailbox = 1*list-char / string`, `list-char = ATOM-CHAR / list-wildcards / resp-specials`
/// (RFC 3501 §9)
pub(crate) fn list_mailbox<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Cow<'a, [u8]>> {
    let list_char = |byte| is_astring_char(byte) || matches!(byte, b'%' | b'*');
    alt((take_while1(list_char).map(Cow::Borrowed), |input| {
        string(context, input)
    }))
    .parse(input)
}

/// `nstring = string / nil` (RFC 3501 §9)
pub(crate) fn nstring<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Option<Cow<'a, [u8]>>> {
    alt((keyword("NIL").map(|()| None), |input| {
        string(context, input).map(|(rest, value)| (rest, Some(value)))
    }))
    .parse(input)
}

/// `string = quoted / literal` (RFC 3501 §9)
pub(crate) fn string<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Cow<'a, [u8]>> {
    alt((
        |input| quoted(context, input),
        |input| literal(input).map(|(rest, value)| (rest, Cow::Borrowed(value))),
    ))
    .parse(input)
}

/// `quoted = DQUOTE *QUOTED-CHAR DQUOTE` (RFC 3501 §9); UTF-8 in it after UTF8=ACCEPT (RFC 9755 §3).
fn quoted<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Cow<'a, [u8]>> {
    let (rest, _) = tag("\"")(input)?;
    let plain = |input| take_while(|byte| !matches!(byte, b'"' | b'\\' | 0 | b'\r' | b'\n'))(input);
    let start = rest;
    let (mut rest, first) = plain(rest)?;
    let mut value = Cow::Borrowed(first);
    if rest.starts_with(b"\\") {
        // Room for all of it at once: growing would leave copies of a password behind.
        let mut owned = Vec::with_capacity(quoted_length(start));
        owned.extend_from_slice(first);
        value = Cow::Owned(owned);
    }
    while let Ok((after, _)) = tag::<_, _, ()>("\\")(rest) {
        let (after, escaped) = escaped(context, after)?;
        let (after, more) = plain(after)?;
        let owned = value.to_mut();
        owned.push(escaped);
        owned.extend_from_slice(more);
        rest = after;
    }
    let (rest, _) = tag("\"")(rest).map_err(|_: nom::Err<()>| expected(rest, "a closing quote"))?;
    if context.options().names == NameEncoding::ModifiedUtf7 && !value.is_ascii() {
        context.tolerate(Leniency::EightBit, input)?;
    }
    Ok((rest, value))
}

/// How many bytes stand before the closing quote, escapes included.
fn quoted_length(text: &[u8]) -> usize {
    let mut escaped = false;
    let is_end = |byte: &u8| {
        let end = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        end
    };
    text.iter().position(is_end).unwrap_or(0)
}

/// `"\" quoted-specials` (RFC 3501 §9)
fn escaped<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, u8> {
    match input.split_first() {
        Some((byte @ (b'"' | b'\\'), rest)) => Ok((rest, *byte)),
        Some((byte, rest)) if !matches!(byte, 0 | b'\r' | b'\n') => {
            context.tolerate(Leniency::NeedlessEscape, input)?;
            Ok((rest, *byte))
        }
        _ => Err(expected(input, "a quoted character")),
    }
}

/// `literal = "{" number ["+"] "}" CRLF *CHAR8` (RFC 3501 §9, RFC 7888 §8)
fn literal(input: &[u8]) -> Parsed<'_, &[u8]> {
    let (rest, header) = literal_header(input)?;
    if header.binary {
        return Err(fail(input, WireError::LiteralForbidden));
    }
    let length = usize::try_from(header.bytes).map_err(|_| fail(input, WireError::LiteralTooLarge))?;
    let (rest, value) = take(length)(rest)?;
    if value.contains(&0) {
        Err(fail(input, WireError::Nul))
    } else {
        Ok((rest, value))
    }
}

/// The header of a literal or literal8, with its CRLF.
///
/// `literal8 = "~{" number ["+"] "}" CRLF *OCTET` (RFC 3516 §7, RFC 7888 §8)
pub(crate) fn literal_header(input: &[u8]) -> Parsed<'_, Literal> {
    let (rest, binary) = opt(tag("~")).parse(input)?;
    let (rest, _) = tag("{")(rest)?;
    let (rest, digits) = take_while_m_n(1, LITERAL_DIGITS_MAX, |byte: u8| byte.is_ascii_digit())(rest)?;
    // A size beyond 64 bits is only ever refused, so its exact value does not matter.
    let bytes = digits.iter().fold(0_u64, |value, digit| {
        value.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
    });
    let (rest, plus) = opt(tag("+")).parse(rest)?;
    let (rest, _) = tag("}\r\n")(rest)?;
    Ok((
        rest,
        Literal {
            bytes,
            synchronising: plus.is_none(),
            binary: binary.is_some(),
        },
    ))
}

/// `"(" [item *(SP item)] ")"`; stray spaces inside the parentheses are tolerated.
///
/// The caller refuses an empty list where the grammar wants one item at least. Lists here hold no
/// lists of their own kind, so their depth needs no count.
pub(crate) fn list<'a, T>(
    context: &Context,
    input: &'a [u8],
    mut item: impl FnMut(&'a [u8]) -> Parsed<'a, T>,
) -> Parsed<'a, Vec<T>> {
    let (rest, _) = tag("(")(input).map_err(|_: nom::Err<()>| expected(input, "a parenthesised list"))?;
    let (mut rest, ()) = stray_spaces(context, rest)?;
    let mut items = Vec::new();
    loop {
        if let Some((b')', after)) = rest.split_first() {
            return Ok((after, items));
        }
        if !items.is_empty() {
            (rest, ()) = sp(context, rest)?;
            if let Some((b')', after)) = rest.split_first() {
                context.tolerate(Leniency::StraySpace, rest)?;
                return Ok((after, items));
            }
        }
        let (after, value) = item(rest)?;
        items.push(value);
        rest = after;
    }
}

/// As [`list`], with one item at least.
pub(crate) fn list1<'a, T>(
    context: &Context,
    input: &'a [u8],
    item: impl FnMut(&'a [u8]) -> Parsed<'a, T>,
) -> Parsed<'a, Vec<T>> {
    let (rest, items) = list(context, input, item)?;
    if items.is_empty() {
        Err(expected(input, "a list that is not empty"))
    } else {
        Ok((rest, items))
    }
}

/// Matches one punctuation byte or word as it stands.
pub(crate) fn exact<'a>(text: &'static str, input: &'a [u8]) -> Parsed<'a, ()> {
    let matched: IResult<&'a [u8], &'a [u8], ()> = tag(text)(input);
    matched
        .map(|(rest, _)| (rest, ()))
        .map_err(|_| expected(input, text))
}
