//! The controller: carries out, step by step, what the directory plans for the replicas of groups.
//!
//! It runs on every storage node and works on the one that leads the directory's group. What is to be done stands in the
//! directory before it is begun, and each step may be repeated: whoever leads next goes on where the last one stopped.

mod change;
mod nodes;

use std::time::Duration;

use directory::{Command, Directory, NodeState, Observed, PlanLimits, plan};
use futures::{StreamExt, stream};
use mailstore::{GroupId, NodeId, StoreError};
use tokio_util::sync::CancellationToken;

use crate::replicas::{DIRECTORY, Replicas};
use nodes::Watched;

/// Groups that are worked on at one time.
const GROUPS_AT_ONCE: usize = 8;

/// How the controller goes about its work.
#[derive(Clone, Debug)]
pub struct ControllerOptions {
    /// The pause between two rounds.
    pub interval: Duration,
    /// After how long a node that does not answer has its replicas made anew elsewhere.
    pub node_gone_after: Duration,
    /// Changes of groups that one node takes part in at one time.
    pub changes_per_node_max: usize,
    /// What the cluster begins with, where this node may found it.
    pub founding: Option<Box<Directory>>,
}

/// The controller of a node.
pub struct Controller {
    replicas: Replicas,
    options: ControllerOptions,
    watched: Watched,
}

impl Controller {
    /// Returns the controller of the node with these replicas.
    #[must_use]
    pub fn new(replicas: Replicas, options: ControllerOptions) -> Self {
        Self {
            replicas,
            options,
            watched: Watched::default(),
        }
    }

    /// Works until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let work = async {
            loop {
                tokio::time::sleep(self.options.interval).await;
                if !self.replicas.leads_directory() {
                    self.watched = Watched::default();
                } else if let Err(error) = self.round().await {
                    tracing::debug!(%error, "the controller goes on in the next round");
                }
            }
        };
        // Every step is recorded, and completed by the next round of whichever controller.
        let _ = stop.run_until_cancelled(work).await;
    }

    async fn round(&mut self) -> Result<(), StoreError> {
        let Some(directory) = self.replicas.read_directory().await? else {
            return self.found().await;
        };
        let observed = self.watched.look(&self.replicas, &directory).await;
        self.settle(&directory).await;
        self.forget_the_lost(&directory).await?;
        self.abandon(&directory, &observed).await?;
        self.go_on(&directory).await;
        let limits = PlanLimits {
            gone_after: self.options.node_gone_after,
            changes_per_node_max: self.options.changes_per_node_max,
        };
        for planned in plan(&directory, &observed, &limits) {
            tracing::info!(
                group = planned.group.0,
                add_on = planned.add_on.map(|node| node.0),
                remove = planned.remove.map(|replica| replica.0),
                reason = planned.reason.word(),
                "replicas of a group are changed"
            );
            self.tell(&planned.into()).await?;
        }
        Ok(())
    }

    async fn found(&self) -> Result<(), StoreError> {
        match &self.options.founding {
            Some(founding) => self.tell(&Command::Found(founding.clone())).await,
            None => Ok(()),
        }
    }

    /// Changes the directory. What it rejects has been done meanwhile, or is planned anew.
    async fn tell(&self, command: &Command) -> Result<(), StoreError> {
        if let Err(rejection) = self.replicas.change_directory(command).await? {
            tracing::info!(?command, %rejection, "the directory was not changed");
        }
        Ok(())
    }

    /// Notes groups that have begun.
    async fn settle(&self, directory: &Directory) {
        let beginning = directory
            .groups
            .iter()
            .filter(|(_, group)| group.founder.is_some());
        let beginning: Vec<GroupId> = beginning.map(|(id, _)| *id).collect();
        let settled = stream::iter(beginning).for_each_concurrent(GROUPS_AT_ONCE, |id| async move {
            let begun = self.leader_of(directory, id).await.is_some();
            if begun && let Err(error) = self.tell(&Command::SettleGroup(id)).await {
                tracing::debug!(%error, "it is noted later that a group has begun");
            }
        });
        settled.await;
    }

    /// Takes out lost nodes whose replicas have all been replaced.
    async fn forget_the_lost(&self, directory: &Directory) -> Result<(), StoreError> {
        let lost = directory
            .nodes
            .iter()
            .filter(|(_, node)| node.state == NodeState::Lost);
        let lost: Vec<NodeId> = lost.map(|(id, _)| *id).collect();
        for id in lost {
            if directory.replicas_on(id).next().is_none() {
                self.tell(&Command::ForgetNode(id)).await?;
            }
        }
        Ok(())
    }

    /// Undoes changes whose new replica is on a node that is gone or leaves.
    async fn abandon(&self, directory: &Directory, observed: &Observed) -> Result<(), StoreError> {
        for (id, group) in &directory.groups {
            let Some(change) = group.change.filter(|change| !change.abandoned) else {
                continue;
            };
            let added_on = change.add.and_then(|replica| group.replicas.get(&replica));
            let Some(node) = added_on else { continue };
            let state = directory.nodes.get(node).map(|node| node.state);
            let silent = observed.silent.get(node);
            let gone = silent.is_some_and(|silent| *silent >= self.options.node_gone_after);
            if gone || matches!(state, None | Some(NodeState::Lost | NodeState::Leaving)) {
                self.tell(&Command::AbandonChange(*id)).await?;
            }
        }
        Ok(())
    }

    /// Takes the next step of every change under way.
    async fn go_on(&self, directory: &Directory) {
        let changing = directory
            .groups
            .iter()
            .filter(|(_, group)| group.change.is_some());
        // The directory's own group comes last, since a change of it may end this controller's office.
        let mut changing: Vec<GroupId> = changing.map(|(id, _)| *id).collect();
        changing.sort_by_key(|id| *id == DIRECTORY);
        let steps = stream::iter(changing).for_each_concurrent(GROUPS_AT_ONCE, |id| async move {
            match self.step(directory, id).await {
                Ok(true) => {
                    if let Err(error) = self.tell(&Command::FinishChange(id)).await {
                        tracing::debug!(%error, "it is noted later that a change is complete");
                    }
                }
                Ok(false) => {}
                Err(error) => tracing::debug!(group = id.0, %error, "a change goes on in the next round"),
            }
        });
        steps.await;
    }
}
