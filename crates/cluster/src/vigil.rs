//! Watches end when the node that feeds them has lost its office without a word.
//!
//! A node ends its streams itself when it notices that it leads no more. One that is stuck does not notice, and a
//! stream of hints that stays open and silent looks like a mailbox in which nothing happens.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use mailstore::ports::{Caller, StorageNode};
use mailstore::{GroupId, StoreError};
use parking_lot::Mutex;

/// How often a node is asked whether it still leads, for each group that it feeds watches of.
const INTERVAL: Duration = Duration::from_secs(60);
/// How long it may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Ends when the node does not lead any more, as far as can be told.
pub(crate) type Lost = Shared<BoxFuture<'static, ()>>;

/// One vigil for each group, shared by all watches that the same node feeds.
#[derive(Default)]
pub(crate) struct Vigils(Mutex<HashMap<GroupId, Vigil>>);

struct Vigil {
    node: Arc<dyn StorageNode>,
    /// In whose name the node is asked: whoever began the last watch has the freshest token.
    caller: Arc<Mutex<Caller>>,
    lost: WeakShared<BoxFuture<'static, ()>>,
}

impl Vigils {
    /// Returns what ends when this node does not lead the group any more.
    pub(crate) fn join(&self, group: GroupId, node: &Arc<dyn StorageNode>, caller: &Caller) -> Lost {
        let mut vigils = self.0.lock();
        let same = vigils
            .get(&group)
            .filter(|vigil| std::ptr::addr_eq(Arc::as_ptr(&vigil.node), Arc::as_ptr(node)));
        let running = same.and_then(|vigil| Some((vigil.lost.upgrade()?, vigil)));
        if let Some((lost, vigil)) = running.filter(|(lost, _)| lost.peek().is_none()) {
            *vigil.caller.lock() = caller.clone();
            return lost;
        }
        let caller = Arc::new(Mutex::new(caller.clone()));
        let lost = wait(Arc::clone(node), Arc::clone(&caller)).boxed().shared();
        // Nothing has polled it yet, so there is something to refer to.
        if let Some(weak) = lost.downgrade() {
            let node = Arc::clone(node);
            vigils.insert(
                group,
                Vigil {
                    node,
                    caller,
                    lost: weak,
                },
            );
        }
        lost
    }
}

async fn wait(node: Arc<dyn StorageNode>, caller: Arc<Mutex<Caller>>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let caller = caller.lock().clone();
        match tokio::time::timeout(ANSWER_MAX, node.quota(&caller)).await {
            Ok(Ok(_) | Err(StoreError::Overloaded)) => {}
            Ok(Err(error)) => return tracing::debug!(%error, "watches begin anew"),
            Err(_) => return tracing::debug!("watches begin anew, the node does not answer"),
        }
    }
}
