//! Encoding and parsing are inverses, framing keeps commands whole, and no bytes make anything panic.

use super::generate::{a_command, an_append};
use super::*;
use crate::command::{COMMANDS, CommandKind};
use crate::frame::{Event, Framer, Limits};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::HashSet;

fn options(names: NameEncoding) -> ParseOptions {
    ParseOptions { names, strict: false }
}

/// A command that is added to the table has to be added to the generator, or it is not round-tripped.
#[test]
fn every_command_is_generated() {
    let mut runner = TestRunner::deterministic();
    let commands = a_command();
    let mut seen = HashSet::from([CommandKind::Append]); // by `an_append`
    for _ in 0..2000 {
        seen.insert(
            commands
                .new_tree(&mut runner)
                .expect("a command")
                .current()
                .body
                .kind(),
        );
    }
    let missing: Vec<_> = COMMANDS
        .iter()
        .filter(|spec| !seen.contains(&spec.kind))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn parsing_an_encoded_command_gives_it_back(expected in a_command(), utf8 in any::<bool>()) {
        let names = if utf8 { NameEncoding::Utf8 } else { NameEncoding::ModifiedUtf7 };
        let forbidden = matches!(&expected.body, CommandBody::Search(search)
            if utf8 && search.charset != Charset::Utf8);
        prop_assume!(!forbidden, "RFC 9755 §3 forbids CHARSET");
        let mut bytes = Vec::new();
        expected.encode(&mut bytes, names);
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        prop_assert_eq!(command(&bytes, options(names)), Ok(expected), "{}", shown);
        // The framer gives the same bytes, and asks for nothing: no literal waits.
        let mut framer = Framer::new(Limits::after_login(), options(names));
        let mut input = bytes.as_slice();
        let framed = framer.advance(&mut input);
        prop_assert!(matches!(framed, Some(Event::Command(frame)) if *frame == bytes), "{}", shown);
        prop_assert!(input.is_empty());
    }

    #[test]
    fn framing_an_encoded_append_gives_it_back(expected in an_append()) {
        let mut bytes = Vec::new();
        expected.encode(&mut bytes, NameEncoding::ModifiedUtf7);
        let mut framer = Framer::new(Limits::after_login(), options(NameEncoding::ModifiedUtf7));
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        prop_assert_eq!(framer.advance(&mut bytes.as_slice()), Some(Event::Append(expected)), "{}", shown);
    }

    #[test]
    fn what_is_parsed_can_be_encoded(line in "a (UID )?[A-Z]{2,8}( [ -~]{0,30}){0,3}") {
        if let Ok(parsed) = parse(&line) {
            let mut bytes = Vec::new();
            parsed.encode(&mut bytes, NameEncoding::ModifiedUtf7);
            let again = command(&bytes, ParseOptions::default());
            prop_assert_eq!(again.map(|command| command.body), Ok(parsed.body));
        }
    }

    #[test]
    fn damaged_commands_do_not_panic(original in a_command(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = Vec::new();
        original.encode(&mut bytes, NameEncoding::ModifiedUtf7);
        let position = at.index(bytes.len());
        bytes.splice(position..=position, [byte]);
        _ = command(&bytes, ParseOptions::default());
        bytes.truncate(position);
        _ = command(&bytes, ParseOptions::default());
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        _ = command(&bytes, ParseOptions::default());
        let mut framer = Framer::new(Limits::before_login(), ParseOptions::default());
        let mut input = bytes.as_slice();
        while let Some(event) = framer.advance(&mut input) {
            if matches!(event, Event::Append(_)) {
                framer.accept_message();
            }
        }
    }
}
