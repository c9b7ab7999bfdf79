//! One node with one voter.

use crate::testing::{Cluster, GROUP, Registers};
use crate::{Error, GroupOptions, Remedy, Role};

#[tokio::test(start_paused = true)]
async fn a_single_voter_leads_at_once_and_answers() {
    let cluster = Cluster::started(1, GroupOptions::default()).await;
    let node = cluster.node(1);
    assert_eq!(node.set("a", "k", "1").await.expect("committed"), None);
    assert_eq!(
        node.set("a", "k", "2").await.expect("committed"),
        Some("1".to_owned())
    );
    assert_eq!(node.get("a", "k").await.expect("read"), Some("2".to_owned()));
    let status = cluster.group(1).status();
    assert_eq!((status.role, status.voters.len()), (Role::Leader, 1));
    assert_eq!(*cluster.group(1).machine().published.lock(), ["k", "k"]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_where_it_stopped() {
    let mut cluster = Cluster::started(1, GroupOptions::default()).await;
    cluster.node(1).set("a", "k", "1").await.expect("committed");
    for round in 2..5 {
        cluster.restart(1).await;
        cluster.node(1).start().await.expect("started");
        let old = cluster
            .node(1)
            .set("a", "k", &round.to_string())
            .await
            .expect("committed");
        assert_eq!(old, Some((round - 1).to_string()));
    }
}

#[tokio::test(start_paused = true)]
async fn many_entries_at_once_are_applied_in_order() {
    let cluster = Cluster::started(1, GroupOptions::default()).await;
    let group = cluster.group(1);
    let proposals = (0..2000).map(|at| group.propose(Registers::set("a", "k", &at.to_string())));
    let committed = futures::future::join_all(proposals).await;
    let mut committed: Vec<_> = committed
        .into_iter()
        .map(|outcome| outcome.expect("committed"))
        .collect();
    committed.sort_by_key(|committed| committed.at);
    let last = cluster.node(1).get("a", "k").await.expect("read");
    assert_eq!(committed.len(), 2000);
    // Each saw the value of the one before it, so none was lost and none was applied twice.
    let seen: std::collections::BTreeSet<_> = committed.iter().map(|committed| &committed.reply).collect();
    assert_eq!(seen.len(), 2000);
    assert!(!seen.contains(&last));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_proposed_is_refused() {
    let options = GroupOptions {
        entry_bytes_max: 16,
        ..GroupOptions::default()
    };
    let cluster = Cluster::started(1, options).await;
    let refused = cluster.node(1).set("a", "k", "much too long a value").await;
    assert!(matches!(refused, Err(Error::EntryTooLarge { bytes_max: 16, .. })));
    let unknown = cluster.node(1).groups.get(mailstore::GroupId(99)).map(|_| ());
    assert!(matches!(unknown, Err(Error::NoSuchGroup { .. })));
}

/// An entry that cannot be understood stops the replica instead of being skipped.
#[tokio::test(start_paused = true)]
async fn an_unknown_entry_stops_the_replica() {
    let cluster = Cluster::started(1, GroupOptions::default()).await;
    cluster.node(1).set("a", "k", "1").await.expect("committed");
    let outcome = cluster.group(1).propose("gibberish".into()).await;
    assert!(matches!(outcome, Err(Error::OutcomeUnknown)), "{outcome:?}");
    let failure = cluster.node(1).groups.next_failure().await;
    assert_eq!(failure.group, GROUP);
    assert!(matches!(failure.error, Error::Machine { .. }), "{failure:?}");
    assert_eq!(failure.remedy(), Remedy::StopProcess);
    assert_eq!(
        cluster.node(1).peek("a", "k").await.expect("read"),
        Some("1".to_owned())
    );
}
