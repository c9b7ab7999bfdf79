//! What holds for every message, shown on the corpus, on the corpus mutilated, and on random structure.

mod support;

use mail_message::search::{Needle, header_contains, text_contains};
use mail_message::{
    FieldSelection, PartKind, Parts, Section, Span, Summary, SummaryRef, TextDecoder, filter_fields,
};
use proptest::prelude::*;
use support::{messages, normal};

/// Checks every invariant that FETCH builds on.
fn check(message: &[u8]) {
    let summary = Summary::of(message).expect("short");
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
        assert_eq!(brackets(&normal(wire)), 0, "brackets are balanced");
        assert!(!wire.contains(&0), "no NUL goes on the wire");
    }
    exercise_text(message, &view);
}

fn check_whole(message: &[u8], view: &SummaryRef<'_>) {
    let section = |section| {
        view.section(&[], section)
            .expect("every message has it")
            .of(message)
    };
    assert_eq!(section(Section::Whole), message);
    assert_eq!(
        [section(Section::Header), section(Section::Text)].concat(),
        message,
        "HEADER and TEXT make it up"
    );
    assert_eq!(
        view.header(),
        Some(section(Section::Header)),
        "short headers are inline"
    );
}

/// Parts lie inside the part around them, in order and without overlap; header and body meet.
fn check_parts(parts: &Parts<'_>) {
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

fn brackets(normal: &str) -> i64 {
    let mut depth = 0;
    let mut quoted = false;
    for character in normal.chars() {
        match character {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
    }
    assert!(!quoted);
    depth
}

fn exercise_text(message: &[u8], view: &SummaryRef<'_>) {
    assert!(view.preview().chars().count() <= mail_message::limits::PREVIEW_CHARS_MAX);
    let header = view.section(&[], Section::Header).expect("exists").of(message);
    assert!(
        text_contains(message, view, &Needle::new("")) || message.is_empty() || message.starts_with(b"\r\n")
    );
    header_contains(header, "Subject", &Needle::new("x"));
    let kept = filter_fields(header, FieldSelection::NotListed, &["Subject"]);
    assert!(kept.ends_with(b"\r\n"));
}

#[test]
fn the_corpus() {
    for (_, message) in messages() {
        check(&message);
    }
}

#[test]
fn structured_messages_cut_anywhere() {
    let tangled = |name: &str| {
        ["nested-", "multipart-", "message-", "digest"]
            .iter()
            .any(|f| name.starts_with(f))
    };
    for (_, message) in messages()
        .into_iter()
        .filter(|(name, m)| tangled(name) && m.len() < 400)
    {
        for length in 0..message.len() {
            check(&message[..length]);
        }
    }
}

#[test]
fn damaged_summaries_are_refused_or_harmless() {
    let message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n";
    let bytes = Summary::of(message).expect("short").into_bytes();
    for at in 0..bytes.len() {
        assert!(SummaryRef::parse(&bytes[..at]).is_err(), "cut at {at}");
        for flipped in [0, 1, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flipped;
            if let Ok(view) = SummaryRef::parse(&damaged) {
                view.section(&[1], Section::Whole).unwrap_or_default().of(message);
                view.parts().iter().count();
                view.thread_keys().ancestors().count();
                view.preview();
            }
        }
    }
}

/// Lines that mean something to a MIME parser, in any order.
fn line() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "--a",
        "--a--",
        "--b",
        "--b--",
        "--ab",
        "text",
        "Subject: x",
        "From: a@b, c:d;",
        " folded",
        "Content-Type: multipart/mixed; boundary=a",
        "Content-Type: multipart/digest; boundary=b",
        "Content-Type: message/rfc822",
        "Content-Type: multipart/mixed; boundary=ab",
        "Content-Type: text/plain",
        "Content-Transfer-Encoding: base64",
        "=?utf-8?q?=C3=A9?=",
        "\0",
        "\u{e9}",
    ])
}

proptest! {
    #[test]
    fn random_structure(lines in prop::collection::vec((line(), prop::bool::weighted(0.9)), 0..60)) {
        let message: String = lines.iter().map(|(line, crlf)| format!("{line}{}", if *crlf { "\r\n" } else { "\n" })).collect();
        check(message.as_bytes());
    }

    #[test]
    fn random_bytes(message in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&message);
    }

    #[test]
    fn text_in_pieces_is_the_text(cuts in prop::collection::vec(1usize..9, 1..40), text in "\\PC{0,60}") {
        let encoded: String = text.bytes().map(|byte| format!("={byte:02X}")).collect();
        let mut decoder = TextDecoder::new(mail_message::TransferEncoding::QuotedPrintable, b"utf-8");
        let mut out = String::new();
        let mut rest = encoded.as_bytes();
        for cut in cuts.iter().cycle() {
            let (piece, behind) = rest.split_at((*cut).min(rest.len()));
            decoder.push(piece, &mut out);
            rest = behind;
            if rest.is_empty() { break; }
        }
        decoder.finish(&mut out);
        prop_assert_eq!(out, text);
    }

    #[test]
    fn partials_make_up_the_whole(length in 0u32..50, step in 1u32..20) {
        let span = Span::new(7, 7 + length);
        let mut seen = 0;
        for offset in (0..length + step).step_by(step as usize) {
            let piece = span.partial(offset, step);
            prop_assert!(span.contains(piece));
            if !piece.is_empty() { prop_assert_eq!(piece.start(), 7 + seen); }
            seen += piece.len();
        }
        prop_assert_eq!(seen, length);
    }
}
