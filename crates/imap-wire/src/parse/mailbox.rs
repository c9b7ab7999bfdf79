//! Mailbox names, and the commands that take little else.

use crate::command::{Addressing, CommandBody, Leniency};
use crate::error::WireError;
use crate::list_match::DELIMITER;
use crate::mutf7;
use crate::parse::context::{Context, Failure, Parsed, expect, expected, fail};
use crate::parse::strings::{astring, atom, keyword, list, list1, sp};
use crate::types::{MailboxName, MailboxNameError, NameEncoding, SpecialUse};

/// `mailbox = "INBOX" / astring` (RFC 3501 §9)
pub(crate) fn mailbox<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, MailboxName> {
    let (rest, text, name) = mailbox_text(context, input)?;
    if text.ends_with(DELIMITER) {
        context.tolerate(Leniency::TrailingDelimiter, input)?;
    }
    Ok((rest, name))
}

type NameAndText<'a> = Result<(&'a [u8], String, MailboxName), nom::Err<Failure<'a>>>;

fn mailbox_text<'a>(context: &Context, input: &'a [u8]) -> NameAndText<'a> {
    let (rest, bytes) = expect("a mailbox name", input, |input| astring(context, input))?;
    let text = decode(context, input, &bytes)?;
    let name = MailboxName::new(&text).map_err(|error| fail(input, error.into()))?;
    Ok((rest, text, name))
}

/// Decodes a mailbox name or pattern from the session's encoding.
///
/// Before UTF8=ACCEPT, 8-bit text that is UTF-8 is taken for what it is: RFC 3501 §5.1.3 has no other
/// meaning for it, and clients send it.
pub(crate) fn decode<'a>(
    context: &Context,
    input: &'a [u8],
    bytes: &[u8],
) -> Result<String, nom::Err<Failure<'a>>> {
    let utf8 = || {
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| fail(input, MailboxNameError::NotUtf8.into()))
    };
    match context.options().names {
        NameEncoding::Utf8 => utf8(),
        NameEncoding::ModifiedUtf7 if bytes.is_ascii() => {
            mutf7::decode(bytes).map_err(|error| fail(input, WireError::ModifiedUtf7(error)))
        }
        NameEncoding::ModifiedUtf7 => {
            let text = utf8()?;
            context.tolerate(Leniency::Utf8MailboxName, input)?;
            Ok(text)
        }
    }
}

/// ` SP mailbox`, the arguments of several commands.
fn one<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, MailboxName> {
    let (rest, ()) = sp(context, input)?;
    mailbox(context, rest)
}

/// `create = "CREATE" SP mailbox [SP "(" create-param ")"]`,
/// `create-param =/ "USE" SP "(" [use-attr *(SP use-attr)] ")"` (RFC 3501 §9, RFC 6154 §6)
pub(crate) fn create<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    let (rest, ()) = sp(context, input)?;
    let (rest, _, mailbox) = mailbox_text(context, rest)?;
    let (rest, special_uses) = match rest.strip_prefix(b" (") {
        Some(_) => {
            let (rest, ()) = sp(context, rest)?;
            let (rest, uses) = list1(context, rest, |input| use_parameter(context, input))?;
            (rest, uses.into_iter().flatten().collect())
        }
        None => (rest, Vec::new()),
    };
    Ok((
        rest,
        CommandBody::Create {
            mailbox,
            special_uses,
        },
    ))
}

/// `"USE" SP "(" [use-attr *(SP use-attr)] ")"` (RFC 6154 §6)
fn use_parameter<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Vec<SpecialUse>> {
    let (rest, ()) = expect("USE", input, keyword("USE"))?;
    let (rest, ()) = sp(context, rest)?;
    list(context, rest, use_attribute)
}

/// `use-attr = "\All" / "\Archive" / ... / use-attr-ext` (RFC 6154 §6)
fn use_attribute(input: &[u8]) -> Parsed<'_, SpecialUse> {
    let after = input
        .strip_prefix(b"\\")
        .ok_or_else(|| expected(input, "a special use"))?;
    let (rest, word) = atom(after)?;
    match SpecialUse::named(input.get(..word.len() + 1).unwrap_or_default()) {
        Some(special_use) => Ok((rest, special_use)),
        None => Err(expected(input, "a known special use")),
    }
}

/// `delete = "DELETE" SP mailbox` (RFC 3501 §9)
pub(crate) fn delete<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    one(context, input).map(|(rest, mailbox)| (rest, CommandBody::Delete(mailbox)))
}

/// `rename = "RENAME" SP mailbox SP mailbox` (RFC 3501 §9)
pub(crate) fn rename<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    let (rest, from) = one(context, input)?;
    let (rest, to) = one(context, rest)?;
    Ok((rest, CommandBody::Rename { from, to }))
}

/// `subscribe = "SUBSCRIBE" SP mailbox` (RFC 3501 §9)
pub(crate) fn subscribe<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    one(context, input).map(|(rest, mailbox)| (rest, CommandBody::Subscribe(mailbox)))
}

/// `unsubscribe = "UNSUBSCRIBE" SP mailbox` (RFC 3501 §9)
pub(crate) fn unsubscribe<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    one(context, input).map(|(rest, mailbox)| (rest, CommandBody::Unsubscribe(mailbox)))
}
