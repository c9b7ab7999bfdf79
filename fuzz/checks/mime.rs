//! What must hold for any bytes that reach `mail-message`. The fuzz targets and the tests of the crate
//! include this file, so a finding stays a test.
#![allow(dead_code, reason = "each target uses one of the checks")]

use mail_message::search::{Needle, header_contains, text_contains};
use mail_message::{
    FieldSelection, PartKind, Parts, Section, Span, Summary, SummaryRef, filter_fields, limits,
};

/// The bytes are a message: it has a summary, whose ranges lie inside it and nest.
pub fn message(message: &[u8]) {
    let summary = Summary::of(message).expect("only its length can be wrong");
    assert_eq!(
        Summary::of(message).as_ref(),
        Ok(&summary),
        "the same bytes, the same summary"
    );
    assert_eq!(
        Summary::decode(summary.encode().to_vec()).as_ref(),
        Ok(&summary),
        "round trip"
    );
    let view = summary.view();
    assert_eq!(
        usize::try_from(view.size()),
        Ok(message.len()),
        "RFC822.SIZE is the length of BODY[]"
    );
    check_whole(message, &view);
    check_parts(&view.parts());
    for wire in [view.envelope(), view.body(), view.bodystructure()] {
        check_wire(wire);
    }
    check_text(message, &view);
}

/// The bytes are a stored summary that may be damaged: reading it is refused or harmless.
pub fn stored(bytes: &[u8]) {
    let Ok(view) = SummaryRef::parse(bytes) else {
        return;
    };
    for path in [&[][..], &[1], &[2, 1], &[u32::MAX]] {
        for section in [Section::Whole, Section::Header, Section::Text, Section::Mime] {
            view.section(path, section).unwrap_or_default().of(b"message");
        }
    }
    view.parts().iter().count();
    view.thread_keys().ancestors().count();
    view.preview();
    view.sent_date().map(|date| date.local_day());
}

/// HEADER and TEXT make up the message; a short header is in the summary.
fn check_whole(message: &[u8], view: &SummaryRef<'_>) {
    let section = |section| {
        view.section(&[], section)
            .expect("every message has it")
            .of(message)
    };
    assert_eq!(section(Section::Whole), message);
    assert_eq!(
        [section(Section::Header), section(Section::Text)].concat(),
        message
    );
    let inline = section(Section::Header).len() <= limits::HEADER_INLINE_BYTES_MAX;
    assert_eq!(view.header(), inline.then_some(section(Section::Header)));
}

/// Parts lie inside the part around them, in order and without overlap; header and body meet.
fn check_parts(parts: &Parts<'_>) {
    assert!(parts.len() <= limits::PARTS_MAX);
    // The bodies around the current part, each with the end of what was last found in it.
    let mut around: Vec<(Span, u32)> = Vec::new();
    for part in parts.iter() {
        let whole = Span::new(part.header().start(), part.body().end());
        assert_eq!(
            part.header().end(),
            part.body().start(),
            "the body follows the header"
        );
        assert!(part.lines() <= part.body().len());
        while around.last().is_some_and(|(body, _)| !body.contains(whole)) {
            around.pop();
        }
        if let Some((_, end)) = around.last_mut() {
            assert!(*end <= whole.start(), "parts do not overlap");
            *end = whole.end();
        } else {
            assert_eq!(whole.start(), 0, "only the message itself is inside nothing");
        }
        if part.kind() != PartKind::Leaf {
            around.push((part.body(), part.body().start()));
        }
    }
}

/// What goes on the wire is one value: strings end, brackets match, nothing follows, no NUL.
fn check_wire(wire: &[u8]) {
    assert!(!wire.contains(&0), "no NUL goes on the wire");
    let mut depth = 0_usize;
    let mut rest = wire;
    while let Some((byte, behind)) = rest.split_first() {
        rest = match byte {
            b'"' => behind_quoted(behind),
            b'{' => behind_literal(behind),
            _ => behind,
        };
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1).expect("brackets match"),
            _ => {}
        }
        assert!(depth > 0 || rest.is_empty(), "it is one value");
    }
    assert_eq!(depth, 0, "brackets match");
}

fn behind_quoted(wire: &[u8]) -> &[u8] {
    let mut escaped = false;
    for (at, byte) in wire.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return &wire[at + 1..],
            _ => assert!(
                byte.is_ascii() && !matches!(byte, b'\r' | b'\n'),
                "a quoted string can hold it"
            ),
        }
    }
    unreachable!("quoted strings end")
}

fn behind_literal(wire: &[u8]) -> &[u8] {
    let end = wire
        .iter()
        .position(|byte| *byte == b'}')
        .expect("literals have a length");
    let length: usize = std::str::from_utf8(&wire[..end])
        .expect("digits")
        .parse()
        .expect("digits");
    assert!(wire[end..].starts_with(b"}\r\n"));
    &wire[end + 3 + length..]
}

fn check_text(message: &[u8], view: &SummaryRef<'_>) {
    assert!(view.preview().chars().count() <= limits::PREVIEW_CHARS_MAX);
    assert!(!view.preview().contains(char::is_control));
    let header = view
        .section(&[], Section::Header)
        .expect("every message has it")
        .of(message);
    text_contains(message, view, &Needle::new("needle é"));
    header_contains(header, "Subject", &Needle::new("x"));
    let kept = filter_fields(header, FieldSelection::NotListed, &["Subject"]);
    assert!(kept.ends_with(b"\r\n"), "the blank line is always there");
    let filtered_again = filter_fields(&kept, FieldSelection::NotListed, &["Subject"]);
    assert_eq!(filtered_again, kept, "filtering twice is filtering once");
}
