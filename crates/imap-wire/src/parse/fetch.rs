//! FETCH.

use crate::command::{Addressing, CommandBody, Fetch, Leniency};
use crate::error::WireError;
use crate::parse::context::{Context, Parsed, expect, expected, fail};
use crate::parse::select::mod_sequence_valzer;
use crate::parse::sequence::message_set;
use crate::parse::strings::{astring, atom, exact, keyword, list1, number64, nz_number, sp};
use crate::types::{FetchItem, FetchMacro, ModSeq, Partial, Section, SectionText};
use nom::bytes::complete::take_while1;
use std::num::NonZeroU32;

/// The most items of one FETCH.
const ITEMS_MAX: usize = 256;

/// The deepest part number of a section; no message that is parsed has deeper parts.
const PART_DEPTH_MAX: usize = 100;

/// `fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att /
/// "(" fetch-att *(SP fetch-att) ")") [fetch-modifiers]` (RFC 3501 §9, RFC 4466 §3)
pub(crate) fn fetch<'a>(
    context: &Context,
    addressing: Addressing,
    input: &'a [u8],
) -> Parsed<'a, CommandBody> {
    let (rest, ()) = sp(context, input)?;
    let (rest, set) = message_set(context, rest)?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, items) = items(context, rest)?;
    let mut fetch = Fetch {
        addressing,
        set,
        items,
        changed_since: None,
        vanished: false,
    };
    if !rest.starts_with(b" (") {
        return Ok((rest, CommandBody::Fetch(fetch)));
    }
    let (start, ()) = sp(context, rest)?;
    let (rest, modifiers) = list1(context, start, |input| fetch_modifier(context, input))?;
    for modifier in modifiers {
        match modifier {
            Modifier::ChangedSince(value) => fetch.changed_since = Some(value),
            Modifier::Vanished => fetch.vanished = true,
        }
    }
    // RFC 7162 §3.2.6: VANISHED is for UID FETCH with CHANGEDSINCE alone; else the answer is BAD.
    if fetch.vanished && (fetch.changed_since.is_none() || addressing == Addressing::Sequence) {
        return Err(fail(
            start,
            WireError::syntax("VANISHED only with UID FETCH and CHANGEDSINCE"),
        ));
    }
    Ok((rest, CommandBody::Fetch(fetch)))
}

enum Modifier {
    ChangedSince(ModSeq),
    Vanished,
}

/// `fetch-modifier =/ chgsince-fetch-mod`, `chgsince-fetch-mod = "CHANGEDSINCE" SP mod-sequence-value`,
/// `fetch-modifier =/ "VANISHED"` (RFC 7162 §7)
fn fetch_modifier<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Modifier> {
    if let Ok((rest, ())) = keyword("VANISHED")(input) {
        return Ok((rest, Modifier::Vanished));
    }
    let (rest, ()) = expect("CHANGEDSINCE or VANISHED", input, keyword("CHANGEDSINCE"))?;
    let (rest, ()) = sp(context, rest)?;
    let (after, value) = mod_sequence_valzer(rest)?;
    if value.get() == 0 {
        context.tolerate(Leniency::ZeroModSeq, rest)?;
    }
    Ok((after, Modifier::ChangedSince(value)))
}

fn items<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Vec<FetchItem>> {
    if input.starts_with(b"(") {
        let (rest, items) = list1(context, input, |input| macro_or_att(context, input, InList::Yes))?;
        if items.len() > ITEMS_MAX {
            return Err(fail(input, WireError::TooManyElements));
        }
        return Ok((rest, without_repeats(items.into_iter().flatten())));
    }
    macro_or_att(context, input, InList::No)
}

/// An item that is asked for twice is answered once, so that a command cannot multiply its answer.
fn without_repeats(items: impl Iterator<Item = FetchItem>) -> Vec<FetchItem> {
    let mut unique = Vec::new();
    for item in items {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    unique
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum InList {
    Yes,
    No,
}

/// A macro stands alone in the grammar; in a list it is tolerated.
fn macro_or_att<'a>(context: &Context, input: &'a [u8], in_list: InList) -> Parsed<'a, Vec<FetchItem>> {
    let macros = [
        ("ALL", FetchMacro::All),
        ("FAST", FetchMacro::Fast),
        ("FULL", FetchMacro::Full),
    ];
    for (name, value) in macros {
        if let Ok((rest, ())) = keyword(name)(input) {
            if in_list == InList::Yes {
                context.tolerate(Leniency::MacroInList, input)?;
            }
            return Ok((rest, value.items()));
        }
    }
    fetch_att(context, input).map(|(rest, item)| (rest, vec![item]))
}

