//! Groups that nobody uses: what they cost, and that they wake.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::testing::{Cluster, GROUP};
use crate::{Error, GroupOptions, NodeId, PeerCall, PeerCallKind, ReplicaId, Role};

const MINUTE: Duration = Duration::from_secs(60);

async fn parked(count: u64) -> (Cluster, u64) {
    let cluster = Cluster::started(count, GroupOptions::default()).await;
    let leader = cluster.leader().await;
    cluster.node(leader).set("a", "k", "1").await.expect("committed");
    cluster.parked().await;
    (cluster, leader)
}

#[tokio::test(start_paused = true)]
async fn a_group_that_nobody_uses_sends_nothing_and_keeps_its_leader() {
    let (cluster, leader) = parked(3).await;
    let term = cluster.group(leader).status().term;
    let calls = cluster.switchboard.calls();
    sleep(10 * MINUTE).await;
    assert_eq!(cluster.switchboard.calls(), calls);
    for number in 1..=3 {
        let status = cluster.group(number).status();
        assert_eq!(
            (status.term, status.role == Role::Leader),
            (term, number == leader)
        );
        assert!(cluster.group(number).is_parked());
    }
    assert!(cluster.group(leader).hears_majority());
}

#[tokio::test(start_paused = true)]
async fn a_single_voter_parks_and_answers_at_once() {
    let (cluster, leader) = parked(1).await;
    let group = cluster.group(leader);
    assert_eq!(
        cluster.node(leader).get("a", "k").await.expect("read"),
        Some("1".to_owned())
    );
    cluster.parked().await;
    cluster.node(leader).set("a", "k", "2").await.expect("committed");
    assert!(!group.is_parked());
}

/// One round trip to wake and one to commit; nobody else comes to lead.
#[tokio::test(start_paused = true)]
async fn a_write_wakes_the_group_at_once() {
    let (cluster, leader) = parked(3).await;
    let term = cluster.group(leader).status().term;
    let asked = tokio::time::Instant::now();
    let writes = ["2", "3", "4"].map(|value| cluster.node(leader).set("a", value, value));
    for written in futures::future::join_all(writes).await {
        written.expect("committed");
    }
    assert!(
        asked.elapsed() < Duration::from_millis(10),
        "{:?}",
        asked.elapsed()
    );
    for _ in 0..100 {
        sleep(Duration::from_millis(50)).await;
        assert_eq!(cluster.group(leader).status().term, term);
    }
    cluster.parked().await;
    assert_eq!(cluster.knows_to_lead(), Some(leader));
}

