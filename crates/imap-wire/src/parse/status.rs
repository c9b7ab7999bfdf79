//! STATUS.

use crate::command::{Addressing, CommandBody};
use crate::parse::context::{Context, Parsed, expected};
use crate::parse::mailbox::mailbox;
use crate::parse::strings::{atom, list1, sp};
use crate::types::StatusItem;

/// `status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"` (RFC 3501 §9)
pub(crate) fn status<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    let (rest, ()) = sp(context, input)?;
    let (rest, mailbox) = mailbox(context, rest)?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, items) = status_items(context, rest)?;
    Ok((rest, CommandBody::Status { mailbox, items }))
}

/// `"(" status-att *(SP status-att) ")"` (RFC 3501 §9), each item once.
pub(crate) fn status_items<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Vec<StatusItem>> {
    let (rest, mut items) = list1(context, input, status_att)?;
    let mut seen = Vec::with_capacity(StatusItem::ALL.len());
    items.retain(|item| {
        let new = !seen.contains(item);
        seen.extend(new.then_some(*item));
        new
    });
    Ok((rest, items))
}

/// `status-att = "MESSAGES" / "RECENT" / "UIDNEXT" / "UIDVALIDITY" / "UNSEEN"` (RFC 3501 §9) and more.
fn status_att(input: &[u8]) -> Parsed<'_, StatusItem> {
    let (rest, word) = atom(input).map_err(|_| expected(input, "a status item"))?;
    match StatusItem::named(word) {
        Some(item) => Ok((rest, item)),
        None => Err(expected(input, "a known status item")),
    }
}