/// `fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822" [".HEADER" / ".SIZE" / ".TEXT"] /
/// "BODY" ["STRUCTURE"] / "UID" / "BODY" section ["<" number "." nz-number ">"] /
/// "BODY.PEEK" section ["<" number "." nz-number ">"]` (RFC 3501 §9)
fn fetch_att<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, FetchItem> {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    let (rest, word) = expect("a fetch item", input, take_while1(name))?;
    let item = match word.to_ascii_uppercase().as_slice() {
        b"BODY" if rest.starts_with(b"[") => return body_section(context, rest, false),
        b"BODY.PEEK" => return body_section(context, rest, true),
        b"UID" => FetchItem::Uid,
        b"FLAGS" => FetchItem::Flags,
        b"INTERNALDATE" => FetchItem::InternalDate,
        b"RFC822.SIZE" => FetchItem::Rfc822Size,
        b"ENVELOPE" => FetchItem::Envelope,
        b"BODY" => FetchItem::BodyWithoutExtensions,
        b"BODYSTRUCTURE" => FetchItem::BodyStructure,
        b"RFC822" => FetchItem::Rfc822,
        b"RFC822.HEADER" => FetchItem::Rfc822Header,
        b"RFC822.TEXT" => FetchItem::Rfc822Text,
        b"MODSEQ" => FetchItem::ModSeq,
        b"EMAILID" => FetchItem::EmailId,
        b"THREADID" => FetchItem::ThreadId,
        _ => return Err(expected(input, "a known fetch item")),
    };
    Ok((rest, item))
}

fn body_section<'a>(context: &Context, input: &'a [u8], peek: bool) -> Parsed<'a, FetchItem> {
    let (rest, section) = section(context, input)?;
    let (rest, partial) = match rest.first() {
        Some(b'<') => partial(rest).map(|(rest, partial)| (rest, Some(partial)))?,
        _ => (rest, None),
    };
    Ok((
        rest,
        FetchItem::Body {
            peek,
            section,
            partial,
        },
    ))
}

/// `"<" number "." nz-number ">"` (RFC 3501 §9); 64 bits as in RFC 9051 §9.
fn partial(input: &[u8]) -> Parsed<'_, Partial> {
    let (rest, ()) = exact("<", input)?;
    let (rest, origin) = number64(rest)?;
    let (rest, ()) = exact(".", rest)?;
    let (after, length) = number64(rest)?;
    if length == 0 {
        return Err(expected(rest, "a length above zero"));
    }
    let (after, ()) = exact(">", after)?;
    Ok((after, Partial { origin, length }))
}

/// `section = "[" [section-spec] "]"`,
/// `section-spec = section-msgtext / (section-part ["." section-text])` (RFC 3501 §9)
fn section<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Section> {
    let (rest, ()) = exact("[", input)?;
    let (rest, part) = section_part(rest)?;
    let (rest, text) = match rest.first() {
        Some(b']') => (rest, None),
        _ => section_text(context, rest).map(|(rest, text)| (rest, Some(text)))?,
    };
    if part.is_empty() && text == Some(SectionText::Mime) {
        return Err(expected(input, "a part number before MIME"));
    }
    let (rest, ()) = exact("]", rest)?;
    Ok((rest, Section { part, text }))
}

/// `section-part = nz-number *("." nz-number)` (RFC 3501 §9), with the dot before a section-text.
fn section_part(input: &[u8]) -> Parsed<'_, Vec<NonZeroU32>> {
    let mut part = Vec::new();
    let mut rest = input;
    while rest.first().is_some_and(u8::is_ascii_digit) {
        let (after, number) = nz_number(rest)?;
        if part.len() == PART_DEPTH_MAX {
            return Err(fail(input, WireError::TooDeep));
        }
        part.push(number);
        match after.strip_prefix(b".") {
            Some([]) | None => return Ok((after, part)),
            Some(after) if after.starts_with(b"]") => return Err(expected(after, "a section")),
            Some(after) => rest = after,
        }
    }
    Ok((rest, part))
}

/// `section-text = section-msgtext / "MIME"`,
/// `section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"` (RFC 3501 §9)
fn section_text<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, SectionText> {
    let (rest, word) = expect("a section", input, atom)?;
    match word.to_ascii_uppercase().as_slice() {
        b"HEADER" => Ok((rest, SectionText::Header)),
        b"TEXT" => Ok((rest, SectionText::Text)),
        b"MIME" => Ok((rest, SectionText::Mime)),
        b"HEADER.FIELDS" => {
            header_list(context, rest).map(|(rest, names)| (rest, SectionText::HeaderFields(names)))
        }
        b"HEADER.FIELDS.NOT" => {
            header_list(context, rest).map(|(rest, names)| (rest, SectionText::HeaderFieldsNot(names)))
        }
        _ => Err(expected(input, "a known section")),
    }
}

/// `header-list = "(" header-fld-name *(SP header-fld-name) ")"`, `header-fld-name = astring`
/// (RFC 3501 §9), with the space before it.
fn header_list<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Vec<Vec<u8>>> {
    let (rest, ()) = sp(context, input)?;
    list1(context, rest, |input| {
        let (rest, name) = expect("a header field name", input, |input| astring(context, input))?;
        Ok((rest, name.into_owned()))
    })
}
