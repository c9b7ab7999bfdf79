//! Flags and keywords.

use crate::command::Leniency;
use crate::parse::context::{Context, Parsed, expected};
use crate::parse::strings::{atom, list, sp};
use crate::types::{Flag, Keyword};

/// `flag-list = "(" [flag *(SP flag)] ")"` (RFC 3501 §9)
pub(crate) fn flag_list<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Vec<Flag>> {
    let (rest, flags) = list(context, input, |input| flag(context, input))?;
    Ok((rest, flags.into_iter().flatten().collect()))
}

/// `flag-list / (flag *(SP flag))`, STORE's form (RFC 3501 §9)
pub(crate) fn store_flags<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Vec<Flag>> {
    if input.starts_with(b"(") {
        return flag_list(context, input);
    }
    let (mut rest, first) = flag(context, input)?;
    let mut flags = vec![first];
    while let Ok((after, ())) = sp(context, rest) {
        if after.starts_with(b"\r\n") {
            break;
        }
        let (after, next) = flag(context, after)?;
        flags.push(next);
        rest = after;
    }
    Ok((rest, flags.into_iter().flatten().collect()))
}

/// `flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension`
/// (RFC 3501 §9). `\Recent` is dropped; other names with a backslash are flags of the future, which
/// the server does not allow.
fn flag<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Option<Flag>> {
    let Some(after) = input.strip_prefix(b"\\") else {
        let (rest, keyword) = flag_keyword(input)?;
        return Ok((rest, Some(Flag::Keyword(keyword))));
    };
    let (rest, word) = atom(after)?;
    let name = input.get(..word.len() + 1).unwrap_or_default();
    match Flag::system(name) {
        Some(flag) => Ok((rest, Some(flag))),
        None if word.eq_ignore_ascii_case(b"Recent") => {
            context.tolerate(Leniency::RecentFlag, input)?;
            Ok((rest, None))
        }
        None => Err(expected(input, "a system flag")),
    }
}

/// `flag-keyword = atom` (RFC 3501 §9)
pub(crate) fn flag_keyword(input: &[u8]) -> Parsed<'_, Keyword> {
    let (rest, word) = atom(input).map_err(|_| expected(input, "a flag"))?;
    match Keyword::new(word) {
        Some(keyword) => Ok((rest, keyword)),
        None => Err(expected(input, "a shorter keyword")),
    }
}
