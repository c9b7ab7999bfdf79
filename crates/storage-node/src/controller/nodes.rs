//! Which nodes answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use directory::{Directory, Observed};
use futures::future::join_all;
use mailstore::StoreError;
use mailstore::ids::NodeId;
use rpc::GroupControl;
use tokio::time::Instant;

use crate::replicas::{DIRECTORY, Replicas};

/// How long a node may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);

/// When each node was last heard of by this controller. Forgotten with its office: whoever is silent gets all its time
/// again from the next controller.
#[derive(Default)]
pub(super) struct Watched {
    heard: BTreeMap<NodeId, Instant>,
}

impl Watched {
    /// Asks every node whether it is there.
    pub(super) async fn look(&mut self, replicas: &Replicas, directory: &Directory) -> Observed {
        let now = Instant::now();
        let nodes: Vec<NodeId> = directory.nodes.keys().copied().collect();
        let asked = nodes
            .into_iter()
            .map(|node| async move { (node, answers(replicas, node).await) });
        let mut observed = Observed::default();
        for (node, answers) in join_all(asked).await {
            let heard = self.heard.entry(node).or_insert(now);
            if answers {
                *heard = now;
            } else {
                observed.silent.insert(node, now - *heard);
            }
        }
        self.heard.retain(|node, _| directory.nodes.contains_key(node));
        observed
    }
}

async fn answers(replicas: &Replicas, node: NodeId) -> bool {
    let Some(control) = replicas.control_of(node) else {
        return false;
    };
    let asked = tokio::time::timeout(ANSWER_TIME_MAX, control.group_status(DIRECTORY)).await;
    // One without a replica of this group says so, which is an answer too.
    matches!(asked, Ok(Ok(_) | Err(StoreError::NotLeader { .. })))
}

impl Replicas {
    /// Returns what can be asked of the replicas on a node, this one included.
    pub(crate) fn control_of(&self, node: NodeId) -> Option<Arc<dyn GroupControl>> {
        if node == self.placement().this {
            return Some(Arc::new(self.clone()));
        }
        Some(self.peer(node)?.control)
    }
}
