//! Search keys.

use crate::error::WireError;
use crate::parse::context::{Context, LIST_DEPTH_MAX, Parsed, expect, expected, fail};
use crate::parse::date::date;
use crate::parse::flag::flag_keyword;
use crate::parse::select::mod_sequence_valzer;
use crate::parse::sequence::{message_set, sequence_set};
use crate::parse::strings::{astring, atom, exact, number64, nz_number, sp, stray_spaces};
use crate::types::{
    Date, EntryKind, Flag, MessageSet, ModSeqEntry, SEARCH_DEPTH_MAX, SearchHeader, SearchKey, SearchText,
};
use std::num::NonZeroU32;

/// How deep the parser is, so that neither it nor anyone who walks the tree runs out of stack.
#[derive(Clone, Copy, Default)]
struct Depth {
    keys: usize,
    parentheses: usize,
}

impl Depth {
    fn below<'a>(
        self,
        parenthesis: bool,
        input: &'a [u8],
    ) -> Result<Self, nom::Err<super::context::Failure<'a>>> {
        let next = Self {
            keys: self.keys + 1,
            parentheses: self.parentheses + usize::from(parenthesis),
        };
        if next.keys > SEARCH_DEPTH_MAX || next.parentheses > LIST_DEPTH_MAX {
            return Err(fail(input, WireError::TooDeep));
        }
        Ok(next)
    }
}

/// `search-key *(SP search-key)` (RFC 3501 §9), of which all must hold.
pub(crate) fn search_keys<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, SearchKey> {
    keys(context, input, Depth::default())
}

fn keys<'a>(context: &Context, input: &'a [u8], depth: Depth) -> Parsed<'a, SearchKey> {
    let (mut rest, first) = key(context, input, depth)?;
    let mut all = vec![first];
    while let Ok((after, ())) = sp(context, rest) {
        if matches!(after.first(), Some(b'\r' | b')')) {
            break;
        }
        let (after, next) = key(context, after, depth)?;
        all.push(next);
        rest = after;
    }
    match all.len() {
        1 => Ok((rest, all.pop().unwrap_or(SearchKey::All))),
        _ => Ok((rest, SearchKey::And(all))),
    }
}

/// `search-key = "ALL" / "ANSWERED" / ... / sequence-set / "(" search-key *(SP search-key) ")"`
/// (RFC 3501 §9)
fn key<'a>(context: &Context, input: &'a [u8], depth: Depth) -> Parsed<'a, SearchKey> {
    match input.first() {
        Some(b'(') => parenthesised(context, input, depth),
        Some(b'0'..=b'9' | b'*' | b'$') => {
            message_set(context, input).map(|(rest, set)| (rest, SearchKey::Sequence(set)))
        }
        _ => {
            let (rest, word) = expect("a search key", input, atom)?;
            named(context, &word.to_ascii_uppercase(), rest, depth)
        }
    }
}

fn parenthesised<'a>(context: &Context, input: &'a [u8], depth: Depth) -> Parsed<'a, SearchKey> {
    let depth = depth.below(true, input)?;
    let (rest, ()) = exact("(", input)?;
    let (rest, ()) = stray_spaces(context, rest)?;
    let (rest, key) = keys(context, rest, depth)?;
    let (rest, ()) = stray_spaces(context, rest)?;
    let (rest, ()) = exact(")", rest)?;
    Ok((rest, key))
}

/// A key by its name, from behind the name.
fn named<'a>(context: &Context, name: &[u8], rest: &'a [u8], depth: Depth) -> Parsed<'a, SearchKey> {
    if let Some(key) = bare(name) {
        return Ok((rest, key));
    }
    match name {
        b"NOT" => {
            let depth = depth.below(false, rest)?;
            let (rest, ()) = sp(context, rest)?;
            key(context, rest, depth).map(|(rest, key)| (rest, SearchKey::Not(Box::new(key))))
        }
        b"OR" => {
            let depth = depth.below(false, rest)?;
            let (rest, ()) = sp(context, rest)?;
            let (rest, left) = key(context, rest, depth)?;
            let (rest, ()) = sp(context, rest)?;
            let (rest, right) = key(context, rest, depth)?;
            Ok((rest, SearchKey::Or(Box::new(left), Box::new(right))))
        }
        _ => {
            let Some(argument) = argument_of(name) else {
                return Err(expected(rest, "a known search key"));
            };
            let (rest, ()) = sp(context, rest)?;
            argument.parse(context, rest)
        }
    }
}

