//! Rules of conduct that a dialogue on paper cannot show: time, limits, octets at their boundaries.

use std::time::Duration;

use mailstore::account::QuotaLimits;
use mailstore::ports::SessionNotice;
use proxy::{ConnectionLimits, ProxyOptions};
use testkit::transcript::{Peer, Said};

use crate::support::{Server, append, is_ok, local_options, tagged};

/// PROTOCOL §2.2: what comes back is what was stored, octet for octet, and RFC822.SIZE counts it.
#[tokio::test(start_paused = true)]
async fn messages_come_back_byte_for_byte() {
    let server = Server::local();
    let mut peer = server.selected().await;
    let odd = "no header at all\rbare CR\nbare LF\r\n\r\n.\r\n{5}\r\n\u{e9}\u{0}end".replace('\0', "\t");
    for (number, text) in (1..).zip(["x", "\r\n", odd.as_str(), &"long line ".repeat(20_000)]) {
        assert!(is_ok(&append(&mut peer, text).await));
        let fetched = peer
            .command("f", &format!("FETCH {number} (RFC822.SIZE BODY.PEEK[])"))
            .await;
        let expected = format!(
            "* {number} FETCH (RFC822.SIZE {length} BODY[] {{{length}}}\r\n{text})",
            length = text.len()
        );
        assert_eq!(fetched.first(), Some(&shown(&expected)));
    }
}

fn shown(text: &str) -> String {
    text.replace('\r', "\\r")
        .replace('\n', "\\n")
        .replace('\t', "\\t")
}

