//! FETCH sections as range look-ups, on the example tree of RFC 3501 §6.4.5.

use mail_message::{PartKind, Section, Summary};

/// Part numbers as in RFC 3501 §6.4.5: 1 text, 2 application, 3 a message (3.1 text, 3.2 application),
/// 4 a multipart (4.1 image, 4.2 a message of 4.2.1 text and 4.2.2 a multipart of 4.2.2.1, 4.2.2.2).
const EXAMPLE: &str = "Subject: root\r\nContent-Type: multipart/mixed; boundary=A\r\n\r\n\
    --A\r\n\r\none\r\n\
    --A\r\nContent-Type: application/octet-stream\r\n\r\ntwo\r\n\
    --A\r\nContent-Type: message/rfc822\r\nX-Part: 3\r\n\r\n\
    Subject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n\
    --B\r\n\r\nthree.one\r\n--B\r\nContent-Type: application/octet-stream\r\n\r\nthree.two\r\n--B--\r\n\
    --A\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n\
    --C\r\nContent-Type: image/gif\r\n\r\nfour.one\r\n\
    --C\r\nContent-Type: message/rfc822\r\n\r\n\
    Subject: four.two\r\nContent-Type: multipart/mixed; boundary=D\r\n\r\n\
    --D\r\n\r\nfour.two.one\r\n\
    --D\r\nContent-Type: multipart/alternative; boundary=E\r\n\r\n\
    --E\r\n\r\nfour.two.two.one\r\n\
    --E\r\nContent-Type: text/richtext\r\n\r\nfour.two.two.two\r\n--E--\r\n\
    --D--\r\n--C--\r\n--A--\r\n";

fn check(message: &str, path: &[u32], section: Section, expected: Option<&str>) {
    let summary = Summary::of(message.as_bytes()).expect("short");
    let span = summary.view().section(path, section);
    let found = span.map(|span| String::from_utf8_lossy(span.of(message.as_bytes())).into_owned());
    assert_eq!(found.as_deref(), expected, "{path:?} {section:?}");
}

#[test]
fn every_part_number_of_the_example() {
    for (path, text) in [
        (vec![1], "one"),
        (vec![2], "two"),
        (vec![3, 1], "three.one"),
        (vec![3, 2], "three.two"),
        (vec![4, 1], "four.one"),
        (vec![4, 2, 1], "four.two.one"),
        (vec![4, 2, 2, 1], "four.two.two.one"),
        (vec![4, 2, 2, 2], "four.two.two.two"),
    ] {
        check(EXAMPLE, &path, Section::Whole, Some(text));
    }
}

#[test]
fn messages_inside_have_header_and_text() {
    let header = "Subject: three\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n";
    check(EXAMPLE, &[3], Section::Header, Some(header));
    check(
        EXAMPLE,
        &[3],
        Section::Mime,
        Some("Content-Type: message/rfc822\r\nX-Part: 3\r\n\r\n"),
    );
    let text =
        "--B\r\n\r\nthree.one\r\n--B\r\nContent-Type: application/octet-stream\r\n\r\nthree.two\r\n--B--";
    check(EXAMPLE, &[3], Section::Text, Some(text));
    check(EXAMPLE, &[3], Section::Whole, Some(&format!("{header}{text}")));
    check(
        EXAMPLE,
        &[4, 2, 2, 2],
        Section::Mime,
        Some("Content-Type: text/richtext\r\n\r\n"),
    );
}

#[test]
fn what_does_not_exist_has_no_range() {
    for path in [
        vec![0],
        vec![5],
        vec![1, 1],
        vec![3, 3],
        vec![4, 2, 3],
        vec![4, 2, 2, 2, 1],
        vec![u32::MAX],
    ] {
        check(EXAMPLE, &path, Section::Whole, None);
    }
    check(EXAMPLE, &[1], Section::Header, None);
    check(EXAMPLE, &[4], Section::Text, None);
    check(EXAMPLE, &[], Section::Mime, None);
}

#[test]
fn a_message_without_parts_is_its_own_part_1() {
    let message = "Subject: a\r\n\r\nbody\r\n";
    check(message, &[1], Section::Whole, Some("body\r\n"));
    check(message, &[1], Section::Mime, Some("Subject: a\r\n\r\n"));
    check(message, &[], Section::Whole, Some(message));
    check(message, &[], Section::Header, Some("Subject: a\r\n\r\n"));
    check(message, &[], Section::Text, Some("body\r\n"));
    check(message, &[1, 1], Section::Whole, None);
}

#[test]
fn parts_tell_their_types() {
    let summary = Summary::of(EXAMPLE.as_bytes()).expect("short");
    let view = summary.view();
    let part = view.part(&[4, 2]).expect("exists");
    assert_eq!(part.kind(), PartKind::Message);
    assert_eq!(part.media_type(), (b"message".as_slice(), b"rfc822".as_slice()));
    assert_eq!(
        view.part(&[1]).expect("exists").media_type(),
        (b"text".as_slice(), b"plain".as_slice())
    );
    assert_eq!(view.parts().len(), 15);
    assert_eq!(usize::try_from(view.size()), Ok(EXAMPLE.len()));
}
