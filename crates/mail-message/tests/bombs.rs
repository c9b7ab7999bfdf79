//! Hostile messages stay within the limits. Each takes a moment; were a step quadratic, it would take
//! minutes. The sizes are those of the attacks named in the advisories, mostly ten times what they need.

use mail_message::limits::{ADDRESSES_MAX, DEPTH_MAX, PARAMETERS_MAX, PARTS_MAX, REFERENCES_MAX};
use mail_message::search::{Needle, body_contains, header_contains, text_contains};
use mail_message::{FieldSelection, PartKind, Section, Summary, filter_fields};

/// Summarises and searches a message in every way that reads it.
fn survive(message: &[u8]) -> Summary {
    let summary = Summary::of(message).expect("short");
    let view = summary.view();
    assert_eq!(usize::try_from(view.size()), Ok(message.len()));
    let needle = Needle::new("not in there");
    assert!(!text_contains(message, &view, &needle));
    assert!(!body_contains(message, &view, &needle));
    let header = view.section(&[], Section::Header).expect("exists").of(message);
    assert!(!header_contains(header, "Subject", &needle));
    filter_fields(header, FieldSelection::NotListed, &["Subject"]);
    summary
}

fn count(haystack: &[u8], needle: &str) -> usize {
    haystack
        .windows(needle.len())
        .filter(|window| *window == needle.as_bytes())
        .count()
}

#[test]
fn multiparts_2000_deep() {
    let mut message = String::new();
    for depth in 0..2_000 {
        message += &format!("Content-Type: multipart/mixed; boundary=b{depth}.\r\n\r\n--b{depth}.\r\n");
    }
    let summary = survive(message.as_bytes());
    assert_eq!(summary.view().parts().len(), DEPTH_MAX + 1);
    let deepest = summary.view().parts().iter().last().expect("exists");
    assert_eq!(deepest.kind(), PartKind::Leaf);
}

#[test]
fn messages_2000_deep() {
    let summary = survive("Content-Type: message/rfc822\r\n\r\n".repeat(2_000).as_bytes());
    assert_eq!(summary.view().parts().len(), DEPTH_MAX + 1);
    assert!(summary.view().part(&[1; 90]).is_some());
}

#[test]
fn parts_100_000() {
    let message = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\n\r\n\r\n".repeat(100_000)
    );
    let summary = survive(message.as_bytes());
    assert_eq!(summary.view().parts().len(), PARTS_MAX);
    // The rest belongs to the last part, so every byte can still be fetched.
    let last = summary
        .view()
        .part(&[u32::try_from(PARTS_MAX - 1).expect("small")])
        .expect("exists");
    assert_eq!(usize::try_from(last.body().end()), Ok(message.len()));
}

#[test]
fn the_last_part_allowed_is_no_message() {
    let parts = "--b\r\n\r\n\r\n".repeat(PARTS_MAX - 2);
    let message = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nc"
    );
    let summary = survive(message.as_bytes());
    assert_eq!(summary.view().parts().len(), PARTS_MAX);
    assert_eq!(
        summary.view().parts().iter().last().expect("exists").kind(),
        PartKind::Leaf
    );
}

#[test]
fn addresses_200_000() {
    let one_field = format!("To: {}x@y.z\r\n\r\n", "a@b.c, ".repeat(200_000));
    let many_fields = "To: a@b.c\r\n".repeat(200_000);
    let groups = format!("To: {}\r\n\r\n", "a:;,".repeat(200_000));
    for message in [one_field, many_fields, groups] {
        let summary = survive(message.as_bytes());
        let found = count(summary.view().envelope(), "(NIL NIL ");
        assert!(found <= ADDRESSES_MAX + 1, "{found}");
    }
}

#[test]
fn comments_100_000() {
    for field in [
        "From",
        "Content-Type",
        "Date",
        "Content-Language",
        "Content-Disposition",
    ] {
        survive(format!("{field}: {}\r\n\r\n", "(".repeat(100_000)).as_bytes());
        survive(format!("{field}: {}\r\n\r\n", "a@b (c),".repeat(100_000)).as_bytes());
        survive(format!("{field}: {}\r\n\r\n", "(\\".repeat(100_000)).as_bytes());
    }
}