/// PROTOCOL §2.4 and §2.5: however the octets are cut into packets, the answers are the same.
#[tokio::test(start_paused = true)]
async fn input_may_come_octet_by_octet() {
    let server = Server::local();
    let mut peer = server.selected().await;
    let dialogue =
        "a APPEND INBOX {4+}\r\nabcd\r\nb STATUS {5+}\r\nINBOX (MESSAGES)\r\nc IDLE\r\nDONE\r\nd NOOP\r\n";
    for byte in dialogue.bytes() {
        peer.send(&[byte]).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let responses = peer.until("d ").await;
    for expected in [
        "* 1 EXISTS",
        "a OK ",
        "* STATUS INBOX (MESSAGES 1)",
        "b OK ",
        "+ ",
        "c OK ",
        "d OK ",
    ] {
        assert!(
            responses.iter().any(|line| line.starts_with(expected)),
            "{expected}: {responses:?}"
        );
    }
}

/// PROTOCOL §2.5: lines of 64 KiB, as imapsync and MailKit send them.
#[tokio::test(start_paused = true)]
async fn long_lines_are_taken() {
    let server = Server::local();
    let mut peer = server.selected().await;
    append(&mut peer, "x").await;
    let set = vec!["1"; 30_000].join(",");
    let fetched = peer.command("a", &format!("FETCH {set} UID")).await;
    assert_eq!(fetched.first().map(String::as_str), Some("* 1 FETCH (UID 1)"));
    let longer = peer
        .command("b", &format!("FETCH {} UID", vec!["1"; 40_000].join(",")))
        .await;
    assert!(tagged(&longer).starts_with("* BYE") || longer.iter().any(|line| line.starts_with("b BAD")));
}

#[tokio::test(start_paused = true)]
async fn login_has_to_come_in_time() {
    let server = Server::local();
    let mut idle = server.greeted().await;
    let mut busy = server.greeted().await;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert!(is_ok(&busy.command("a", "NOOP").await));
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    for peer in [&mut idle, &mut busy] {
        assert!(matches!(peer.hear().await, Said::Response(line) if line.starts_with("* BYE")));
        assert_eq!(peer.hear().await, Said::Closed);
    }
}

/// PROTOCOL §2.8: a sign of life at least every 120 seconds, for as long as the client waits.
#[tokio::test(start_paused = true)]
async fn idle_gives_signs_of_life() {
    let server = Server::local();
    let mut peer = server.selected().await;
    peer.send(b"a IDLE\r\n").await;
    assert!(matches!(peer.hear().await, Said::Response(line) if line.starts_with('+')));
    for _ in 0..40 {
        let waited = tokio::time::Instant::now();
        assert_eq!(peer.hear().await, Said::Response("* OK Still here".to_owned()));
        assert!(waited.elapsed() <= Duration::from_secs(120));
    }
    peer.send(b"DONE\r\n").await;
    assert!(is_ok(&peer.until("a ").await));
}

/// RFC 3501 §5.4: at least 30 minutes.
#[tokio::test(start_paused = true)]
async fn idle_sessions_are_logged_out() {
    let server = Server::local();
    let mut peer = server.logged_in().await;
    tokio::time::sleep(Duration::from_secs(29 * 60)).await;
    assert!(is_ok(&peer.command("a", "NOOP").await));
    tokio::time::sleep(Duration::from_secs(31 * 60)).await;
    assert!(matches!(peer.hear().await, Said::Response(line) if line.starts_with("* BYE")));
    assert_eq!(peer.hear().await, Said::Closed);
    settle().await;
    assert_eq!(server.store.sessions(), 0);
}

/// RELIABILITY §3: guessing commands ends the connection.
#[tokio::test(start_paused = true)]
async fn too_many_bad_commands_end_the_connection() {
    let server = Server::local();
    let mut peer = server.greeted().await;
    for _ in 0..7 {
        assert!(tagged(&peer.command("a", "FROB").await).starts_with("a BAD"));
    }
    assert!(tagged(&peer.command("a", "FROB").await).starts_with("a BAD"));
    assert!(matches!(peer.hear().await, Said::Response(line) if line.starts_with("* BYE")));
    assert_eq!(peer.hear().await, Said::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_session_can_be_ended_from_outside() {
    let server = Server::local();
    let mut waiting = server.logged_in().await;
    let mut idling = server.selected().await;
    idling.send(b"i IDLE\r\n").await;
    assert!(matches!(idling.hear().await, Said::Response(line) if line.starts_with('+')));
    settle().await;
    server.store.notify_sessions(&SessionNotice::Ended("Kicked"));
    assert_eq!(waiting.hear().await, Said::Response("* BYE Kicked".to_owned()));
    assert_eq!(
        idling.until("* BYE").await.last().map(String::as_str),
        Some("* BYE Kicked")
    );
}

/// Every session hears why it ends, and the process does not wait for clients that do not listen.
#[tokio::test(start_paused = true)]
async fn shutdown_says_goodbye() {
    let server = Server::local();
    let mut before = server.greeted().await;
    let mut after = server.selected().await;
    let mut idling = server.selected().await;
    idling.send(b"i IDLE\r\n").await;
    idling.hear().await;
    server.proxy.shut_down().await;
    for peer in [&mut before, &mut after, &mut idling] {
        let last = peer.until("* BYE").await;
        assert!(tagged(&last).starts_with("* BYE [UNAVAILABLE]"), "{last:?}");
        assert_eq!(peer.hear().await, Said::Closed);
    }
}

/// PROTOCOL §2.15: bounded by account and address, never by address alone.
#[tokio::test(start_paused = true)]
async fn connections_are_bounded() {
    let options = ProxyOptions {
        connections: ConnectionLimits {
            total_max: 4,
            before_login_per_peer_max: 2,
            per_account_and_peer_max: 1,
        },
        ..local_options()
    };
    let server = Server::new(options, QuotaLimits::default());
    let _logged_in = server.logged_in().await;
    let mut second = server.greeted().await;
    let login = second.command("a", "LOGIN demo@example.org secret").await;
    assert!(tagged(&login).starts_with("a NO [LIMIT]"), "{login:?}");
    let _third = server.greeted().await;
    let mut refused = Peer::new(Box::new(server.open()));
    assert!(matches!(refused.hear().await, Said::Response(line) if line.starts_with("* BYE [UNAVAILABLE]")));
}

/// RFC 5530 §3: a session registry that is full says so. The password was right, so nothing is held against
/// the client, however often it tries.
#[tokio::test(start_paused = true)]
async fn a_full_session_registry_is_no_failed_login() {
    let server = Server::local();
    server.store.limit_sessions(0);
    let mut peer = server.greeted().await;
    let begun = tokio::time::Instant::now();
    for _ in 0..5 {
        let login = peer.command("a", "LOGIN demo@example.org secret").await;
        assert!(
            tagged(&login).starts_with("a NO [LIMIT] Too many sessions"),
            "{login:?}"
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "nothing is held back");
    server.store.limit_sessions(1);
    let sasl = "AUTHENTICATE PLAIN AGRlbW9AZXhhbXBsZS5vcmcAc2VjcmV0";
    assert!(is_ok(&peer.command("b", sasl).await));
}

/// RELIABILITY §3: a client that never reads costs no more than the octets that may wait, and in the
/// end its connection.
#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut_off() {
    let server = Server::local();
    let mut peer = server.selected().await;
    append(&mut peer, &"x".repeat(300_000)).await;
    let calls = server.store.calls();
    peer.send("a FETCH 1 BODY.PEEK[]\r\n".repeat(50).as_bytes()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(
        server.store.calls() < calls + 10,
        "work goes on although nobody reads"
    );
    tokio::time::sleep(Duration::from_secs(6 * 60)).await;
    settle().await;
    assert_eq!(server.store.sessions(), 0);
}

/// RELIABILITY 23: a connection that is lost in the middle of a message leaves nothing behind.
#[tokio::test(start_paused = true)]
async fn a_message_that_breaks_off_leaves_nothing() {
    let server = Server::local();
    let mut lost = server.logged_in().await;
    lost.send(b"a APPEND INBOX {1000000+}\r\nhalf of it").await;
    settle().await;
    drop(lost);
    let mut slow = server.logged_in().await;
    slow.send(b"a APPEND INBOX {10}\r\n").await;
    assert!(matches!(slow.hear().await, Said::Response(line) if line.starts_with('+')));
    slow.send(b"12345").await;
    tokio::time::sleep(Duration::from_secs(70)).await;
    let end = slow.until("* BYE").await;
    assert!(
        end.first().is_some_and(|line| line.starts_with("a NO")),
        "{end:?}"
    );
    let mut peer = server.logged_in().await;
    let status = peer.command("s", "STATUS INBOX (MESSAGES UIDNEXT)").await;
    assert_eq!(
        status.first().map(String::as_str),
        Some("* STATUS INBOX (MESSAGES 0 UIDNEXT 1)")
    );
    assert_eq!(server.store.blobs(), 0);
}

/// Lets tasks run that have something to do.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

/// DESIGN §4: an idle session costs little; what a command needs is in a box of its own.
#[tokio::test(start_paused = true)]
async fn the_task_of_a_connection_is_small() {
    let server = Server::local();
    let (_client, stream) = tokio::io::duplex(64);
    let peer = "127.0.0.1:1".parse().unwrap();
    let task = server.proxy.serve(stream, peer, proxy::Security::Plain);
    assert!(size_of_val(&task) <= 3 * 1024, "{}", size_of_val(&task));
}

/// RFC 2971 §3.3, RFC 3501 §6.1.1: what the site wants to be said is said, before login and after it.
#[tokio::test(start_paused = true)]
async fn the_site_decides_what_is_announced_and_said() {
    let options = ProxyOptions {
        hidden_capabilities: vec!["QRESYNC".into(), "ESEARCH".into()],
        id_fields: vec![("name".into(), "mail".into())],
        compress: false,
        ..local_options()
    };
    let server = Server::new(options, QuotaLimits::default());
    let mut peer = server.logged_in().await;
    let listed = peer.command("a", "CAPABILITY").await;
    let capabilities = listed.first().expect("a list");
    assert!(capabilities.contains(" CONDSTORE "), "{capabilities}");
    for hidden in ["QRESYNC", "ESEARCH", "COMPRESS"] {
        assert!(!capabilities.contains(hidden), "{capabilities}");
    }
    let said = peer.command("b", "ID NIL").await;
    assert_eq!(said.first().map(String::as_str), Some("* ID (\"name\" \"mail\")"));
    assert!(
        is_ok(&peer.command("c", "ENABLE QRESYNC").await),
        "hidden is not forbidden"
    );
    let compress = peer.command("d", "COMPRESS DEFLATE").await;
    assert!(!is_ok(&compress), "{compress:?}");
    assert!(is_ok(&peer.command("e", "NOOP").await), "still in clear");
}