/// Keys without an argument.
fn bare(name: &[u8]) -> Option<SearchKey> {
    Some(match name {
        b"ALL" => SearchKey::All,
        b"ANSWERED" => SearchKey::Flag(Flag::Answered),
        b"DELETED" => SearchKey::Flag(Flag::Deleted),
        b"DRAFT" => SearchKey::Flag(Flag::Draft),
        b"FLAGGED" => SearchKey::Flag(Flag::Flagged),
        b"SEEN" => SearchKey::Flag(Flag::Seen),
        b"UNANSWERED" => SearchKey::NoFlag(Flag::Answered),
        b"UNDELETED" => SearchKey::NoFlag(Flag::Deleted),
        b"UNDRAFT" => SearchKey::NoFlag(Flag::Draft),
        b"UNFLAGGED" => SearchKey::NoFlag(Flag::Flagged),
        b"UNSEEN" => SearchKey::NoFlag(Flag::Seen),
        b"RECENT" => SearchKey::Recent,
        b"NEW" => SearchKey::New,
        b"OLD" => SearchKey::Old,
        _ => return None,
    })
}

/// The kinds of argument, each with the key that it makes.
enum Argument {
    Text(fn(SearchText) -> SearchKey),
    Day(fn(Date) -> SearchKey),
    Size(fn(u64) -> SearchKey),
    Interval(fn(NonZeroU32) -> SearchKey),
    Keyword(fn(Flag) -> SearchKey),
    ObjectId(fn(String) -> SearchKey),
    Header,
    Uid,
    ModSeq,
}

fn argument_of(name: &[u8]) -> Option<Argument> {
    Some(match name {
        b"BCC" => Argument::Text(SearchKey::Bcc),
        b"BODY" => Argument::Text(SearchKey::Body),
        b"CC" => Argument::Text(SearchKey::Cc),
        b"FROM" => Argument::Text(SearchKey::From),
        b"SUBJECT" => Argument::Text(SearchKey::Subject),
        b"TEXT" => Argument::Text(SearchKey::Text),
        b"TO" => Argument::Text(SearchKey::To),
        b"BEFORE" => Argument::Day(SearchKey::Before),
        b"ON" => Argument::Day(SearchKey::On),
        b"SINCE" => Argument::Day(SearchKey::Since),
        b"SENTBEFORE" => Argument::Day(SearchKey::SentBefore),
        b"SENTON" => Argument::Day(SearchKey::SentOn),
        b"SENTSINCE" => Argument::Day(SearchKey::SentSince),
        b"LARGER" => Argument::Size(SearchKey::Larger),
        b"SMALLER" => Argument::Size(SearchKey::Smaller),
        b"OLDER" => Argument::Interval(SearchKey::Older),
        b"YOUNGER" => Argument::Interval(SearchKey::Younger),
        b"KEYWORD" => Argument::Keyword(SearchKey::Flag),
        b"UNKEYWORD" => Argument::Keyword(SearchKey::NoFlag),
        b"EMAILID" => Argument::ObjectId(SearchKey::EmailId),
        b"THREADID" => Argument::ObjectId(SearchKey::ThreadId),
        b"HEADER" => Argument::Header,
        b"UID" => Argument::Uid,
        b"MODSEQ" => Argument::ModSeq,
        _ => return None,
    })
}

