//! Passwords, the content of messages and the names of people and mailboxes stay where they belong, whatever the level
//! of the log.

use cluster_tests::cluster::Cluster;
use cluster_tests::server::{Access, PASSWORD};
use cluster_tests::{Imap, Scratch, Server, ServerOptions, mail};

use crate::metrics::deliver;
use crate::receiver::Receiver;
use crate::watch::get;

const SUBJECT: &str = "Quince-7341";
const BODY: &str = "Marmalade-9182";
const MAILBOX: &str = "Orchard-5523";
const WRONG_PASSWORD: &str = "Pomelo-2277";
/// What else somebody may say who is not understood.
const MALFORMED: &str = "Medlar-6405";

/// Everything that must not be found, in the forms that it takes on its way.
fn private(access: &Access) -> Vec<(&'static str, String)> {
    let name = access.user.split('@').next().unwrap_or_default().to_owned();
    vec![
        ("password", PASSWORD.to_owned()),
        // The end of AUTHENTICATE PLAIN (RFC 4616), without what depends on where it stands.
        ("password in base64", "Y29ycmVjdCBob3JzZ".to_owned()),
        ("wrong password", WRONG_PASSWORD.to_owned()),
        ("malformed command", MALFORMED.to_owned()),
        ("subject", SUBJECT.to_owned()),
        ("body", BODY.to_owned()),
        ("mailbox", MAILBOX.to_owned()),
        ("name", name),
        ("sender", "ada@example.net".to_owned()),
    ]
}

/// Brings everything that is private through the server, in good ways and bad ones.
fn make_use_of(access: &Access) {
    let message = mail::message(SUBJECT, BODY);
    let mut client = Imap::login(access);
    client.ok(format!("CREATE {MAILBOX}"));
    let appended = client.append(MAILBOX, "", &message).expect("an answer");
    assert_eq!(appended.status, cluster_tests::imap::Status::Ok);
    client.ok(format!("SELECT {MAILBOX}"));
    client.ok("FETCH 1 (ENVELOPE BODYSTRUCTURE BODY[])");
    client.ok(format!("SEARCH TEXT {BODY}"));
    client.refused(format!("SELECT {MAILBOX}/{MALFORMED}"));
    assert!(deliver(access, &message).contains("250 2.0.0"));
    let mut stranger = Imap::connect(access).expect("a greeting");
    stranger.refused(format!("LOGIN {} {WRONG_PASSWORD}", access.user));
    for wrong in ["LOGIN", "AUTHENTICATE PLAIN =", "NOOP"] {
        let _ = stranger.run(format!("{wrong} {MALFORMED} {WRONG_PASSWORD} x"));
    }
    // "\0alice@example.org\0correct horse".
    let plain = "AGFsaWNlQGV4YW1wbGUub3JnAGNvcnJlY3QgaG9yc2U=";
    let mut other = Imap::connect(access).expect("a greeting");
    other.ok(format!("AUTHENTICATE PLAIN {plain}"));
}

fn check(what: &str, text: &str, private: &[(&str, String)]) {
    let text_lower = text.to_lowercase();
    for (kind, secret) in private {
        let Some(at) = text_lower.find(&secret.to_lowercase()) else {
            continue;
        };
        let line = text_lower
            .get(..at)
            .map_or(0, |before| before.matches('\n').count());
        let shown: String = text
            .lines()
            .nth(line)
            .unwrap_or_default()
            .chars()
            .take(400)
            .collect();
        assert!(text.is_empty(), "{what} hold the {kind}: {shown}");
    }
}

fn loud(options: ServerOptions) -> ServerOptions {
    options
        .set("log", "level", "\"trace\"")
        .set("auth", "failures_per_connection_max", "20")
        .set("limits", "preauth_bad_commands_max", "20")
}

fn quoted(path: &std::path::Path) -> String {
    format!("{:?}", path.to_string_lossy())
}

#[test]
fn one_process_tells_names_to_the_authentication_log_alone() {
    let (receiver, scratch) = (Receiver::start(), Scratch::new());
    let attempts = scratch.join("attempts.log");
    let options = loud(receiver.wanted_by(ServerOptions::default()));
    let mut server = Server::start_with(options.set("log", "auth_log_file", &quoted(&attempts)));
    let access = server.access().clone();
    make_use_of(&access);
    let metrics = get(&server, "/metrics").body;
    let private = private(&access);
    check("metrics", &metrics, &private);
    let log = server.output();
    assert!(log.contains(" TRACE "), "the log says all that it can");
    check("logs", &log, &private);
    server.stop();
    let spans = receiver.spans();
    assert!(spans.spans.iter().any(|span| span.name == "imap.command"));
    check("spans", &spans.all, &private);
    let attempts = std::fs::read_to_string(attempts).expect("the authentication log");
    assert!(
        attempts.contains("result=ok") && attempts.contains(&access.user),
        "{attempts}"
    );
    assert!(
        !attempts.contains(WRONG_PASSWORD) && !attempts.contains(PASSWORD),
        "{attempts}"
    );
}

#[test]
fn several_processes_tell_no_more() {
    let (receiver, scratch) = (Receiver::start(), Scratch::new());
    let attempts = quoted(&scratch.join("attempts.log"));
    let mut cluster = Cluster::start_with(1, |options| {
        loud(receiver.wanted_by(options)).set("log", "auth_log_file", &attempts)
    });
    let access = cluster.access().clone();
    make_use_of(&access);
    let private = private(&access);
    for process in cluster.nodes.iter_mut().chain(&mut cluster.proxies) {
        check("metrics", &get(process, "/metrics").body, &private);
        check("logs", &process.output(), &private);
        process.stop();
    }
    check("spans", &receiver.spans().all, &private);
}
