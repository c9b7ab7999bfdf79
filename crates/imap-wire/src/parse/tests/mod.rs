//! Tests of the grammar: known answers, refusals, the RFCs' dialogues and round trips.

mod accepted;
mod accepted_messages;
mod dialogues;
mod generate;
mod refused;
mod round_trip;

use super::{CommandError, ParseOptions, command};
use crate::command::{Command, CommandBody, Leniency};
use crate::error::WireError;
use crate::types::*;
use std::num::NonZeroU32;

/// Parses `line`, without its CRLF, in a session that has enabled nothing.
fn parse(line: &str) -> Result<Command, CommandError> {
    command(format!("{line}\r\n").as_bytes(), ParseOptions::default())
}

fn check(arguments: &str, expected: CommandBody) {
    let parsed = parse(&format!("a1 {arguments}")).map_err(|error| (arguments.to_owned(), error));
    assert_eq!(
        parsed.as_ref().map(|command| &command.body),
        Ok(&expected),
        "{arguments}"
    );
    assert!(
        parsed.is_ok_and(|command| command.leniencies.is_empty()),
        "{arguments}"
    );
}

/// Checks that `arguments` mean the same as `strict`, by one leniency, and not in strict mode.
fn check_lenient(arguments: &str, leniency: Leniency, strict: &str) {
    let parsed = parse(&format!("a1 {arguments}")).expect(arguments);
    assert_eq!(
        parsed.body,
        parse(&format!("a1 {strict}")).expect(strict).body,
        "{arguments}"
    );
    assert_eq!(
        parsed.leniencies.iter().collect::<Vec<_>>(),
        [leniency],
        "{arguments}"
    );
    let options = ParseOptions {
        strict: true,
        ..ParseOptions::default()
    };
    assert!(
        command(format!("a1 {arguments}\r\n").as_bytes(), options).is_err(),
        "{arguments}"
    );
}

fn check_error(arguments: &str, expected: WireError) {
    let error = parse(&format!("a1 {arguments}"))
        .map(|command| command.body)
        .map_err(|error| error.error);
    assert_eq!(error, Err(expected), "{arguments}");
}

fn check_syntax(arguments: &str, expected: &'static str) {
    check_error(arguments, WireError::syntax(expected));
}

fn nz(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not zero")
}

fn mailbox(name: &str) -> MailboxName {
    MailboxName::new(name).expect("mailbox name")
}

fn atom(text: &str) -> Atom {
    Atom::new(text.as_bytes()).expect("atom")
}

fn keyword(text: &str) -> Flag {
    Flag::Keyword(Keyword::new(text.as_bytes()).expect("keyword"))
}

fn mod_seq(value: u64) -> ModSeq {
    ModSeq::new(value).expect("63 bits")
}

/// Zero stands for `*`.
fn numbers(pairs: &[(u32, u32)]) -> SequenceSet {
    let end = |number| NonZeroU32::new(number).map_or(SequenceNumber::Largest, SequenceNumber::Number);
    let mut builder = SequenceSetBuilder::default();
    for (first, last) in pairs {
        builder.push(end(*first), end(*last));
    }
    builder.finish()
}

fn set(pairs: &[(u32, u32)]) -> MessageSet {
    MessageSet::Numbers(numbers(pairs))
}
