//! LIST, basic and extended, LSUB and XLIST.

use crate::command::{Addressing, BasicList, CommandBody, List};
use crate::error::WireError;
use crate::parse::context::{Context, Parsed, expect, expected, fail};
use crate::parse::mailbox::decode;
use crate::parse::status::status_items;
use crate::parse::strings::{astring, atom, keyword, list as parenthesised, list_mailbox, list1, sp};
use crate::types::{ListReturn, ListSelection};

/// The most patterns of one LIST.
const PATTERNS_MAX: usize = 64;

/// `list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]`
/// (RFC 5258 §6)
pub(crate) fn list<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    let (mut rest, ()) = sp(context, input)?;
    let mut selection = ListSelection::default();
    if rest.starts_with(b"(") {
        (rest, selection) = list_select_opts(context, rest)?;
        (rest, ()) = sp(context, rest)?;
    }
    let (rest, reference) = reference(context, rest)?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, patterns) = mbox_or_pat(context, rest)?;
    let (rest, returns) = match keyword("RETURN")(rest.trim_ascii_start()) {
        Ok(_) => list_return_opts(context, rest).map(|(rest, returns)| (rest, Some(returns)))?,
        Err(_) => (rest, None),
    };
    Ok((
        rest,
        CommandBody::List(List {
            selection,
            reference,
            patterns,
            returns,
        }),
    ))
}

/// `lsub = "LSUB" SP mailbox SP list-mailbox` (RFC 3501 §9)
pub(crate) fn lsub<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    basic(context, input).map(|(rest, list)| (rest, CommandBody::Lsub(list)))
}

/// `"XLIST" SP mailbox SP list-mailbox`, Google's, spelled like LIST.
pub(crate) fn xlist<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    basic(context, input).map(|(rest, list)| (rest, CommandBody::Xlist(list)))
}

fn basic<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, BasicList> {
    let (rest, ()) = sp(context, input)?;
    let (rest, reference) = reference(context, rest)?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, pattern) = pattern(context, rest)?;
    Ok((rest, BasicList { reference, pattern }))
}

/// The reference, a mailbox name that need not be one: it may be empty or end in a delimiter.
fn reference<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, String> {
    let (rest, bytes) = expect("a reference", input, |input| astring(context, input))?;
    Ok((rest, decode(context, input, &bytes)?))
}

/// `list-mailbox` (RFC 3501 §9), decoded.
fn pattern<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, String> {
    let (rest, bytes) = expect("a mailbox pattern", input, |input| list_mailbox(context, input))?;
    Ok((rest, decode(context, input, &bytes)?))
}

/// `mbox-or-pat = list-mailbox / patterns`, `patterns = "(" list-mailbox *(SP list-mailbox) ")"`
/// (RFC 5258 §6)
fn mbox_or_pat<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Vec<String>> {
    if !input.starts_with(b"(") {
        return pattern(context, input).map(|(rest, pattern)| (rest, vec![pattern]));
    }
    let (rest, patterns) = list1(context, input, |input| pattern(context, input))?;
    if patterns.len() > PATTERNS_MAX {
        Err(fail(input, WireError::TooManyElements))
    } else {
        Ok((rest, patterns))
    }
}

/// `list-select-opts = "(" [(*(list-select-opt SP) list-select-base-opt *(SP list-select-opt)) / ...] ")"`
/// (RFC 5258 §6)
fn list_select_opts<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, ListSelection> {
    let mut selection = ListSelection::default();
    let (rest, _) = parenthesised(context, input, |input| {
        let (rest, word) = atom(input)?;
        match word.to_ascii_uppercase().as_slice() {
            b"SUBSCRIBED" => selection.subscribed = true,
            b"REMOTE" => selection.remote = true,
            b"RECURSIVEMATCH" => selection.recursive_match = true,
            b"SPECIAL-USE" => selection.special_use = true,
            _ => return Err(expected(input, "a known selection option")),
        }
        Ok((rest, ()))
    })?;
    // RFC 5258 §3: RECURSIVEMATCH cannot stand alone, nor with REMOTE only.
    if selection.recursive_match && !selection.subscribed && !selection.special_use {
        return Err(fail(
            input,
            WireError::syntax("another option beside RECURSIVEMATCH"),
        ));
    }
    Ok((rest, selection))
}

/// `list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"` (RFC 5258 §6)
fn list_return_opts<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, ListReturn> {
    let (rest, ()) = sp(context, input)?;
    let (rest, ()) = keyword("RETURN")(rest)?;
    let (rest, ()) = sp(context, rest)?;
    let mut returns = ListReturn::default();
    let (rest, _) = parenthesised(context, rest, |input| return_option(context, &mut returns, input))?;
    Ok((rest, returns))
}

/// `return-option = "SUBSCRIBED" / "CHILDREN" / option-extension`,
/// `return-option =/ status-option`, `status-option = "STATUS" SP "(" status-att *(SP status-att) ")"`
/// (RFC 5258 §6, RFC 5819 §4)
fn return_option<'a>(context: &Context, returns: &mut ListReturn, input: &'a [u8]) -> Parsed<'a, ()> {
    let (rest, word) = atom(input)?;
    match word.to_ascii_uppercase().as_slice() {
        b"SUBSCRIBED" => returns.subscribed = true,
        b"CHILDREN" => returns.children = true,
        b"SPECIAL-USE" => returns.special_use = true,
        b"STATUS" => {
            let (rest, ()) = sp(context, rest)?;
            let (rest, items) = status_items(context, rest)?;
            returns.status = Some(items);
            return Ok((rest, ()));
        }
        _ => return Err(expected(input, "a known return option")),
    }
    Ok((rest, ()))
}