#[test]
fn quotes_and_brackets_20_000() {
    for junk in [
        "\"",
        "<",
        "<@",
        "[",
        "a:",
        "\\",
        "\" <",
        "=?",
        "=?a?q?",
        "=?utf-8?B?",
        ";",
        "; a=\"",
        "; a*0=",
        "a ",
        ".",
    ] {
        for field in [
            "To",
            "Subject",
            "Content-Type: text/plain",
            "Content-Disposition: x",
            "References",
            "Date",
        ] {
            let colon = if field.contains(':') { "" } else { ":" };
            survive(format!("{field}{colon} {}\r\n\r\n", junk.repeat(20_000)).as_bytes());
        }
    }
}

#[test]
fn parameters_50_000() {
    let number = |n: usize| format!("; name*{n}*=v{n}");
    let distinct = |n: usize| format!("; n{n}*0=v");
    for make in [number as fn(usize) -> String, distinct as fn(usize) -> String] {
        let parameters: String = (0..50_000).map(make).collect();
        let summary = survive(format!("Content-Type: application/x{parameters}\r\n\r\n").as_bytes());
        assert!(count(summary.view().bodystructure(), "\"") <= 4 * PARAMETERS_MAX + 20);
    }
}

#[test]
fn fields_200_000() {
    survive("X: y\r\n".repeat(200_000).as_bytes());
    survive("Subject: y\r\n".repeat(200_000).as_bytes());
    survive(format!("Subject: a{}\r\n\r\n", "\r\n b".repeat(200_000)).as_bytes());
    survive(
        "Content-Type: multipart/mixed; boundary=b\r\n"
            .repeat(100_000)
            .as_bytes(),
    );
}

#[test]
fn references_100_000() {
    let references: String = (0..100_000).map(|n| format!("<{n}@x>\r\n ")).collect();
    let summary = survive(format!("References: {references}\r\n\r\n").as_bytes());
    let keys = summary.view().thread_keys();
    assert_eq!(keys.ancestors().count(), REFERENCES_MAX);
    assert_eq!(keys.ancestors().next(), Some(b"0@x".as_slice()));
}

#[test]
fn delimiter_lines_100_000_in_deep_nesting() {
    let mut message = String::new();
    for depth in 0..DEPTH_MAX {
        message += &format!(
            "Content-Type: multipart/mixed; boundary={}{depth}\r\n\r\n--{0}{depth}\r\n",
            "b".repeat(60)
        );
    }
    message += &format!("--{}x\r\n", "b".repeat(60)).repeat(30_000);
    survive(message.as_bytes());
}

#[test]
fn empty_parts_that_close_each_other() {
    let mut message = String::from("Content-Type: multipart/mixed; boundary=a\r\n\r\n");
    message += &"--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n".repeat(20_000);
    survive(message.as_bytes());
}

#[test]
fn envelopes_that_outgrow_the_message() {
    let part = format!(
        "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: {}\r\n\r\n\r\n",
        ",".repeat(1_000)
    );
    let message = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        part.repeat(1_500)
    );
    let summary = survive(message.as_bytes());
    assert!(
        summary.encode().len() < 2 * message.len(),
        "{}",
        summary.encode().len()
    );
}

#[test]
fn opaque_parts_promise_no_structure() {
    let multiparts: String = (0..DEPTH_MAX + 5)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}.\r\n\r\n--b{n}.\r\n"))
        .collect();
    for message in [
        multiparts,
        "Content-Type: message/rfc822\r\n\r\n".repeat(DEPTH_MAX + 5),
    ] {
        let summary = survive(message.as_bytes());
        assert_eq!(
            count(summary.view().bodystructure(), "\"application\" \"octet-stream\""),
            1
        );
    }
}
