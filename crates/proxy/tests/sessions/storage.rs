//! A session outlives a storage node: passing failures are slow commands (DESIGN §3.9).

use std::time::Duration;

use mailstore::StoreError;
use mailstore::account::QuotaLimits;
use mailstore::ports::SessionNotice;

use crate::support::{Server, append, is_ok, local_options, tagged};

const LOST: StoreError = StoreError::Unavailable("leader lost");

/// PROTOCOL §2.7, RELIABILITY 8: repeated under one request id, done once.
#[tokio::test(start_paused = true)]
async fn a_change_whose_reply_is_lost_is_made_once() {
    let server = Server::local();
    let mut peer = server.logged_in().await;
    server.store.lose_replies(2);
    let appended = append(&mut peer, "x").await;
    assert!(tagged(&appended).contains("OK [APPENDUID "), "{appended:?}");
    let status = peer.command("s", "STATUS INBOX (MESSAGES UIDNEXT)").await;
    assert_eq!(
        status.first().map(String::as_str),
        Some("* STATUS INBOX (MESSAGES 1 UIDNEXT 2)")
    );
}

#[tokio::test(start_paused = true)]
async fn passing_failures_are_waited_out() {
    let server = Server::local();
    let mut peer = server.selected().await;
    append(&mut peer, "x").await;
    for command in [
        "FETCH 1 (FLAGS BODY[])",
        "STORE 1 +FLAGS (\\Seen)",
        "LIST \"\" *",
        "SEARCH ALL",
        "NOOP",
    ] {
        server.store.fail_next(vec![LOST; 5]);
        let responses = peer.command("a", command).await;
        assert!(is_ok(&responses), "{command}: {responses:?}");
    }
}

/// RFC 5530 §3: in the end the client hears that it may try again.
#[tokio::test(start_paused = true)]
async fn patience_has_an_end() {
    let server = Server::local();
    let mut peer = server.selected().await;
    append(&mut peer, "x").await;
    server.store.fail_next(vec![LOST; 10_000]);
    let begun = tokio::time::Instant::now();
    let responses = peer.command("a", "LIST \"\" *").await;
    assert!(
        tagged(&responses).starts_with("a NO [UNAVAILABLE]"),
        "{responses:?}"
    );
    assert!(begun.elapsed() <= Duration::from_secs(31));
    // The news behind a command are not waited for a second time, and an APPEND waits once for all its calls.
    for command in [
        "STATUS INBOX (MESSAGES)",
        "APPEND INBOX {1+}\r\nx",
        "FETCH 1 BODY[]",
    ] {
        let begun = tokio::time::Instant::now();
        let responses = peer.command("b", command).await;
        assert!(
            tagged(&responses).starts_with("b NO [UNAVAILABLE]"),
            "{responses:?}"
        );
        assert!(
            begun.elapsed() <= Duration::from_secs(31),
            "{command}: {:?}",
            begun.elapsed()
        );
    }
    server.store.fail_next([]);
    assert!(is_ok(&peer.command("c", "LIST \"\" *").await));
}

