//! The leader is lost at every moment at which the storage is asked for something. The client hears what it would
//! have heard otherwise, word for word and nothing twice, only later (DESIGN §3.9, RELIABILITY 8).

use std::time::Duration;

use crate::replicas::Loss;
use crate::support::{Server, append, is_ok, tagged};

/// Commands that a client sends at once, behind those that prepare its session.
struct Scene {
    before: &'static [&'static str],
    pipelined: &'static [&'static str],
}

const SCENES: &[Scene] = &[
    Scene {
        before: &["SELECT INBOX"],
        pipelined: &[
            "FETCH 1:* (UID FLAGS BODY[])",
            "STORE 2 +FLAGS (\\Flagged $Work)",
            "FETCH 1:* (FLAGS RFC822.SIZE ENVELOPE)",
            "STORE 1:3 -FLAGS.SILENT (\\Flagged)",
            "SEARCH UNDELETED",
            "NOOP",
        ],
    },
    Scene {
        before: &["ENABLE QRESYNC", "SELECT INBOX"],
        pipelined: &[
            "UID STORE 2:3 +FLAGS (\\Deleted)",
            "UID EXPUNGE 2",
            "UID MOVE 4 Archive",
            "COPY 1 Archive",
            "UID COPY 1:* Trash",
            "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)",
            "EXPUNGE",
            "UID FETCH 1:* (UID FLAGS MODSEQ)",
        ],
    },
    Scene {
        before: &["SELECT INBOX", "STORE 1 +FLAGS.SILENT (\\Deleted)"],
        pipelined: &[
            "CLOSE",
            "STATUS INBOX (MESSAGES UIDNEXT UNSEEN HIGHESTMODSEQ)",
            "CREATE Work",
            "RENAME Work Works",
            "SUBSCRIBE Works",
            "LIST \"\" * RETURN (STATUS (MESSAGES))",
            "DELETE Works",
            "EXAMINE INBOX (CONDSTORE)",
            "SELECT Archive",
        ],
    },
    Scene {
        before: &["ENABLE QRESYNC"],
        pipelined: &[
            "SELECT INBOX (QRESYNC (1 3 1:10))",
            "APPEND INBOX (\\Seen) {5+}\r\nhello",
            "APPEND Nowhere {5+}\r\nhello",
            "FETCH 5 (UID FLAGS BODY.PEEK[])",
            "GETQUOTAROOT INBOX",
            "UNSELECT",
        ],
    },
    Scene {
        before: &["SELECT INBOX"],
        pipelined: &["APPEND INBOX {9+}\r\none\r\ntwo\r\n", "SEARCH BODY two", "LOGOUT"],
    },
];

/// Plays a scene and returns what the client heard, with the count of moments at which the leader could have been
/// lost.
async fn play(scene: &Scene, lost: Option<(u64, Loss)>) -> (Vec<String>, u64, bool) {
    let server = Server::local();
    let mut other = server.selected().await;
    for text in ["first", "second", "third", "fourth"] {
        assert!(is_ok(
            &append(&mut other, &format!("Subject: {text}\r\n\r\n{text}\r\n")).await
        ));
    }
    let mut peer = server.logged_in().await;
    for command in scene.before {
        assert!(is_ok(&peer.command("p", command).await), "{command}");
    }
    let begun = server.replicas.moments();
    if let Some((moment, loss)) = lost {
        server.replicas.lose_leader_at(moment, loss);
    }
    let numbered = scene.pipelined.iter().enumerate();
    let sent: String = numbered
        .map(|(number, command)| format!("t{number} {command}\r\n"))
        .collect();
    peer.send(sent.as_bytes()).await;
    let heard = peer.until(&format!("t{} ", scene.pipelined.len() - 1)).await;
    (
        heard,
        server.replicas.moments() - begun,
        server.replicas.has_lost(),
    )
}

#[tokio::test(start_paused = true)]
async fn whenever_the_leader_is_lost_the_client_hears_the_same() {
    for (number, scene) in SCENES.iter().enumerate() {
        let (expected, moments, _) = play(scene, None).await;
        for command in 0..scene.pipelined.len() {
            let tag = format!("t{command} ");
            let answers = expected.iter().filter(|line| line.starts_with(&tag)).count();
            assert_eq!(answers, 1, "{expected:?}");
        }
        for moment in 0..moments {
            for loss in Loss::ALL {
                let begun = tokio::time::Instant::now();
                let (heard, _, has_lost) = play(scene, Some((moment, loss))).await;
                assert!(has_lost, "scene {number}, {loss:?} at {moment}");
                assert_eq!(heard, expected, "scene {number}, {loss:?} at {moment}");
                assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
            }
        }
    }
}

/// The same for a client that logs in.
#[tokio::test(start_paused = true)]
async fn whenever_the_leader_is_lost_a_login_succeeds() {
    for loss in Loss::ALL {
        for moment in 0..3 {
            let server = Server::local();
            server.replicas.lose_leader_at(moment, loss);
            let mut peer = server.greeted().await;
            let login = peer.command("a", "LOGIN demo@example.org secret").await;
            assert!(is_ok(&login), "{loss:?} at {moment}: {login:?}");
            assert!(server.replicas.has_lost());
            assert!(is_ok(&peer.command("b", "SELECT INBOX").await));
        }
    }
}

/// RELIABILITY 30: however the node that feeds it is lost, IDLE stays open and tells of new mail.
#[tokio::test(start_paused = true)]
async fn idle_hears_of_mail_whatever_became_of_its_leader() {
    for loss in Loss::ALL {
        let server = Server::local();
        let mut other = server.selected().await;
        let mut idling = server.selected().await;
        idling.send(b"i IDLE\r\n").await;
        idling.until("+").await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        server.replicas.lose_leader(loss);
        assert!(is_ok(&append(&mut other, "x").await));
        let changed = tokio::time::Instant::now();
        let heard = idling.until("* 1 EXISTS").await;
        assert_eq!(tagged(&heard), "* 1 EXISTS");
        assert!(
            changed.elapsed() <= Duration::from_secs(65),
            "{loss:?}: {:?}",
            changed.elapsed()
        );
    }
}

/// Nobody leads for longer than the patience: every command is answered, the connection and what the session knows
/// stay, and what was done before the answers were lost is told afterwards as everybody's changes are.
#[tokio::test(start_paused = true)]
async fn a_session_goes_on_after_patience_has_ended() {
    let server = Server::local();
    let mut peer = server.selected().await;
    for text in ["a", "b", "c"] {
        append(&mut peer, text).await;
    }
    server.store.lose_replies(1_000_000);
    let stored = peer.command("s", "STORE 2 +FLAGS (\\Deleted)").await;
    assert!(tagged(&stored).starts_with("s NO [UNAVAILABLE]"), "{stored:?}");
    let expunged = peer.command("e", "EXPUNGE").await;
    assert!(
        tagged(&expunged).starts_with("e NO [UNAVAILABLE]"),
        "{expunged:?}"
    );
    server.store.lose_replies(0);
    // By sequence number, so that no expunge may be told: 3 is still what it was.
    let fetched = peer.command("f", "FETCH 3 BODY.PEEK[]").await;
    assert!(
        fetched.first().is_some_and(|line| line.ends_with("c)")),
        "{fetched:?}"
    );
    let heard = peer.command("n", "NOOP").await;
    assert_eq!(
        heard.iter().filter(|line| line.ends_with("EXPUNGE")).count(),
        1,
        "{heard:?}"
    );
}
