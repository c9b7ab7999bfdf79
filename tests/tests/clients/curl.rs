//! curl: one command, one connection.

use cluster_tests::program::Ended;
use cluster_tests::server::Access;
use cluster_tests::stand_in::Target;
use cluster_tests::{Imap, Program, Scratch, mail};

/// curl over TLS from the first byte, logged in.
fn curl(access: &Access, path: &str, arguments: &[&str]) -> Ended {
    let url = format!("imaps://{}/{path}", access.imaps);
    run(access, &url, arguments)
}

fn run(access: &Access, url: &str, arguments: &[&str]) -> Ended {
    let user = format!("{}:{}", access.user, access.password);
    Program::new("curl")
        .arguments(["--silent", "--show-error", "--max-time", "30", "--cacert"])
        .arguments([&access.certificates.authority])
        .arguments(["--user", &user, "--url", url])
        .arguments(arguments)
        .run()
}

fn succeed(access: &Access, path: &str, arguments: &[&str]) -> String {
    let ended = curl(access, path, arguments);
    assert!(ended.status.success(), "{ended}");
    ended.text()
}

#[test]
fn lists_mailboxes() {
    let target = Target::start();
    let list = succeed(target.access(), "", &[]);
    assert!(
        list.lines()
            .any(|line| line.starts_with("* LIST (") && line.ends_with(" INBOX")),
        "{list}"
    );
}

#[test]
fn uploads_a_message_and_gets_the_same_bytes_back() {
    let target = Target::start();
    let access = target.access();
    let scratch = Scratch::new();
    let message = mail::message("Bytes", "two\n\n. dots\n.. and a long tail: \u{e9}\u{fc}");
    let file = scratch.file("message", &message);
    succeed(access, "INBOX", &["--upload-file", &file.to_string_lossy()]);
    assert_eq!(curl(access, "INBOX;MAILINDEX=1", &[]).output, message);
    assert_eq!(curl(access, "INBOX;UID=1", &[]).output, message);
    let subject = succeed(access, "INBOX;UID=1;SECTION=HEADER.FIELDS%20(SUBJECT)", &[]);
    assert_eq!(subject, "Subject: Bytes\r\n\r\n");
    let expected = message.get(6..16).map(<[u8]>::to_vec);
    assert_eq!(
        Some(curl(access, "INBOX;UID=1/;PARTIAL=6.10", &[]).output),
        expected
    );
}

#[test]
fn uploads_a_large_message() {
    let target = Target::start();
    let access = target.access();
    let scratch = Scratch::new();
    let message = mail::large_message("Large", 3 << 20);
    let file = scratch.file("message", &message);
    succeed(access, "INBOX", &["--upload-file", &file.to_string_lossy()]);
    let back = curl(access, "INBOX;UID=1", &[]).output;
    assert!(
        back == message,
        "{} of {} bytes came back",
        back.len(),
        message.len()
    );
}

#[test]
fn searches_and_marks() {
    let target = Target::start();
    let access = target.access();
    let mut client = Imap::login(access);
    for subject in ["Apples", "Pears", "Apples and pears"] {
        client.deposit(&mail::message(subject, "fruit"));
    }
    assert_eq!(
        succeed(access, "INBOX?SUBJECT%20apples", &[]).trim(),
        "* SEARCH 1 3"
    );
    let stored = succeed(access, "INBOX", &["--request", "STORE 1:2 +FLAGS (\\Flagged)"]);
    assert_eq!(stored.matches("\\Flagged").count(), 2, "{stored}");
    assert_eq!(succeed(access, "INBOX?FLAGGED", &[]).trim(), "* SEARCH 1 2");
    assert_eq!(succeed(access, "INBOX?NEW", &[]).trim(), "* SEARCH");
    succeed(
        access,
        "INBOX",
        &["--request", "UID STORE 2 +FLAGS.SILENT (\\Deleted)"],
    );
    let expunged = succeed(access, "INBOX", &["--request", "EXPUNGE"]);
    assert_eq!(expunged.trim(), "* 2 EXPUNGE");
}

#[test]
fn begins_tls_on_the_plain_port() {
    let target = Target::start();
    let access = target.access();
    let url = format!("imap://{}/", access.imap);
    let ended = run(access, &url, &["--ssl-reqd"]);
    assert!(ended.status.success(), "{ended}");
    assert!(ended.text().contains("INBOX"), "{ended}");
}

#[test]
fn is_refused_without_tls() {
    let target = Target::start();
    let access = target.access();
    let ended = run(access, &format!("imap://{}/", access.imap), &[]);
    // 67 is CURLE_LOGIN_DENIED: no login is offered before STARTTLS (RFC 3501 §6.2.3).
    assert_eq!(ended.status.code(), Some(67), "{ended}");
}

#[test]
fn is_refused_with_a_wrong_password() {
    let target = Target::start();
    let access = target.access();
    let ended = curl(access, "", &["--user", &format!("{}:wrong", access.user)]);
    assert_eq!(ended.status.code(), Some(67), "{ended}");
}

#[test]
fn logs_in_with_each_mechanism_that_curl_has() {
    let target = Target::start();
    let access = target.access();
    for mechanism in ["PLAIN", "LOGIN"] {
        let options = format!("AUTH={mechanism}");
        for initial_response in [&["--sasl-ir"][..], &[]] {
            let arguments = [&["--login-options", &options], initial_response].concat();
            let ended = curl(access, "", &arguments);
            assert!(ended.status.success(), "{ended}");
        }
    }
}