#[tokio::test(start_paused = true)]
async fn a_read_wakes_the_group_and_asks_a_majority() {
    let (cluster, leader) = parked(3).await;
    let calls = cluster.switchboard.calls();
    assert_eq!(
        cluster.node(leader).get("a", "k").await.expect("read"),
        Some("1".to_owned())
    );
    assert!(
        cluster.switchboard.calls() > calls,
        "it must not answer by a lease"
    );
    assert!(!cluster.group(leader).is_parked());
    // From now on it has a lease again.
    let calls = cluster.switchboard.calls();
    cluster.group(leader).read_barrier().await.expect("it leads");
    assert_eq!(cluster.switchboard.calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn a_read_at_a_parked_follower_names_the_leader_and_wakes_nobody() {
    let (cluster, leader) = parked(3).await;
    let follower = (1..=3).find(|number| *number != leader).expect("a follower");
    let Err(Error::NotLeader { hint: Some(hint) }) = cluster.group(follower).read_barrier().await else {
        panic!("a follower must not answer");
    };
    assert_eq!(hint.replica, ReplicaId(leader));
    assert!((1..=3).all(|number| cluster.group(number).is_parked()));
}

/// The danger of parking: a leader that is asked after a long silence, while others lead.
#[tokio::test(start_paused = true)]
async fn a_parked_leader_that_was_cut_off_answers_nothing_once_others_lead() {
    for delay in [0, 400, 1100, 1250, 5000_u64] {
        let (cluster, old) = parked(3).await;
        cluster.switchboard.cut(old, true);
        sleep(Duration::from_millis(delay)).await;
        let new = cluster.leader().await;
        cluster.node(new).set("a", "k", "2").await.expect("committed");
        let read = timeout(MINUTE, cluster.node(old).get("a", "k"))
            .await
            .expect("an answer");
        assert!(
            matches!(read, Err(Error::NoQuorum | Error::NotLeader { .. })),
            "{delay} ms after the cut: {read:?}"
        );
        let written = timeout(MINUTE, cluster.node(old).set("a", "k", "3"))
            .await
            .expect("an answer");
        assert!(written.is_err(), "{delay} ms after the cut");
        cluster.switchboard.cut(old, false);
        cluster.parked().await;
        let now = cluster.leader().await;
        assert_eq!(
            cluster.node(now).get("a", "k").await.expect("read"),
            Some("2".to_owned())
        );
    }
}

/// The same while the cut is young: whatever the old leader answers, no other has committed yet.
#[tokio::test(start_paused = true)]
async fn a_parked_leader_and_its_successor_never_answer_at_one_time() {
    for delay in (0..2000).step_by(170) {
        let (cluster, old) = parked(3).await;
        // It has just been used, so that a lease runs when it is cut off.
        cluster.node(old).get("a", "k").await.expect("read");
        sleep(Duration::from_secs(4) + Duration::from_millis(delay)).await;
        cluster.switchboard.cut(old, true);
        let new = loop {
            let answered = timeout(Duration::from_millis(5), cluster.group(old).read_barrier()).await;
            let leads = |number: &u64| *number != old && cluster.group(*number).status().role == Role::Leader;
            if let Some(new) = (1..=3).find(leads) {
                assert!(!matches!(answered, Ok(Ok(_))), "two answer");
                break new;
            }
            sleep(Duration::from_millis(5)).await;
        };
        assert!(cluster.group(old).read_barrier().await.is_err());
        assert_ne!(new, old);
    }
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_restarts_joins_a_parked_group_without_an_election() {
    let (mut cluster, leader) = parked(3).await;
    let term = cluster.group(leader).status().term;
    let follower = (1..=3).find(|number| *number != leader).expect("a follower");
    for _ in 0..3 {
        cluster.crash(follower).await;
        cluster.node(follower).start().await.expect("started");
        cluster.parked().await;
        sleep(MINUTE).await;
        assert_eq!(cluster.knows_to_lead(), Some(leader));
        assert_eq!(cluster.group(follower).status().term, term);
    }
}

/// A replica that hears nothing asks for votes. The others know that the leader lives, and the leader says so.
#[tokio::test(start_paused = true)]
async fn a_request_for_a_vote_wakes_a_parked_group_and_deposes_nobody() {
    let (cluster, leader) = parked(3).await;
    let term = cluster.group(leader).status().term;
    let [asking, asked] = [1, 2].map(|nth| 1 + (leader - 1 + nth) % 3);
    for target in [leader, asked] {
        cluster.parked().await;
        let call = PeerCall {
            group: GROUP,
            target: ReplicaId(target),
            node: NodeId(target),
            kind: PeerCallKind::Vote,
            payload: crate::peer::vote_for_tests(term + 1, asking),
        };
        let answer = cluster.node(target).groups.serve(call).await;
        assert!(matches!(answer, Err(Error::LeaderLives)), "{answer:?}");
        assert!(!cluster.group(target).is_parked());
        for _ in 0..40 {
            sleep(Duration::from_millis(100)).await;
            assert_eq!(cluster.knows_to_lead(), Some(leader));
            assert_eq!(cluster.group(target).status().term, term);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_is_not_parked_while_a_member_is_away_and_is_when_it_is_back() {
    let (cluster, leader) = parked(3).await;
    let away = (1..=3).find(|number| *number != leader).expect("a follower");
    cluster.switchboard.cut(away, true);
    sleep(MINUTE).await;
    assert!(!cluster.group(leader).is_parked());
    cluster.node(leader).set("a", "k", "2").await.expect("committed");
    cluster.switchboard.cut(away, false);
    cluster.parked().await;
    assert_eq!(
        cluster.node(away).peek("a", "k").await.expect("read"),
        Some("2".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn leadership_of_a_parked_group_is_transferred_quickly() {
    let (cluster, old) = parked(3).await;
    let new = (1..=3).find(|number| *number != old).expect("a follower");
    let asked = tokio::time::Instant::now();
    cluster
        .group(old)
        .transfer_leader(ReplicaId(new))
        .await
        .expect("asked");
    let mut watch = cluster.group(new).watch();
    watch
        .wait_for(|status| status.role == Role::Leader)
        .await
        .expect("it leads");
    assert!(
        asked.elapsed() < Duration::from_millis(100),
        "{:?}",
        asked.elapsed()
    );
    cluster.parked().await;
    assert_eq!(cluster.knows_to_lead(), Some(new));
}

/// openraft hands over only to a replica whose log has moved since its start, and meanwhile takes no entries.
#[tokio::test(start_paused = true)]
async fn a_replica_that_has_just_restarted_takes_over_at_once() {
    let (mut cluster, old) = parked(3).await;
    let new = (1..=3).find(|number| *number != old).expect("a follower");
    cluster.crash(new).await;
    cluster.node(new).start().await.expect("started");
    cluster.parked().await;
    let asked = tokio::time::Instant::now();
    cluster
        .group(old)
        .transfer_leader(ReplicaId(new))
        .await
        .expect("asked");
    let mut watch = cluster.group(new).watch();
    watch
        .wait_for(|status| status.role == Role::Leader)
        .await
        .expect("it leads");
    assert!(
        asked.elapsed() < Duration::from_millis(100),
        "{:?}",
        asked.elapsed()
    );
    // Nothing is asked of one that cannot be reached, so that the leader goes on.
    assert_eq!(cluster.leader().await, new);
    cluster.switchboard.cut(old, true);
    let refused = cluster.group(new).transfer_leader(ReplicaId(old)).await;
    assert!(matches!(refused, Err(Error::Timeout)), "{refused:?}");
    cluster
        .node(new)
        .set("a", "k", "3")
        .await
        .expect("it still leads");
}
