//! What holds for every message (`fuzz/checks/mime.rs`), shown on the corpus, on the corpus mutilated, on
//! random structure and on what fuzzing found.

#[path = "../../../fuzz/checks/mime.rs"]
mod checks;
mod support;

use std::path::Path;

use mail_message::{Span, Summary, TextDecoder, TransferEncoding};
use proptest::prelude::*;
use support::messages;

#[test]
fn the_corpus() {
    for (_, message) in messages() {
        checks::message(&message);
    }
}

#[test]
fn findings_of_the_fuzzer() {
    for (target, check) in [
        ("mime", checks::message as fn(&[u8])),
        ("mime_stored", checks::stored),
    ] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../fuzz/corpus")
            .join(target);
        let files = std::fs::read_dir(&directory).expect("the corpus is committed");
        let found = files
            .map(|file| check(&std::fs::read(file.expect("readable").path()).expect("readable")))
            .count();
        assert!(found > 0, "{target} has no corpus");
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
        .filter(|(name, m)| tangled(name) && m.len() < 300)
    {
        for length in 0..message.len() {
            checks::message(&message[..length]);
        }
    }
}

#[test]
fn damaged_summaries_are_refused_or_harmless() {
    let message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n";
    let bytes = Summary::of(message).expect("short").into_bytes();
    for at in 0..bytes.len() {
        assert!(Summary::decode(bytes[..at].to_vec()).is_err(), "cut at {at}");
        for flipped in [1, 2, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flipped;
            checks::stored(&damaged);
        }
    }
}

/// A message of the corpus with pieces of itself and of another one overwritten, repeated or cut.
fn mutilated() -> impl Strategy<Value = Vec<u8>> {
    let corpus: Vec<Vec<u8>> = messages().into_iter().map(|(_, message)| message).collect();
    let edit = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0u8..4,
        any::<u8>(),
    );
    let pick = prop::sample::select(corpus);
    (pick.clone(), pick, prop::collection::vec(edit, 1..8)).prop_map(|(mut message, other, edits)| {
        for (from, to, kind, byte) in edits {
            let (a, b) = (from.index(message.len() + 1), to.index(message.len() + 1));
            let range = a.min(b)..a.max(b);
            match kind {
                0 => message.insert(a, byte),
                1 => drop(message.drain(range)),
                2 => message.extend_from_within(range),
                _ => drop(message.splice(range, other.iter().copied())),
            }
        }
        message
    })
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
        checks::message(message.as_bytes());
    }

    #[test]
    fn mutilated_messages(message in mutilated()) {
        checks::message(&message);
    }

    #[test]
    fn random_bytes(message in prop::collection::vec(any::<u8>(), 0..300)) {
        checks::message(&message);
    }

    #[test]
    fn text_in_pieces_is_the_text(cuts in prop::collection::vec(1usize..9, 1..40), text in "\\PC{0,60}") {
        let encoded: String = text.bytes().map(|byte| format!("={byte:02X}")).collect();
        let mut decoder = TextDecoder::new(TransferEncoding::QuotedPrintable, b"utf-8");
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
