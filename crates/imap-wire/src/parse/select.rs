//! SELECT and EXAMINE with their parameters.

use crate::command::{Addressing, CommandBody, QResync, Select};
use crate::error::WireError;
use crate::parse::context::{Context, Parsed, expect, expected, fail};
use crate::parse::mailbox::mailbox;
use crate::parse::sequence::known_set;
use crate::parse::strings::{exact, keyword, list1, number64, nz_number, sp};
use crate::types::{ModSeq, SequenceSet, UidValidity};
use nom::Parser;
use nom::branch::alt;

/// `select = "SELECT" SP mailbox [select-params]` (RFC 3501 §9, RFC 4466 §3)
pub(crate) fn select<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    arguments(context, input).map(|(rest, select)| (rest, CommandBody::Select(select)))
}

/// `examine = "EXAMINE" SP mailbox [select-params]` (RFC 3501 §9, RFC 4466 §3)
pub(crate) fn examine<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    arguments(context, input).map(|(rest, select)| (rest, CommandBody::Examine(select)))
}

enum Parameter {
    CondStore,
    QResync(QResync),
}

/// `select-params = SP "(" select-param *(SP select-param) ")"` (RFC 4466 §3)
fn arguments<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Select> {
    let (rest, ()) = sp(context, input)?;
    let (mut rest, mailbox) = mailbox(context, rest)?;
    let mut select = Select {
        mailbox,
        condstore: false,
        qresync: None,
    };
    if rest.starts_with(b" (") {
        let (after, ()) = sp(context, rest)?;
        let (after, parameters) = list1(context, after, |input| parameter(context, input))?;
        for parameter in parameters {
            match parameter {
                Parameter::CondStore => select.condstore = true,
                Parameter::QResync(qresync) => select.qresync = Some(qresync),
            }
        }
        rest = after;
    }
    Ok((rest, select))
}

/// `select-param =/ condstore-param`, `condstore-param = "CONDSTORE"` (RFC 7162 §7)
fn parameter<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Parameter> {
    alt((keyword("CONDSTORE").map(|()| Parameter::CondStore), |input| {
        qresync(context, input).map(|(rest, qresync)| (rest, Parameter::QResync(qresync)))
    }))
    .parse(input)
}

/// `select-param =/ "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids]
/// [SP seq-match-data] ")"` (RFC 7162 §7)
fn qresync<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, QResync> {
    let (rest, ()) = expect("CONDSTORE or QRESYNC", input, keyword("QRESYNC"))?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, ()) = exact("(", rest)?;
    let (rest, uid_validity) = nz_number(rest)?;
    let (rest, ()) = sp(context, rest)?;
    let (mut rest, mod_seq) = mod_sequence_value(rest)?;
    let mut qresync = QResync {
        uid_validity: UidValidity(uid_validity),
        mod_seq,
        known_uids: None,
        sequence_match: None,
    };
    if matches!(rest, [b' ', byte, ..] if byte.is_ascii_digit() || *byte == b'*') {
        let (after, ()) = sp(context, rest)?;
        let (after, known) = known_set(after)?;
        qresync.known_uids = Some(known);
        rest = after;
    }
    if rest.starts_with(b" (") {
        let (after, ()) = sp(context, rest)?;
        let (after, pairs) = sequence_match(context, after)?;
        qresync.sequence_match = Some(pairs);
        rest = after;
    }
    let (rest, ()) = exact(")", rest)?;
    Ok((rest, qresync))
}

/// `seq-match-data = "(" known-sequence-set SP known-uid-set ")"` (RFC 7162 §7)
fn sequence_match<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, (SequenceSet, SequenceSet)> {
    let (rest, ()) = exact("(", input)?;
    let (rest, numbers) = known_set(rest)?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, uids) = known_set(rest)?;
    let (rest, ()) = exact(")", rest)?;
    Ok((rest, (numbers, uids)))
}

/// `mod-sequence-value = 1*DIGIT ; Positive unsigned 63-bit integer` (RFC 7162 §7)
pub(crate) fn mod_sequence_value(input: &[u8]) -> Parsed<'_, ModSeq> {
    let (rest, value) = mod_sequence_valzer(input)?;
    if value.get() == 0 {
        Err(expected(input, "a mod-sequence above zero"))
    } else {
        Ok((rest, value))
    }
}

/// `mod-sequence-valzer = "0" / mod-sequence-value` (RFC 7162 §7)
pub(crate) fn mod_sequence_valzer(input: &[u8]) -> Parsed<'_, ModSeq> {
    let (rest, value) = expect("a mod-sequence", input, number64)?;
    match ModSeq::new(value) {
        Some(value) => Ok((rest, value)),
        None => Err(fail(input, WireError::syntax("a mod-sequence of 63 bits"))),
    }
}