/// PROTOCOL §2.10: a storage that does not answer is never a wrong password.
#[tokio::test(start_paused = true)]
async fn login_tells_failure_from_refusal() {
    let server = Server::local();
    let mut peer = server.greeted().await;
    server.store.fail_next(vec![LOST; 1000]);
    let begun = tokio::time::Instant::now();
    let responses = peer.command("a", "LOGIN demo@example.org secret").await;
    assert!(
        tagged(&responses).starts_with("a NO [UNAVAILABLE]"),
        "{responses:?}"
    );
    assert!(begun.elapsed() <= Duration::from_secs(31));
    server.store.fail_next([LOST, LOST]);
    assert!(is_ok(&peer.command("b", "LOGIN demo@example.org secret").await));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_refuses_before_the_literal() {
    let server = Server::local();
    let mut peer = server.logged_in().await;
    server.store.fail_next([StoreError::NoSpace]);
    let responses = peer.command("a", "APPEND INBOX {5}").await;
    assert!(
        tagged(&responses).starts_with("a NO [UNAVAILABLE]"),
        "{responses:?}"
    );
    assert!(is_ok(&append(&mut peer, "12345").await));
}

/// The octets are kept until they are stored, in memory or in a file.
#[tokio::test(start_paused = true)]
async fn an_upload_that_breaks_off_is_begun_again() {
    let server = Server::local();
    let mut peer = server.selected().await;
    for (number, size) in [(1, 200_000), (2, 400_000)] {
        server.store.break_uploads(3);
        assert!(is_ok(&append(&mut peer, &"x".repeat(size)).await));
        let sizes = peer.command("f", &format!("FETCH {number} RFC822.SIZE")).await;
        assert_eq!(
            sizes.first().map(String::as_str),
            Some(&*format!("* {number} FETCH (RFC822.SIZE {size})"))
        );
    }
}

/// DESIGN §3.9, RELIABILITY 30: IDLE stays open when the node that feeds it is lost, and misses nothing.
#[tokio::test(start_paused = true)]
async fn idle_goes_on_when_its_watch_is_lost() {
    let server = Server::local();
    let mut other = server.selected().await;
    append(&mut other, "x").await;
    let mut idling = server.selected().await;
    idling.send(b"i IDLE\r\n").await;
    idling.until("+").await;
    for flag in ["\\Seen", "\\Flagged"] {
        server.store.break_watches();
        tokio::task::yield_now().await;
        assert!(is_ok(
            &other
                .command("s", &format!("STORE 1 +FLAGS.SILENT ({flag})"))
                .await
        ));
        let changed = tokio::time::Instant::now();
        let heard = idling.until("* 1 FETCH").await;
        assert!(tagged(&heard).contains(flag), "{heard:?}");
        assert!(changed.elapsed() <= Duration::from_secs(2));
    }
}

/// Calls are made with the newest token, also while a session idles.
#[tokio::test(start_paused = true)]
async fn renewed_tokens_are_used() {
    let server = Server::local();
    let mut peer = server.logged_in().await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(server.store.last_token(), "");
    server
        .store
        .notify_sessions(&SessionNotice::TokenRenewed("new".into()));
    tokio::time::sleep(Duration::from_millis(10)).await;
    peer.command("a", "LIST \"\" *").await;
    assert_eq!(server.store.last_token(), "new");
}

/// DESIGN §3.9: IDLE begins although the storage is silent, outlasts it, and what the client sends
/// behind it is understood.
#[tokio::test(start_paused = true)]
async fn idle_outlasts_a_silent_storage() {
    let server = Server::local();
    let mut other = server.selected().await;
    let mut idling = server.selected().await;
    server.store.fail_next(vec![LOST; 10_000]);
    let begun = tokio::time::Instant::now();
    idling.send(b"i IDLE\r\n").await;
    assert!(tagged(&idling.until("+").await).starts_with('+'));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    tokio::time::sleep(Duration::from_secs(45)).await;
    server.store.fail_next([]);
    assert!(is_ok(&append(&mut other, "x").await));
    let heard = idling.until("* 1 EXISTS").await;
    assert_eq!(tagged(&heard), "* 1 EXISTS");
    idling.send(b"DONE\r\nn NOOP\r\n").await;
    let heard = idling.until("n ").await;
    assert!(is_ok(&heard), "{heard:?}");
    assert!(heard.iter().any(|line| line.starts_with("i OK")), "{heard:?}");
}

/// PROTOCOL §2.8: the sign of life does not wait for a storage that is silent.
#[tokio::test(start_paused = true)]
async fn idle_gives_signs_of_life_while_the_storage_is_silent() {
    let server = Server::local();
    let mut idling = server.selected().await;
    server.store.fail_next(vec![LOST; 100_000]);
    idling.send(b"i IDLE\r\n").await;
    idling.until("+").await;
    for _ in 0..3 {
        let waited = tokio::time::Instant::now();
        assert_eq!(tagged(&idling.until("* OK").await), "* OK Still here");
        assert!(
            waited.elapsed() <= Duration::from_secs(120),
            "{:?}",
            waited.elapsed()
        );
    }
}

/// RELIABILITY 11: a message that cannot be read is refused by name of the reason; it does not take the
/// others with it.
#[tokio::test(start_paused = true)]
async fn one_unreadable_message_does_not_hide_the_others() {
    for items in [
        "BODY.PEEK[]",
        "(ENVELOPE BODY.PEEK[HEADER] BODY.PEEK[TEXT])",
        "(FLAGS ENVELOPE)",
    ] {
        let server = Server::local();
        let mut peer = server.selected().await;
        let texts = ["a", "b", "c", "d", "e"].map(|name| format!("Subject: {name}\r\n\r\n{name}{name}\r\n"));
        for text in &texts {
            append(&mut peer, text).await;
        }
        server.store.damage_content(texts[1].as_bytes());
        if items.contains("FLAGS") {
            server.store.damage_summary(texts[1].as_bytes());
        }
        server.store.damage_summary(texts[4].as_bytes());
        let fetched = peer.command("f", &format!("FETCH 1:5 {items}")).await;
        let numbers: Vec<_> = fetched
            .iter()
            .filter_map(|line| line.strip_suffix(')')?.get(2..3))
            .collect();
        assert_eq!(numbers, ["1", "3", "4"], "{items}: {fetched:?}");
        assert_eq!(
            tagged(&fetched),
            "f NO [UNAVAILABLE] Content of 2 messages is not available at present"
        );
        assert!(is_ok(&peer.command("g", &format!("FETCH 1,3:4 {items}")).await));
    }
}

/// DESIGN §2: watches, the look behind a hint, and the claim of `\Recent` are shared by the sessions of one mailbox.
#[tokio::test(start_paused = true)]
async fn a_hundred_idle_sessions_cost_as_much_as_one() {
    let mut costs = Vec::new();
    for sessions in [1, 100] {
        let mut options = local_options();
        options.connections.per_account_and_peer_max = 200;
        let server = Server::new(options, QuotaLimits::default());
        let mut other = server.logged_in().await;
        let mut idling = Vec::new();
        for _ in 0..sessions {
            let mut peer = server.selected().await;
            peer.send(b"i IDLE\r\n").await;
            peer.until("+").await;
            idling.push(peer);
        }
        // The views of the selects are dropped meanwhile.
        tokio::time::sleep(Duration::from_secs(30)).await;
        let before = server.replicas.moments();
        assert!(is_ok(&append(&mut other, "y").await));
        let mut recent = 0;
        for peer in &mut idling {
            peer.until("* 1 EXISTS").await;
            let heard = peer.until("* ").await;
            recent += heard.iter().filter(|line| line.as_str() == "* 1 RECENT").count();
        }
        costs.push(server.replicas.moments() - before);
        assert_eq!(recent, 1);
    }
    assert_eq!(costs[0], costs[1]);
}