impl Argument {
    fn parse<'a>(self, context: &Context, input: &'a [u8]) -> Parsed<'a, SearchKey> {
        match self {
            Self::Text(make) => text(context, input).map(|(rest, text)| (rest, make(text))),
            Self::Day(make) => expect("a date", input, date).map(|(rest, date)| (rest, make(date))),
            Self::Size(make) => expect("a size", input, number64).map(|(rest, size)| (rest, make(size))),
            Self::Interval(make) => expect("seconds", input, nz_number).map(|(rest, age)| (rest, make(age))),
            Self::Keyword(make) => {
                let (rest, keyword) = flag_keyword(input)?;
                Ok((rest, make(Flag::Keyword(keyword))))
            }
            Self::ObjectId(make) => object_id(input).map(|(rest, id)| (rest, make(id))),
            Self::Header => header(context, input),
            Self::Uid => message_uids(input),
            Self::ModSeq => mod_seq(context, input),
        }
    }
}

/// `astring` (RFC 3501 §9). 8-bit text is read in the command's charset.
fn text<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, SearchText> {
    let (rest, text) = expect("a search text", input, |input| astring(context, input))?;
    Ok((rest, SearchText(text.into_owned())))
}

/// `"HEADER" SP header-fld-name SP astring` (RFC 3501 §9)
fn header<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, SearchKey> {
    let (rest, name) = expect("a header field name", input, |input| astring(context, input))?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, text) = text(context, rest)?;
    Ok((
        rest,
        SearchKey::Header(SearchHeader {
            name: name.into_owned(),
            text,
        }),
    ))
}

/// `"UID" SP sequence-set` (RFC 3501 §9)
fn message_uids(input: &[u8]) -> Parsed<'_, SearchKey> {
    if let Some(rest) = input.strip_prefix(b"$") {
        return Ok((rest, SearchKey::Uid(MessageSet::Saved)));
    }
    sequence_set(input).map(|(rest, set)| (rest, SearchKey::Uid(MessageSet::Numbers(set))))
}

/// `objectid = 1*255(ALPHA / DIGIT / "_" / "-")` (RFC 8474 §7)
fn object_id(input: &[u8]) -> Parsed<'_, String> {
    let (rest, word) = expect("an object id", input, atom)?;
    let valid = word.len() <= 255
        && word
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if valid {
        Ok((rest, word.iter().copied().map(char::from).collect()))
    } else {
        Err(expected(input, "an object id"))
    }
}

/// `search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer`,
/// `search-modseq-ext = SP entry-name SP entry-type-req` (RFC 7162 §7)
fn mod_seq<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, SearchKey> {
    let (rest, entry) = match input.first() {
        Some(b'"') => {
            let (rest, entry) = mod_seq_entry(context, input)?;
            let (rest, ()) = sp(context, rest)?;
            (rest, Some(entry))
        }
        _ => (input, None),
    };
    let (rest, value) = mod_sequence_valzer(rest)?;
    Ok((rest, SearchKey::ModSeq(entry, value)))
}

/// `entry-name = DQUOTE "/flags/" attr-flag DQUOTE` (RFC 7162 §7), `attr-flag` with its backslash
/// doubled as in any quoted string.
fn mod_seq_entry<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, ModSeqEntry> {
    let (rest, name) = astring(context, input)?;
    let flag = name.strip_prefix(b"/flags/").and_then(|name| match name.first() {
        Some(b'\\') => Flag::system(name),
        _ => crate::types::Keyword::new(name).map(Flag::Keyword),
    });
    let flag = flag.ok_or_else(|| expected(input, "a flag entry"))?;
    let (start, ()) = sp(context, rest)?;
    let (rest, word) = expect("an entry type", start, atom)?;
    let kind = match word.to_ascii_lowercase().as_slice() {
        b"priv" => EntryKind::Private,
        b"shared" => EntryKind::Shared,
        b"all" => EntryKind::All,
        _ => return Err(expected(start, "priv, shared or all")),
    };
    Ok((rest, ModSeqEntry { flag, kind }))
}
