//! Commands without arguments, and those about the session itself.

use crate::command::{Addressing, CommandBody};
use crate::error::WireError;
use crate::parse::context::{Context, Parsed, expect, expected, fail};
use crate::parse::strings::{atom, keyword, list, nstring, sp, string};
use crate::types::Atom;
use nom::Parser;
use nom::branch::alt;

/// The most field and value pairs of ID (RFC 2971 §3.3).
const ID_FIELDS_MAX: usize = 30;

/// The most capabilities that one ENABLE names.
const ENABLE_MAX: usize = 64;

/// `"CAPABILITY"` (RFC 3501 §9)
pub(crate) fn capability<'a>(_: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    Ok((input, CommandBody::Capability))
}

/// `"NOOP"` (RFC 3501 §9)
pub(crate) fn noop<'a>(_: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    Ok((input, CommandBody::Noop))
}

/// `"LOGOUT"` (RFC 3501 §9)
pub(crate) fn logout<'a>(_: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    Ok((input, CommandBody::Logout))
}

/// `"NAMESPACE"` (RFC 2342 §6)
pub(crate) fn namespace<'a>(_: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    Ok((input, CommandBody::Namespace))
}

/// `idle = "IDLE" CRLF "DONE"` (RFC 2177 §4); the second line is not part of the command here.
pub(crate) fn idle<'a>(_: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    Ok((input, CommandBody::Idle))
}

/// `"CHECK"` (RFC 3501 §9)
pub(crate) fn check<'a>(_: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    Ok((input, CommandBody::Check))
}

/// `"CLOSE"` (RFC 3501 §9)
pub(crate) fn close<'a>(_: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    Ok((input, CommandBody::Close))
}

/// `"UNSELECT"` (RFC 3691 §3)
pub(crate) fn unselect<'a>(_: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    Ok((input, CommandBody::Unselect))
}

/// `"EXPUNGE"` (RFC 3501 §9)
pub(crate) fn expunge<'a>(_: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    Ok((input, CommandBody::Expunge))
}

/// `id = "ID" SPACE id_params_list`, `id_params_list = "(" #(string SPACE nstring) ")" / nil`
/// (RFC 2971 §4)
pub(crate) fn id<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    let (rest, ()) = sp(context, input)?;
    let pairs = |input| list(context, input, |input| id_pair(context, input));
    let (after, fields) = alt((keyword("NIL").map(|()| Vec::new()), pairs)).parse(rest)?;
    if fields.len() > ID_FIELDS_MAX {
        return Err(fail(rest, WireError::TooManyElements));
    }
    Ok((after, CommandBody::Id(fields)))
}

/// `string SPACE nstring` (RFC 2971 §4), kept as text that is safe to show.
fn id_pair<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, (String, Option<String>)> {
    let (rest, field) = string(context, input)?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, value) = nstring(context, rest)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((rest, (text(&field), value.as_deref().map(text))))
}

/// `enable = "ENABLE" 1*(SP capability)` (RFC 5161 §4)
pub(crate) fn enable<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    let mut capabilities = Vec::new();
    let mut rest = input;
    while let Ok((after, ())) = sp(context, rest) {
        let Ok((after, word)) = atom(after) else { break };
        capabilities.extend(Atom::new(word));
        rest = after;
    }
    match capabilities.len() {
        0 => Err(expected(input, "a capability")),
        1..=ENABLE_MAX => Ok((rest, CommandBody::Enable(capabilities))),
        _ => Err(fail(input, WireError::TooManyElements)),
    }
}

/// `compress = "COMPRESS" SP algorithm`, `algorithm = "DEFLATE"` (RFC 4978 §5)
pub(crate) fn compress<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    let (rest, ()) = sp(context, input)?;
    let (rest, algorithm) = typed_atom("an algorithm", rest)?;
    Ok((rest, CommandBody::Compress(algorithm)))
}

/// An atom as a value of its own.
pub(crate) fn typed_atom<'a>(what: &'static str, input: &'a [u8]) -> Parsed<'a, Atom> {
    let (rest, word) = expect(what, input, atom)?;
    match Atom::new(word) {
        Some(atom) => Ok((rest, atom)),
        None => Err(expected(input, what)),
    }
}
