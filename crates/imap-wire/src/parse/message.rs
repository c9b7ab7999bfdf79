//! STORE, COPY, MOVE and UID EXPUNGE.

use crate::command::{Addressing, CommandBody, CopyOrMove, Store, StoreAction};
use crate::parse::context::{Context, Parsed, expect, expected};
use crate::parse::flag::store_flags;
use crate::parse::mailbox::mailbox;
use crate::parse::select::mod_sequence_valzer;
use crate::parse::sequence::message_set;
use crate::parse::strings::{exact, keyword, sp};
use crate::types::ModSeq;
use nom::bytes::complete::tag_no_case;

/// `store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags` (RFC 3501 §9, RFC 4466 §3)
pub(crate) fn store<'a>(
    context: &Context,
    addressing: Addressing,
    input: &'a [u8],
) -> Parsed<'a, CommandBody> {
    let (rest, ()) = sp(context, input)?;
    let (rest, set) = message_set(context, rest)?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, unchanged_since) = match rest.first() {
        Some(b'(') => {
            let (rest, modifier) = store_modifier(context, rest)?;
            let (rest, ()) = sp(context, rest)?;
            (rest, Some(modifier))
        }
        _ => (rest, None),
    };
    let (rest, (action, silent)) = store_action(rest)?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, flags) = store_flags(context, rest)?;
    Ok((
        rest,
        CommandBody::Store(Store {
            addressing,
            set,
            unchanged_since,
            action,
            silent,
            flags,
        }),
    ))
}

/// `store-modifier =/ "UNCHANGEDSINCE" SP mod-sequence-valzer` (RFC 7162 §7), in its parentheses.
fn store_modifier<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, ModSeq> {
    let (rest, ()) = exact("(", input)?;
    let (rest, ()) = expect("UNCHANGEDSINCE", rest, keyword("UNCHANGEDSINCE"))?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, value) = mod_sequence_valzer(rest)?;
    let (rest, ()) = exact(")", rest)?;
    Ok((rest, value))
}

/// `store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP ...` (RFC 3501 §9)
fn store_action(input: &[u8]) -> Parsed<'_, (StoreAction, bool)> {
    let (rest, action) = match input.split_first() {
        Some((b'+', rest)) => (rest, StoreAction::Add),
        Some((b'-', rest)) => (rest, StoreAction::Remove),
        _ => (input, StoreAction::Replace),
    };
    let (rest, _) = tag_no_case("FLAGS")(rest).map_err(|_: nom::Err<()>| expected(input, "FLAGS"))?;
    match tag_no_case::<_, _, ()>(".SILENT")(rest) {
        Ok((rest, _)) => Ok((rest, (action, true))),
        Err(_) => Ok((rest, (action, false))),
    }
}

/// `copy = "COPY" SP sequence-set SP mailbox` (RFC 3501 §9)
pub(crate) fn copy<'a>(
    context: &Context,
    addressing: Addressing,
    input: &'a [u8],
) -> Parsed<'a, CommandBody> {
    set_and_mailbox(context, addressing, input).map(|(rest, copy)| (rest, CommandBody::Copy(copy)))
}

/// `move = "MOVE" SP sequence-set SP mailbox` (RFC 6851 §5)
pub(crate) fn move_messages<'a>(
    context: &Context,
    addressing: Addressing,
    input: &'a [u8],
) -> Parsed<'a, CommandBody> {
    set_and_mailbox(context, addressing, input).map(|(rest, moved)| (rest, CommandBody::Move(moved)))
}

fn set_and_mailbox<'a>(context: &Context, addressing: Addressing, input: &'a [u8]) -> Parsed<'a, CopyOrMove> {
    let (rest, ()) = sp(context, input)?;
    let (rest, set) = message_set(context, rest)?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, mailbox) = mailbox(context, rest)?;
    Ok((
        rest,
        CopyOrMove {
            addressing,
            set,
            mailbox,
        },
    ))
}

/// `uid-expunge = "UID" SP "EXPUNGE" SP sequence-set` (RFC 4315 §4)
pub(crate) fn uid_expunge<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    let (rest, ()) = sp(context, input)?;
    message_set(context, rest).map(|(rest, set)| (rest, CommandBody::UidExpunge(set)))
}
