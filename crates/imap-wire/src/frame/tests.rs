//! Framing: what is found, what is refused, and that the cut of the stream into reads does not matter.

use super::*;
use crate::parse::ParseOptions;
use proptest::prelude::*;

/// An event as a test writes it. Body chunks of one message are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Command(String),
    Line(String),
    Continue,
    Append(String, u64),
    Body(String),
    BodyEnd(bool),
    Another(u64),
    AppendEnd,
    Rejected(Option<String>, WireError, Recovery),
}

/// How the test's caller decides about messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Messages {
    Accept,
    Refuse,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn seen(event: Event<'_>) -> Seen {
    match event {
        Event::Command(frame) => Seen::Command(text(&frame)),
        Event::Line(frame) => Seen::Line(text(&frame)),
        Event::Continue => Seen::Continue,
        Event::Append(append) => {
            Seen::Append(append.mailbox.as_str().to_owned(), append.message.literal.bytes)
        }
        Event::Body(bytes) => Seen::Body(text(bytes)),
        Event::BodyEnd { nul } => Seen::BodyEnd(nul),
        Event::AppendAnother(message) => Seen::Another(message.literal.bytes),
        Event::AppendEnd => Seen::AppendEnd,
        Event::Rejected(Rejection { tag, error, recovery }) => {
            Seen::Rejected(tag.map(|tag| tag.as_str().to_owned()), error, recovery)
        }
    }
}

/// Feeds `reads` one after the other. After AUTHENTICATE and IDLE one line is expected.
fn run<'i>(limits: Limits, messages: Messages, reads: impl IntoIterator<Item = &'i [u8]>) -> Vec<Seen> {
    let mut framer = Framer::new(limits, ParseOptions::default());
    let mut all: Vec<Seen> = Vec::new();
    for read in reads {
        let mut input = read;
        while let Some(event) = framer.advance(&mut input) {
            let event = seen(event);
            match (&event, messages) {
                (Seen::Append(..) | Seen::Another(_), Messages::Accept) => framer.accept_message(),
                (Seen::Append(..) | Seen::Another(_), Messages::Refuse) => _ = framer.refuse_message(),
                (Seen::Command(line), _) if line.contains("IDLE") || line.contains("AUTH") => {
                    framer.expect_line()
                }
                _ => {}
            }
            match (all.last_mut(), event) {
                (Some(Seen::Body(joined)), Seen::Body(more)) => joined.push_str(&more),
                (_, event) => all.push(event),
            }
        }
    }
    all
}

fn check(input: &str, expected: &[Seen]) {
    assert_eq!(
        run(Limits::after_login(), Messages::Accept, [input.as_bytes()]),
        expected,
        "{input:?}"
    );
    assert_eq!(
        run(
            Limits::after_login(),
            Messages::Accept,
            input.as_bytes().chunks(1)
        ),
        expected,
        "{input:?}"
    );
}

fn command(text: &str) -> Seen {
    Seen::Command(text.to_owned())
}

fn rejected(tag: &str, error: WireError, recovery: Recovery) -> Seen {
    Seen::Rejected((!tag.is_empty()).then(|| tag.to_owned()), error, recovery)
}

#[test]
fn lines_and_argument_literals() {
    check(
        "a NOOP\r\nb NOOP\r\n",
        &[command("a NOOP\r\n"), command("b NOOP\r\n")],
    );
    check(
        "a LOGIN {2}\r\nme {2+}\r\n\r\n\r\n",
        &[Seen::Continue, command("a LOGIN {2}\r\nme {2+}\r\n\r\n\r\n")],
    );
    check("a CREATE {0+}\r\n\r\n", &[command("a CREATE {0+}\r\n\r\n")]);
    check("a NOOP", &[]);
}

#[test]
fn lines_that_are_no_commands() {
    check(
        "a IDLE\r\nDONE\r\nb NOOP\r\n", // Apple Mail since iOS 18 sends them in one packet.
        &[
            command("a IDLE\r\n"),
            Seen::Line("DONE".into()),
            command("b NOOP\r\n"),
        ],
    );
    check(
        "a AUTHENTICATE PLAIN\r\nAGEAYg==\r\n",
        &[command("a AUTHENTICATE PLAIN\r\n"), Seen::Line("AGEAYg==".into())],
    );
    check(
        "a AUTHENTICATE PLAIN\r\n{5+}\r\nb NOOP\r\n",
        &[
            command("a AUTHENTICATE PLAIN\r\n"),
            Seen::Line("{5+}".into()),
            command("b NOOP\r\n"),
        ],
    );
}

