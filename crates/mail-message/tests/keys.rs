//! Sort keys, thread keys, dates and preview, read back from the stored form.

use mail_message::{Error, FORMAT_VERSION, Summary, SummaryRef};

const MESSAGE: &str = "From: =?utf-8?Q?J=C3=BCrgen?= Z <jz@example.org>\r\nTo: group: Bob <bob@x>;\r\nCc: carol@x\r\n\
    Subject: Re: [list] caf=C3=A9 (fwd)\r\nDate: Tue, 3 Mar 2020 23:30:00 -0800\r\n\
    Message-ID: <\"id\"@x>\r\nReferences: <1@x> <2@x>\r\nIn-Reply-To: <3@x>\r\n\
    Content-Type: multipart/alternative; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n\
    --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    Hello =C3=A9\r\n> quoted\r\n  there\r\n--b--\r\n";

#[test]
fn sort_keys_of_rfc_5256_and_5957() {
    let summary = Summary::of(MESSAGE.as_bytes()).expect("short");
    let keys = summary.view().sort_keys();
    let text = |key: &[u8]| String::from_utf8(key.to_vec()).expect("keys are text");
    assert_eq!(text(keys.base_subject), "CAF=C3=A9");
    assert_eq!(text(keys.from), "JZ");
    assert_eq!(text(keys.to), "BOB");
    assert_eq!(text(keys.cc), "CAROL");
    assert_eq!(text(keys.display_from), "JU\u{308}RGEN Z");
    assert_eq!(text(keys.display_to), "BOB");
}

#[test]
fn thread_keys_of_rfc_5256() {
    let summary = Summary::of(MESSAGE.as_bytes()).expect("short");
    let keys = summary.view().thread_keys();
    assert_eq!(keys.message_id(), Some(b"id@x".as_slice()));
    assert_eq!(keys.in_reply_to(), Some(b"3@x".as_slice()));
    assert_eq!(keys.ancestors().collect::<Vec<_>>(), [b"1@x", b"2@x"]);
    let without = MESSAGE.replace("References:", "X-Other:");
    let summary = Summary::of(without.as_bytes()).expect("short");
    assert_eq!(
        summary.view().thread_keys().ancestors().collect::<Vec<_>>(),
        [b"3@x"]
    );
}

#[test]
fn sent_dates() {
    let summary = Summary::of(MESSAGE.as_bytes()).expect("short");
    let date = summary.view().sent_date().expect("valid");
    assert_eq!((date.unix_seconds, date.offset_minutes), (1_583_307_000, -480));
    // SENTON 3-Mar-2020 matches though it is the 4th in UTC (RFC 3501 §6.4.4).
    assert_eq!(date.local_day(), 18_324);
    let summary = Summary::of(b"Date: whenever\r\n\r\n").expect("short");
    assert_eq!(summary.view().sent_date(), None);
}

#[test]
fn previews_of_rfc_8970_are_plain_text_on_one_line() {
    let check = |message: &str, expected: &str| {
        assert_eq!(
            Summary::of(message.as_bytes()).expect("short").view().preview(),
            expected
        );
    };
    check(MESSAGE, "Hello é there");
    check(
        "Content-Type: text/html\r\n\r\n<style>x</style><b>Hi</b> &amp; bye",
        "Hi & bye",
    );
    check("Content-Type: image/png\r\n\r\nx", "");
    check(&format!("\r\n{}", "é".repeat(500)), &"é".repeat(200));
}

#[test]
fn long_headers_are_not_inline() {
    let message = format!("Subject: x\r\nX: {}\r\n\r\n", "y".repeat(20_000));
    let summary = Summary::of(message.as_bytes()).expect("short");
    assert_eq!(summary.view().header(), None);
    assert!(summary.encode().len() < 1_000);
}

#[test]
fn other_versions_are_made_again() {
    let mut bytes = Summary::of(MESSAGE.as_bytes()).expect("short").into_bytes();
    bytes[0] = FORMAT_VERSION + 1;
    assert_eq!(
        SummaryRef::parse(&bytes).err(),
        Some(Error::OtherVersion {
            found: FORMAT_VERSION + 1
        })
    );
    assert_eq!(Summary::decode(Vec::new()), Err(Error::Damaged));
}
