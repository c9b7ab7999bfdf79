//! What a router makes of its nodes' answers.

mod fake;
mod hedge;

use std::collections::BTreeMap;
use std::sync::Arc;

use fake::{FakeNode, session};
use futures::TryStreamExt;
use mailstore::StoreError;
use mailstore::account::QuotaLimits;
use mailstore::ids::{AccountId, MailboxId};
use mailstore::mailbox::SpecialUse;
use mailstore::name::MailboxName;
use mailstore::ports::{AccountSelector, Administration, StorageNode};
use mailstore::time::Timestamp;

use crate::{AccountDefaults, Layout, Patience, Router, RouterOptions, SpoolOptions};

const ACCOUNT: AccountSelector = AccountSelector::Id(AccountId([1; 16]));

/// A router over nodes of which the first leads all groups.
fn router(nodes: &[&Arc<FakeNode>]) -> Router {
    let named = |number: usize| format!("node-{number}");
    let names: Vec<String> = (0..nodes.len()).map(named).collect();
    let layout = Layout::initial(&names, 4, nodes.len()).expect("a layout");
    let nodes = names.into_iter().zip(nodes).map(|(name, node)| {
        let node: Arc<dyn StorageNode> = Arc::clone(*node) as _;
        (name, node)
    });
    let options = RouterOptions {
        patience: Patience::default(),
        spool: SpoolOptions::default(),
        accounts: AccountDefaults {
            limits: QuotaLimits::default(),
            mailboxes: Vec::new(),
            retention: std::time::Duration::ZERO,
        },
        clock: Arc::new(|| Timestamp(1_700_000_000_000)),
    };
    Router::new(layout, nodes.collect::<BTreeMap<_, _>>(), options)
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_outcome_was_lost_is_repeated_under_the_same_name() {
    let leader = Arc::new(FakeNode::leading());
    let name = MailboxName::parse("x").expect("a name");
    let made = router(&[&leader])
        .mailbox_create(&ACCOUNT, name, SpecialUse::NONE)
        .await;
    assert_eq!(made, Ok(MailboxId(7)));
    // Made once, asked for twice, and subscribed.
    let requests = leader.requests.lock().clone();
    let [first, again, subscribe] = requests[..] else {
        panic!("{requests:?}")
    };
    assert!(first.is_some() && subscribe.is_some());
    assert_eq!(first, again);
    assert_ne!(first, subscribe);
}

#[tokio::test(start_paused = true)]
async fn sessions_are_listed_and_ended_wherever_they_are() {
    let leader = Arc::new(FakeNode::leading());
    let former = Arc::new(FakeNode::following(vec![session(1), session(2)]));
    let router = router(&[&leader, &former]);
    let listed = router.session_list(Some(&ACCOUNT)).await.map(|list| list.len());
    assert_eq!(listed, Ok(2));
    assert_eq!(router.session_kick(&ACCOUNT, None).await, Ok(2));
    assert_eq!(router.session_kick(&ACCOUNT, None).await, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_down_hides_no_other_nodes_sessions() {
    let down = Arc::new(FakeNode::down());
    let up = Arc::new(FakeNode::following(vec![session(1)]));
    let router = router(&[&down, &up]);
    assert_eq!(router.session_list(None).await.map(|list| list.len()), Ok(1));
    assert_eq!(router.session_kick(&ACCOUNT, None).await, Ok(1));
    // Nothing was found, and not everywhere was looked.
    let unsure = router.session_kick(&ACCOUNT, None).await;
    assert!(matches!(unsure, Err(StoreError::Unavailable(_))));
}

#[tokio::test(start_paused = true)]
async fn groups_without_a_leader_do_not_vanish_from_the_list_of_accounts() {
    let down = Arc::new(FakeNode::down());
    let follower = Arc::new(FakeNode::following(Vec::new()));
    let list = router(&[&down, &follower]).account_list().await.expect("a list");
    let accounts: Result<Vec<_>, StoreError> = list.try_collect().await;
    assert!(accounts.is_err());
}
