//! Who is to lead: handing groups over to those that are preferred, and all of them before the node stops.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::StreamExt;
use futures::future::BoxFuture;
use mailstore::GroupId;
use tokio::time::Instant;

use super::Neighbours;
use super::balance::Balance;
use crate::group::{Group, Look};
use crate::machine::Machine;
use crate::options::GroupOptions;
use crate::{NodeId, ReplicaId};

/// How many groups are handed over at one time before the node stops.
const AT_ONCE: usize = 16;

impl<M: Machine> Neighbours<M> {
    /// Says to the other nodes from now on whether this one wants to lead no group.
    pub(crate) fn decline_leadership(&self, declines: bool) {
        self.declines.store(declines, Ordering::Relaxed);
    }

    /// Hands over every group that is led here, as far as another replica can take it.
    pub(crate) async fn hand_over(&self) {
        let led = self.all().into_iter().filter_map(|group| {
            let to = self.successor(&group)?;
            Some(transfer(group, to))
        });
        let led: Vec<_> = led.collect();
        futures::stream::iter(led)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }

    /// Returns the transfer that is due, if one is.
    pub(super) fn rebalance(
        &self,
        balance: &mut Balance,
        groups: &[(Look, Arc<Group<M>>)],
        options: &GroupOptions,
    ) -> Option<BoxFuture<'static, ()>> {
        let ready = groups.iter().filter_map(|(look, group)| {
            let preferred = group.preferred_leader()?;
            self.may_take(look, group.replica(), preferred)
                .then_some((group.id(), preferred))
        });
        let ready: BTreeMap<GroupId, ReplicaId> = ready.collect();
        let times = (options.balance_after, options.balance_interval);
        let (group, to) = balance.choose(Instant::now(), &ready, times)?;
        let group = self.get(group).ok()?;
        tracing::info!(
            group = group.id().0,
            to = to.0,
            "leader hands over to the preferred replica"
        );
        Some(Box::pin(transfer(group, to)))
    }

    /// Returns who is to lead when this replica, which leads, does not any more.
    fn successor(&self, group: &Group<M>) -> Option<ReplicaId> {
        let look = group.look();
        let able = |voter: &ReplicaId| self.may_take(&look, group.replica(), *voter);
        let preferred = group.preferred_leader().filter(able);
        // Not the same one for all groups of a node.
        let able: Vec<_> = look.voters.iter().copied().filter(able).collect();
        let nth = usize::try_from(group.id().0).unwrap_or(0) % able.len().max(1);
        preferred.or_else(|| able.get(nth).copied())
    }

    fn may_take(&self, look: &Look, this: ReplicaId, to: ReplicaId) -> bool {
        let is_voter = look.leads && to != this && look.voters.contains(&to);
        let lives = |node: &NodeId| self.table.lock().may_lead(*node);
        is_voter && look.keeps_up(to) && look.members.get(&to).is_some_and(lives)
    }
}

async fn transfer<M: Machine>(group: Arc<Group<M>>, to: ReplicaId) {
    if let Err(error) = group.transfer_leader(to).await {
        tracing::debug!(group = group.id().0, to = to.0, %error, "leader could not hand over");
    }
}