#[test]
fn a_bad_line_of_a_sasl_exchange_is_never_taken_for_a_tag() {
    check(
        "a AUTH X\r\nsecret\0\r\n",
        &[
            command("a AUTH X\r\n"),
            rejected("", WireError::Nul, Recovery::Resume),
        ],
    );
}

#[test]
fn append_is_streamed() {
    check(
        "a APPEND INBOX (\\Seen) {5}\r\nhello\r\nb NOOP\r\n",
        &[
            Seen::Append("INBOX".into(), 5),
            Seen::Body("hello".into()),
            Seen::BodyEnd(false),
            Seen::AppendEnd,
            command("b NOOP\r\n"),
        ],
    );
    check(
        "a append {3+}\r\nfoo {1+}\r\n\0\r\n",
        &[
            Seen::Append("foo".into(), 1),
            Seen::Body("\0".into()),
            Seen::BodyEnd(true),
            Seen::AppendEnd,
        ],
    );
    check(
        "a APPEND x UTF8 (~{2+}\r\n\0\0)\r\n",
        &[
            Seen::Append("x".into(), 2),
            Seen::Body("\0\0".into()),
            Seen::BodyEnd(false),
            Seen::AppendEnd,
        ],
    );
}

#[test]
fn append_of_several_messages() {
    check(
        "a APPEND x {1+}\r\na (\\Draft) {2+}\r\nbc {0+}\r\n\r\n",
        &[
            Seen::Append("x".into(), 1),
            Seen::Body("a".into()),
            Seen::BodyEnd(false),
            Seen::Another(2),
            Seen::Body("bc".into()),
            Seen::BodyEnd(false),
            Seen::Another(0),
            Seen::BodyEnd(false),
            Seen::AppendEnd,
        ],
    );
}

#[test]
fn a_refused_message_is_read_over_only_if_it_comes_at_all() {
    let refused = |input: &str| run(Limits::after_login(), Messages::Refuse, [input.as_bytes()]);
    assert_eq!(
        refused("a APPEND x {5}\r\nb NOOP\r\n"),
        [Seen::Append("x".into(), 5), command("b NOOP\r\n")]
    );
    assert_eq!(
        refused("a APPEND x {7+}\r\nb NOOP\r (\\Seen) {3+}\r\nabc\r\nc NOOP\r\n"),
        [Seen::Append("x".into(), 7), command("c NOOP\r\n")]
    );
}

#[test]
fn a_bad_append_is_refused_before_its_message() {
    let expected = rejected("a", WireError::syntax("a system flag"), Recovery::Resume);
    check(
        "a APPEND x (\\Nope) {5}\r\nb NOOP\r\n",
        &[expected.clone(), command("b NOOP\r\n")],
    );
    check(
        "a APPEND x (\\Nope) {5+}\r\nhello\r\nb NOOP\r\n",
        &[expected, command("b NOOP\r\n")],
    );
    check(
        "a APPEND x {1}\r\nz junk\r\nb NOOP\r\n",
        &[
            Seen::Append("x".into(), 1),
            Seen::Body("z".into()),
            Seen::BodyEnd(false),
            rejected("a", WireError::syntax("the end of the line"), Recovery::Resume),
            command("b NOOP\r\n"),
        ],
    );
}

#[test]
fn bytes_that_no_line_may_hold() {
    check(
        "a NO\0OP\r\nb NOOP\r\n",
        &[
            rejected("a", WireError::Nul, Recovery::Resume),
            command("b NOOP\r\n"),
        ],
    );
    check(
        "a NOOP\nb NOOP\r\n",
        &[
            rejected("a", WireError::BareLineFeed, Recovery::Resume),
            command("b NOOP\r\n"),
        ],
    );
    check(
        "a \rNOOP\r\n",
        &[rejected("a", WireError::BareCarriageReturn, Recovery::Resume)],
    );
    check(
        "a X \0 {9+}\r\nb LOGOUT\n\r\nc NOOP\r\n",
        &[
            rejected("a", WireError::Nul, Recovery::Resume),
            command("c NOOP\r\n"),
        ],
    );
}

#[test]
fn oversize_literals() {
    let run = |input: &str| run(Limits::before_login(), Messages::Accept, [input.as_bytes()]);
    assert_eq!(
        run("a LOGIN {8193}\r\nb NOOP\r\n"),
        [
            rejected("a", WireError::LiteralTooLarge, Recovery::Resume),
            command("b NOOP\r\n")
        ]
    );
    assert_eq!(
        run("a LOGIN {8193+}\r\nb NOOP\r\n"),
        [rejected("a", WireError::LiteralTooLarge, Recovery::Close)]
    );
    assert_eq!(
        run("a LOGIN {99999999999999999999+}\r\nb NOOP\r\n"),
        [rejected("a", WireError::LiteralTooLarge, Recovery::Close)]
    );
    check(
        "a CREATE ~{1+}\r\n\0\r\nb NOOP\r\n",
        &[
            rejected("a", WireError::LiteralForbidden, Recovery::Resume),
            command("b NOOP\r\n"),
        ],
    );
}

