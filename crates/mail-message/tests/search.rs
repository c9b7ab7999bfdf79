//! The text keys of SEARCH (RFC 3501 §6.4.4): encoded words (RFC 2047), parameters (RFC 2231), transfer
//! encodings and charsets are undone before comparing.

use mail_message::Summary;
use mail_message::search::{Needle, PieceSearch, body_contains, header_contains, text_contains};

const MESSAGE: &str = "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>\r\n\
    Subject: =?iso-8859-1?Q?Gr=FC=DFe?= from\r\n the =?utf-8?B?bW9vbg==?=\r\n\
    X-Empty:\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble text\r\n\
    --b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    Die Stra=DFe ist la=\r\nng\r\n\
    --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nw4lsw6h2ZQ==\r\n\
    --b\r\nContent-Type: application/pdf\r\n\
    Content-Disposition: attachment; filename*0*=utf-8''r%C3%A9sum; filename*1*=%C3%A9.pdf\r\n\r\nsecret\r\n\
    --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner one\r\n\r\ninner text\r\n--b--\r\n";

fn header() -> &'static [u8] {
    let end = MESSAGE.find("\r\n\r\n").expect("there is one");
    &MESSAGE.as_bytes()[..end + 4]
}

#[test]
fn header_fields_are_decoded_and_unfolded() {
    let check = |name: &str, text: &str, expected: bool| {
        assert_eq!(
            header_contains(header(), name, &Needle::new(text)),
            expected,
            "{name} {text}"
        );
    };
    check("subject", "GRÜSSE", false);
    check("subject", "grüße from the moon", true);
    check("Subject", "iso-8859-1?Q", true);
    check("from", "jürgen", true);
    check("from", "J@EXAMPLE", true);
    check("to", "j@example", false);
    // "If the string to search is zero-length, this matches all messages that have a header line with
    // the specified field-name" (RFC 3501 §6.4.4).
    check("x-empty", "", true);
    check("x-absent", "", false);
}

#[test]
fn bodies_are_decoded() {
    let summary = Summary::of(MESSAGE.as_bytes()).expect("short");
    let check = |text: &str, in_body: bool, in_text: bool| {
        let needle = Needle::new(text);
        assert_eq!(
            body_contains(MESSAGE.as_bytes(), &summary.view(), &needle),
            in_body,
            "BODY {text}"
        );
        assert_eq!(
            text_contains(MESSAGE.as_bytes(), &summary.view(), &needle),
            in_text,
            "TEXT {text}"
        );
    };
    check("straße ist LANG", true, true);
    check("élève", true, true);
    check("inner text", true, true);
    check("inner one", true, true);
    check("résumé.pdf", true, true);
    check("secret", false, false);
    check("grüße", false, true);
    check("Subject: Grüße", false, true);
    check("nowhere", false, false);
    check("", true, true);
}

#[test]
fn matches_across_pieces_are_found() {
    let needle = Needle::new("Ünïcode needle");
    for cut in 1..20 {
        let mut search = PieceSearch::new(&needle);
        let text: Vec<char> = "xxx ünïcode NEEDLE yyy".chars().collect();
        let found = text
            .chunks(cut)
            .any(|piece| search.push(&piece.iter().collect::<String>()));
        assert!(found, "pieces of {cut}");
    }
}

#[test]
fn long_bodies_are_searched_to_the_end() {
    let body = "word ".repeat(20_000);
    let message = format!("Subject: x\r\n\r\n{body}the end");
    let summary = Summary::of(message.as_bytes()).expect("short");
    assert!(body_contains(
        message.as_bytes(),
        &summary.view(),
        &Needle::new("word THE end")
    ));
}
