//! SEARCH up to its keys.

use crate::command::{Addressing, CommandBody, Search};
use crate::error::WireError;
use crate::parse::context::{Context, Parsed, expect, expected, fail};
use crate::parse::search_key::search_keys;
use crate::parse::strings::{astring, atom, keyword, list, sp};
use crate::types::{Charset, NameEncoding, SearchReturn};

/// `search = "SEARCH" [search-return-opts] SP search-program`,
/// `search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)` (RFC 4466 §3, RFC 3501 §9)
pub(crate) fn search<'a>(
    context: &Context,
    addressing: Addressing,
    input: &'a [u8],
) -> Parsed<'a, CommandBody> {
    let (mut rest, ()) = sp(context, input)?;
    let mut returns = None;
    if let Ok((after, ())) = keyword("RETURN")(rest) {
        let (after, ()) = sp(context, after)?;
        let (after, options) = search_return_opts(context, after)?;
        returns = Some(options);
        (rest, ()) = sp(context, after)?;
    }
    let mut charset = Charset::Utf8;
    if let Ok((after, ())) = keyword("CHARSET")(rest) {
        if context.options().names == NameEncoding::Utf8 {
            return Err(fail(rest, WireError::CharsetForbidden));
        }
        let (after, ()) = sp(context, after)?;
        let (after, label) = expect("a charset", after, |input| astring(context, input))?;
        charset = charset_named(&label);
        (rest, ()) = sp(context, after)?;
    }
    let (rest, key) = search_keys(context, rest)?;
    Ok((
        rest,
        CommandBody::Search(Search {
            addressing,
            returns,
            charset,
            key,
        }),
    ))
}

/// `search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"`
/// (RFC 4466 §3), the options of RFC 4731 §4 and RFC 5182 §4
fn search_return_opts<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, SearchReturn> {
    let mut returns = SearchReturn::default();
    let (rest, _) = list(context, input, |input| {
        let (rest, word) = atom(input)?;
        match word.to_ascii_uppercase().as_slice() {
            b"MIN" => returns.min = true,
            b"MAX" => returns.max = true,
            b"ALL" => returns.all = true,
            b"COUNT" => returns.count = true,
            b"SAVE" => returns.save = true,
            _ => return Err(expected(input, "a known result option")),
        }
        Ok((rest, ()))
    })?;
    // RFC 4731 §3.1: an empty list is (ALL). RFC 5182 §2.1: SAVE alone returns nothing.
    if returns == SearchReturn::default() {
        returns.all = true;
    }
    Ok((rest, returns))
}

/// `charset = atom / quoted` (RFC 3501 §9); which labels are known is for the reader of the texts.
fn charset_named(label: &[u8]) -> Charset {
    let label: String = label
        .iter()
        .map(|byte| {
            if byte.is_ascii_graphic() {
                char::from(byte.to_ascii_uppercase())
            } else {
                '?'
            }
        })
        .collect();
    match label.as_str() {
        "US-ASCII" | "ASCII" => Charset::UsAscii,
        "UTF-8" | "UTF8" => Charset::Utf8,
        _ => Charset::Other(label),
    }
}