#[test]
fn reading_over_a_command_is_bounded_too() {
    let run = |input: String| run(Limits::after_login(), Messages::Accept, [input.as_bytes()]);
    let nul = rejected("a", WireError::Nul, Recovery::Resume);
    assert_eq!(
        run(format!("a \0 {{1+}}\r\n{}", "x".repeat(70_000))),
        [nul.clone(), rejected("", WireError::LineTooLong, Recovery::Close)]
    );
    assert_eq!(
        run(format!(
            "a \0 {{200000+}}\r\n{} {{200000+}}\r\n",
            "x".repeat(200_000)
        )),
        [nul, rejected("", WireError::LiteralTooLarge, Recovery::Close)]
    );
}

#[test]
fn many_small_literals_are_bounded_together() {
    let input = format!("a X {}", "{1+}\r\nx ".repeat(100_000));
    let last = run(Limits::after_login(), Messages::Accept, [input.as_bytes()]).pop();
    assert!(
        matches!(last, Some(Seen::Rejected(_, _, Recovery::Close))),
        "{last:?}"
    );
}

#[test]
fn lines_are_bounded() {
    let longest = format!("a {}\r\n", "x".repeat(65_532));
    let run = |bytes: &[u8]| run(Limits::after_login(), Messages::Accept, [bytes]);
    assert!(run(longest.as_bytes()) == [command(&longest)]);
    let longer = format!("a {}\r\n", "x".repeat(65_533));
    assert_eq!(
        run(longer.as_bytes()),
        [rejected("a", WireError::LineTooLong, Recovery::Close)]
    );
    let endless = vec![b'x'; 70_000];
    assert_eq!(
        run(&endless),
        [rejected("", WireError::LineTooLong, Recovery::Close)]
    );
}

#[test]
fn literal_minus() {
    let limits = Limits {
        non_synchronising_bytes_max: 4096,
        ..Limits::after_login()
    };
    let run = |input: &str| run(limits, Messages::Accept, [input.as_bytes()]);
    assert_eq!(run("a APPEND x {4097}\r\n"), [Seen::Append("x".into(), 4097)]);
    let refused = rejected("a", WireError::LiteralTooLarge, Recovery::Resume);
    assert_eq!(run("a APPEND x {4097+}\r\n"), std::slice::from_ref(&refused)); // RFC 7888 §5
    assert_eq!(run("a CREATE {4097+}\r\n"), [refused]);
}

#[test]
fn nothing_is_kept_between_commands() {
    let mut framer = Framer::new(Limits::before_login(), ParseOptions::default());
    let mut input: &[u8] = b"a NOOP\r\nb";
    assert!(matches!(framer.advance(&mut input), Some(Event::Command(_))));
    assert_eq!(input, b"b", "bytes behind a command are not touched");
    assert!(framer.is_between_commands());
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(
        pieces in prop::collection::vec(piece(), 0..12),
        cuts in prop::collection::vec(1_usize..40, 1..20),
        refuse in any::<bool>(),
    ) {
        let stream: Vec<u8> = pieces.concat();
        let messages = if refuse { Messages::Refuse } else { Messages::Accept };
        let limits = Limits { line_bytes_max: 64, command_bytes_max: 100, literal_bytes_max: 20, ..Limits::after_login() };
        let mut reads = Vec::new();
        let mut rest = stream.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (read, tail) = rest.split_at((*cut).min(rest.len()));
            reads.push(read);
            rest = tail;
        }
        prop_assert_eq!(run(limits, messages, reads), run(limits, messages, [stream.as_slice()]));
    }
}

/// Pieces of which streams with every kind of event are made.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "a NOOP\r\n",
        "a LOGIN {3}\r\nabc x\r\n",
        "a IDLE\r\n",
        "DONE\r\n",
        "a APPEND x {4+}\r\nbody\r\n",
        "a APPEND x {4}\r\n",
        "abcd",
        "\r\n",
        "{2+}\r\n",
        "~{3}\r\n",
        "a X {50+}\r\n",
        "\n",
        "\r",
        "\0",
        " (\\Seen) {1+}\r\n",
        "a APPEND {1+}\r\nx UTF8 (~{2+}\r\n",
        ")\r\n",
    ]);
    prop_oneof![
        4 => known.prop_map(|text: &str| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ]
}
