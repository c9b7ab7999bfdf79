//! swaks: LMTP step by step (RFC 2033).

use cluster_tests::program::Ended;
use cluster_tests::server::{Access, ServerOptions};
use cluster_tests::stand_in::Target;
use cluster_tests::{Imap, Program, Scratch, Server, mail};

fn swaks(access: &Access, recipients: &[&str], message: &[u8], arguments: &[&str]) -> Ended {
    let scratch = Scratch::new();
    let file = scratch.file("message", message);
    Program::new("swaks")
        .home(scratch.path())
        .arguments(["--protocol", "LMTP", "--server", &access.lmtp.to_string()])
        .arguments(["--helo", "mx.example.net", "--from", "ada@example.net"])
        .arguments(["--to", &recipients.join(",")])
        .arguments(["--data", &format!("@{}", file.display())])
        .arguments(arguments)
        .run()
}

/// Returns the replies to the message itself: one for each recipient that was taken.
fn replies_after_dot(ended: &Ended) -> Vec<String> {
    let text = ended.text();
    let (_, after) = text.split_once("\n -> .\n").unwrap_or_default();
    after
        .lines()
        .take_while(|line| !line.starts_with(" ->"))
        .filter_map(|line| line.get(4..7).map(str::to_owned))
        .collect()
}

#[test]
fn delivers_to_one_recipient() {
    let target = Target::start();
    let access = target.access();
    let ended = swaks(
        access,
        &[&access.user],
        &mail::message("One", "line\n.dot\n..dots\n"),
        &[],
    );
    assert!(ended.status.success(), "{ended}");
    let dump = Imap::login(access).dump("INBOX");
    assert_eq!(dump.len(), 1);
    let text = String::from_utf8_lossy(&dump[0].body).into_owned();
    assert!(text.starts_with("Return-Path: <ada@example.net>\r\n"), "{text}");
    assert!(text.contains("\r\nReceived: "), "{text}");
    assert!(text.contains("\r\n\r\nline\r\n.dot\r\n..dots\r\n"), "{text}");
}

#[test]
fn each_recipient_has_a_reply_of_its_own() {
    let target = Target::start();
    let access = target.access();
    let message = mail::message("Two", "for both");
    let ended = swaks(access, &[&access.user, &access.other_user], &message, &[]);
    assert_eq!(replies_after_dot(&ended), ["250", "250"], "{ended}");
    for user in [&access.user, &access.other_user] {
        assert_eq!(Imap::login_as(access, user).count("INBOX"), 1, "{user}");
    }
}

#[test]
fn an_unknown_recipient_is_refused_and_the_others_get_their_mail() {
    let target = Target::start();
    let access = target.access();
    let recipients = [access.user.as_str(), "nobody@example.org"];
    let ended = swaks(
        access,
        &recipients,
        &mail::message("Mixed", "for one"),
        &["--silent", "0"],
    );
    let text = ended.text();
    assert!(text.contains("<** 550 5.1.1"), "{ended}");
    assert_eq!(replies_after_dot(&ended), ["250"], "{ended}");
    assert_eq!(Imap::login(access).count("INBOX"), 1);
}

#[test]
fn eight_bit_mail_arrives_as_it_was_sent() {
    let target = Target::start();
    let access = target.access();
    let message = mail::message("Eight", "Zo\u{eb} \u{2192} na\u{ef}ve \u{1f4ee}");
    let ended = swaks(access, &[&access.user], &message, &[]);
    assert!(ended.status.success(), "{ended}");
    assert!(ended.text().contains("8BITMIME"), "{ended}");
    let dump = Imap::login(access).dump("INBOX");
    let body = dump
        .first()
        .map(|message| message.body.clone())
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    assert!(
        text.contains("\r\n\r\nZo\u{eb} \u{2192} na\u{ef}ve \u{1f4ee}\r\n"),
        "{text}"
    );
}

#[test]
fn commands_may_come_in_one_packet() {
    let target = Target::start();
    let access = target.access();
    let recipients = [access.user.as_str(), &access.other_user];
    let ended = swaks(
        access,
        &recipients,
        &mail::message("Pipeline", "fast"),
        &["--pipeline"],
    );
    assert!(ended.status.success(), "{ended}");
    assert_eq!(replies_after_dot(&ended), ["250", "250"], "{ended}");
}

#[test]
fn a_message_that_is_too_large_is_refused() {
    let server = Server::start_with(ServerOptions::default().set("lmtp", "message_bytes_max", "\"64KiB\""));
    let access = server.access();
    let ended = swaks(
        access,
        &[&access.user],
        &mail::large_message("Large", 100 << 10),
        &[],
    );
    assert!(ended.text().contains("250-SIZE 6"), "{ended}");
    assert_eq!(replies_after_dot(&ended), ["552"], "{ended}");
    assert_eq!(Imap::login(access).count("INBOX"), 0);
    let ended = swaks(access, &[&access.user], &mail::message("Small", "fits"), &[]);
    assert!(ended.status.success(), "{ended}");
}
