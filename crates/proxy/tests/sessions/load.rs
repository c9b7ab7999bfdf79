//! What becomes of clients when the process ends, and when it has taken on too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mailstore::account::QuotaLimits;
use proxy::ProxyOptions;
use testkit::transcript::{Peer, Said};

use crate::support::{Server, append, is_ok, local_options, tagged};

/// RFC 3501 §7.1.5: sessions are told that they have to go, one after the other; a command under way is carried out.
#[tokio::test(start_paused = true)]
async fn sessions_end_one_after_the_other_and_commands_to_their_end() {
    let server = Server::local();
    let mut appending = server.selected().await;
    appending.send(b"a APPEND INBOX {5}\r\n").await;
    appending.until("+").await;
    let mut waiting = Vec::new();
    for _ in 0..30 {
        waiting.push(server.selected().await);
    }
    let mut before_login = server.greeted().await;
    let begun = tokio::time::Instant::now();
    let ends = server.proxy.shut_down();
    let clients = async {
        assert_eq!(
            tagged(&before_login.until("* BYE").await),
            "* BYE [UNAVAILABLE] Server is stopping, connect again"
        );
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let mut ended = Vec::new();
        for mut peer in waiting {
            assert!(tagged(&peer.until("* BYE").await).starts_with("* BYE [UNAVAILABLE]"));
            ended.push(begun.elapsed());
        }
        ended.dedup();
        assert!(ended.len() > 10, "{ended:?}");
        tokio::time::sleep(Duration::from_secs(20)).await;
        appending.send(b"hello\r\n").await;
        let heard = appending.until("* BYE").await;
        assert!(
            heard.iter().any(|line| line.starts_with("a OK [APPENDUID")),
            "{heard:?}"
        );
    };
    tokio::join!(ends, clients);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

/// A command that does not end is cut off when the time is over.
#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_ever() {
    let server = Server::local();
    let mut appending = server.selected().await;
    appending.send(b"a APPEND INBOX {5}\r\n").await;
    appending.until("+").await;
    let begun = tokio::time::Instant::now();
    server.proxy.shut_down().await;
    assert!(
        begun.elapsed() <= Duration::from_secs(36),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(appending.hear().await, Said::Closed);
}

/// RELIABILITY 19: nobody new is let in while too much waits for the storage; who is in goes on.
#[tokio::test(start_paused = true)]
async fn too_much_work_turns_away_who_is_not_in() {
    let mut server = Server::local();
    let overloaded = Arc::new(AtomicBool::new(false));
    let sign = Arc::clone(&overloaded);
    server = server.with_overload_sign(Arc::new(move || sign.load(Ordering::Relaxed)));
    let mut inside = server.selected().await;
    let mut before_login = server.greeted().await;
    overloaded.store(true, Ordering::Relaxed);
    let mut refused = Peer::new(Box::new(server.open()));
    assert!(matches!(refused.hear().await, Said::Response(line) if line.starts_with("* BYE [UNAVAILABLE]")));
    let calls = server.replicas.moments();
    let login = before_login.command("a", "LOGIN demo@example.org secret").await;
    assert!(tagged(&login).starts_with("a NO [UNAVAILABLE]"), "{login:?}");
    assert_eq!(server.replicas.moments(), calls, "the storage was asked");
    assert!(is_ok(&append(&mut inside, "x").await));
    overloaded.store(false, Ordering::Relaxed);
    assert!(is_ok(
        &before_login.command("b", "LOGIN demo@example.org secret").await
    ));
}

/// What clients make the process hold is bounded for all of them together.
#[tokio::test(start_paused = true)]
async fn clients_that_do_not_read_turn_away_new_ones() {
    let options = ProxyOptions {
        buffered_bytes_max: 16 * 1024,
        ..local_options()
    };
    let server = Server::new(options, QuotaLimits::default());
    let mut peer = server.selected().await;
    append(&mut peer, &"x".repeat(200_000)).await;
    peer.send(b"f FETCH 1 BODY[]\r\n").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut refused = Peer::new(Box::new(server.open()));
    assert!(matches!(refused.hear().await, Said::Response(line) if line.starts_with("* BYE [UNAVAILABLE]")));
    assert!(is_ok(&peer.until("f ").await));
    assert!(is_ok(&peer.command("n", "NOOP").await));
    server.greeted().await;
}
