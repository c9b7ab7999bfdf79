//! What must hold for any bytes that reach `imap-wire`. The fuzz targets and the corpus test of the
//! crate include this file, so a finding stays a test.
#![allow(dead_code, reason = "each target uses one of the checks")]

use imap_wire::WireError;
use imap_wire::frame::{Event, Framer, Limits, Recovery};
use imap_wire::list_match::Pattern;
use imap_wire::mutf7;
use imap_wire::parse::{self, ParseOptions};
use imap_wire::types::{MailboxName, NameEncoding, Tag};

/// The first byte chooses the session's options, the rest is a command: what parses can be encoded,
/// and the encoding means the same.
pub fn command(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let names = if choice & 1 == 0 {
        NameEncoding::ModifiedUtf7
    } else {
        NameEncoding::Utf8
    };
    let options = ParseOptions {
        names,
        strict: choice & 2 != 0,
    };
    let Ok(parsed) = parse::command(bytes, options) else {
        return;
    };
    let mut encoded = Vec::new();
    parsed.encode(&mut encoded, names);
    let again = parse::command(&encoded, options).expect("an encoded command parses");
    assert_eq!((again.tag, again.body), (parsed.tag, parsed.body));
}

/// An event without its borrow; the chunks of one message are joined.
#[derive(Debug, PartialEq)]
enum Seen {
    Command(Vec<u8>),
    Line(Vec<u8>),
    Continue,
    Append(String, u64),
    Body(Vec<u8>),
    BodyEnd(bool),
    Another(u64),
    AppendEnd,
    Rejected(Option<Tag>, WireError, Recovery),
}

/// The first byte chooses how the stream is cut and whether messages are taken: however it is cut,
/// the events are the same.
pub fn framing(data: &[u8]) {
    let Some((choice, stream)) = data.split_first() else {
        return;
    };
    let accept = choice & 1 == 0;
    let read_bytes = usize::from(choice >> 2) + 1;
    let cut = run(stream.chunks(read_bytes), accept);
    assert_eq!(cut, run([stream], accept));
}

fn run<'a>(reads: impl IntoIterator<Item = &'a [u8]>, accept: bool) -> Vec<Seen> {
    // Small enough that a short input meets every limit.
    let limits = Limits {
        line_bytes_max: 128,
        literal_bytes_max: 64,
        command_bytes_max: 256,
        non_synchronising_bytes_max: 1024,
        skip_bytes_max: 128,
    };
    let mut framer = Framer::new(limits, ParseOptions::default());
    let mut all = Vec::new();
    for mut input in reads {
        while let Some(event) = framer.advance(&mut input) {
            if matches!(event, Event::Append(_) | Event::AppendAnother(_)) {
                if accept {
                    framer.accept_message();
                } else {
                    framer.refuse_message();
                }
            }
            if let Event::Command(frame) = &event {
                assert!(frame.len() <= limits.command_bytes_max);
                if frame.ends_with(b" IDLE\r\n") {
                    framer.expect_line();
                }
            }
            push(&mut all, event);
        }
    }
    all
}

fn push(all: &mut Vec<Seen>, event: Event<'_>) {
    let seen = match event {
        Event::Command(frame) => Seen::Command(frame.to_vec()),
        Event::Line(frame) => Seen::Line(frame.to_vec()),
        Event::Continue => Seen::Continue,
        Event::Append(append) => Seen::Append(append.mailbox.to_string(), append.message.literal.bytes),
        Event::Body(bytes) => match all.last_mut() {
            Some(Seen::Body(joined)) => return joined.extend_from_slice(bytes),
            _ => Seen::Body(bytes.to_vec()),
        },
        Event::BodyEnd { nul } => Seen::BodyEnd(nul),
        Event::AppendAnother(message) => Seen::Another(message.literal.bytes),
        Event::AppendEnd => Seen::AppendEnd,
        Event::Rejected(rejection) => Seen::Rejected(rejection.tag, rejection.error, rejection.recovery),
    };
    all.push(seen);
}

/// Each name has one encoding, and no pattern is slow or wrong about itself.
pub fn mutf7(data: &[u8]) {
    if let Ok(text) = mutf7::decode(data) {
        assert_eq!(mutf7::encode(&text).as_bytes(), data);
    }
    let text = String::from_utf8_lossy(data);
    assert_eq!(
        mutf7::decode(mutf7::encode(&text).as_bytes()).as_deref(),
        Ok(text.as_ref())
    );
    if let Ok(name) = MailboxName::new(&text) {
        let pattern = Pattern::new(name.as_str()).expect("a name has no wildcards");
        assert!(pattern.matches(name.as_str()));
        assert_eq!(MailboxName::new(name.as_str()), Ok(name));
    }
    if let Ok(pattern) = Pattern::new(&text) {
        _ = pattern.matches(&text);
        _ = pattern.may_match_below(&text);
    }
}
