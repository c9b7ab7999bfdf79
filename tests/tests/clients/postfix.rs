//! Postfix in front of the server, as on most sites.

use cluster_tests::postfix::Postfix;
use cluster_tests::server::Access;
use cluster_tests::stand_in::Target;
use cluster_tests::{Imap, Program, Server, mail, wait};

fn arrived(access: &Access, user: &str, subject: &str) -> String {
    let mut client = Imap::login_as(access, user);
    wait::until(&format!("mail about {subject}"), || {
        let dump = client.dump("INBOX");
        let bodies = dump
            .iter()
            .map(|message| String::from_utf8_lossy(&message.body).into_owned());
        bodies.into_iter().find(|body| body.contains(subject))
    })
}

#[test]
fn mail_from_local_programs_and_from_the_network_arrives() {
    let target = Target::start();
    let access = target.access();
    let postfix = Postfix::start(access.lmtp);
    postfix.send(
        "ada@example.net",
        &[&access.user, &access.other_user],
        &mail::message("Local", "hello"),
    );
    let text = arrived(access, &access.user, "Subject: Local");
    assert!(text.starts_with("Return-Path: <ada@example.net>\r\n"), "{text}");
    arrived(access, &access.other_user, "Subject: Local");
    Program::new("swaks")
        .arguments(["--server", &postfix.smtp.to_string(), "--from", "ada@example.net"])
        .arguments(["--to", &access.user, "--header", "Subject: Remote"])
        .succeed();
    arrived(access, &access.user, "Subject: Remote");
    wait::until("an empty queue", || postfix.is_idle().then_some(()));
}

#[test]
fn mail_for_nobody_bounces() {
    let target = Target::start();
    let access = target.access();
    let postfix = Postfix::start(access.lmtp);
    postfix.send(
        &access.user,
        &["nobody@example.org", &access.other_user],
        &mail::message("Lost", "hello"),
    );
    arrived(access, &access.other_user, "Subject: Lost");
    let bounce = arrived(access, &access.user, "Undelivered Mail");
    assert!(bounce.starts_with("Return-Path: <>\r\n"), "{bounce}");
    assert!(bounce.contains("5.1.1"), "{bounce}");
}

#[test]
fn mail_waits_while_the_server_is_down() {
    let mut server = Server::start();
    let postfix = Postfix::start(server.access().lmtp);
    server.kill();
    postfix.send(
        "ada@example.net",
        &[&server.access().user],
        &mail::message("Patience", "hello"),
    );
    let _line = postfix.logged(&["status=deferred", "alice@example.org"]);
    server.restart();
    postfix.flush();
    let access = server.access();
    arrived(access, &access.user, "Subject: Patience");
    wait::until("an empty queue", || postfix.is_idle().then_some(()));
    assert_eq!(Imap::login(access).count("INBOX"), 1);
}
