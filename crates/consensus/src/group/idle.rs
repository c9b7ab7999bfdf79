//! Parking a replica and waking it, see [`crate::parking`].

use std::time::Duration;

use openraft::LinearizerOption;
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64;

use super::Group;
use super::look::Look;
use crate::machine::Machine;
use crate::parking::{Agreement, Campaign, Parking};
use crate::{NodeId, Result};

impl<M: Machine> Group<M> {
    /// Returns whether nobody uses the group, so that no heartbeats are sent. Whoever uses it wakes it.
    pub fn is_parked(&self) -> bool {
        self.parking.lock().is_parked()
    }

    /// Changes what is known of the clock, and lets it run or stand as that says.
    pub(crate) fn shift<T>(&self, change: impl FnOnce(&mut Parking) -> T) -> T {
        let mut parking = self.parking.lock();
        let (ticked, planned) = (parking.ticks(), parking.campaign());
        let result = change(&mut parking);
        if parking.ticks() != ticked {
            // Under the lock, so that the clock and what is known of it change in one order.
            self.raft.runtime_config().tick(parking.ticks());
        }
        if parking.campaign() != planned {
            self.campaign_changed.notify_one();
        }
        result
    }

    /// Wakes the group before it is used. A leader that woke asks a majority first, because its lease ran out.
    ///
    /// # Errors
    /// [`crate::Error::NotLeader`] and [`crate::Error::NoQuorum`].
    pub(crate) async fn wake(&self) -> Result<()> {
        if self.shift(|parking| parking.use_now(Instant::now())) {
            self.ask_majority().await?;
        }
        Ok(())
    }

    /// Asks a majority whether this replica leads, as a leader that was parked must before it answers anything.
    async fn ask_majority(&self) -> Result<()> {
        let option = LinearizerOption::from(openraft::ReadPolicy::ReadIndex);
        let asked = self.raft.ensure_linearizable(option).await;
        asked.map_err(|error| self.read_error(error))?;
        self.shift(Parking::assured);
        Ok(())
    }

    /// Notes a message of the leader that has been answered.
    pub(crate) fn heard_leader(&self) {
        self.shift(|parking| parking.heard(Instant::now()));
    }

    /// Notes a request for a vote, and returns whether it is refused because the leader lives.
    pub(crate) fn asked_for_vote(&self) -> bool {
        if !self.is_parked() {
            return false;
        }
        let campaign = self.campaign_in(&self.look(), self.patience());
        self.shift(|parking| parking.asked_for_vote(Instant::now(), campaign))
    }

    /// Parks this follower under the leader's node if it agrees with the leader, and returns whether it does.
    pub(crate) fn follow_parked(&self, agreement: Agreement, guard: NodeId) -> bool {
        let look = self.look();
        let agrees = !look.leads && look.agreement() == Some(agreement) && !self.withholds_votes();
        if agrees && look.leader_node() == Some(guard) {
            self.shift(|parking| parking.follow(agreement, guard));
            return true;
        }
        false
    }

    /// Wakes this follower because the leader's node does not say any more that the group is parked.
    pub(crate) fn rouse(&self) {
        let campaign = self.campaign_in(&self.look(), self.patience());
        self.shift(|parking| parking.rouse(campaign));
    }

    /// Offers the others to park the group when it is idle and all hold the same, and wakes it when that has ended.
    pub(crate) fn tend_leading(&self, look: &Look, absent: impl Fn(&NodeId) -> bool) {
        let now = Instant::now();
        let others = look.others(self.replica);
        let agreement = look.agreement().filter(|_| look.is_complete(self.replica));
        let agreement = agreement.filter(|_| !others.iter().any(&absent));
        self.shift(|parking| match (parking.offered(), agreement) {
            (Some(offered), Some(agreement)) if offered == agreement => {}
            (Some(_), _) => parking.withdraw(now),
            (None, Some(agreement)) if parking.is_idle(now, self.options.park_after) => {
                parking.offer(agreement, &others);
            }
            (None, _) => {}
        });
    }

    /// Notes whether the replica leads, and returns whether it has come to.
    pub(crate) fn came_to_lead(&self, look: &Look) -> bool {
        let term = look.leads.then_some(look.term);
        self.shift(|parking| parking.leads(Instant::now(), term))
    }

    /// Returns what this leader has offered or is parked by.
    pub(crate) fn offered(&self) -> Option<Agreement> {
        self.parking.lock().offered()
    }

    /// Returns what this follower is parked by under a node.
    pub(crate) fn followed(&self, node: NodeId) -> Option<Agreement> {
        self.parking.lock().followed(node)
    }

    /// Notes that a node does not agree to what this leader offered.
    pub(crate) fn refused(&self, agreement: Agreement) {
        self.shift(|parking| {
            if parking.offered() == Some(agreement) {
                parking.withdraw(Instant::now());
            }
        });
    }

    /// Notes that a node agrees to what this leader offered.
    pub(crate) fn accepted(&self, by: NodeId, agreement: Agreement) {
        let others = self.look().others(self.replica);
        self.shift(|parking| parking.accepted(by, agreement, &others));
    }

    /// Lets the clock of a replica run that does not lead any more.
    pub(crate) fn deposed(&self) {
        self.shift(|parking| parking.withdraw(Instant::now()));
    }

    /// Plans to campaign in the stead of a leader whose node is dead: as soon as its lease has run out, and one
    /// replica after the other, so that they do not split the votes.
    pub(crate) fn bereave(&self, look: &Look) {
        if !look.voters.contains(&self.replica) {
            return;
        }
        let heard_at = self.parking.lock().heard_at();
        let leased_until = heard_at.unwrap_or_else(Instant::now) + self.options.election_timeout_max;
        let begins = [Some(Instant::now()), Some(leased_until), self.withheld_until];
        let begins = begins.into_iter().flatten().max().unwrap_or(leased_until);
        let turn = self.options.turn();
        let delay = turn * self.rank(look) + self.scatter(look.term, turn / 4);
        if let Some(against) = look.follows() {
            let at = begins + delay;
            self.shift(|parking| parking.bereave(Campaign { at, against }));
        }
    }

    /// Campaigns whenever it is due. Ends never.
    pub(crate) async fn campaign_when_due(&self) {
        loop {
            let due = self.parking.lock().campaign();
            let wait = async {
                match due {
                    Some(campaign) => tokio::time::sleep_until(campaign.at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.campaign_changed.notified() => {}
                () = wait => self.begin_campaign().await,
            }
        }
    }

    async fn begin_campaign(&self) {
        let look = self.look();
        // In as many turns as there are others, everybody has had one.
        let others = u32::try_from(look.voters.len()).unwrap_or(u32::MAX).max(2) - 1;
        let pause = self.options.turn() * others;
        let begins = self.shift(|parking| parking.begin_campaign(Instant::now(), look.follows(), pause));
        if begins && let Err(error) = self.campaign().await {
            tracing::debug!(group = self.id.0, %error, "cannot campaign yet");
        }
    }

    fn campaign_in(&self, look: &Look, delay: Duration) -> Option<Campaign> {
        look.follows().map(|against| Campaign {
            at: Instant::now() + delay,
            against,
        })
    }

    /// Returns how long a follower whose clock stands waits for its leader, as if it had just heard of it.
    fn patience(&self) -> Duration {
        let (min, max) = (
            self.options.election_timeout_min,
            self.options.election_timeout_max,
        );
        min + self.scatter(0, max.saturating_sub(min))
    }

    /// Returns the place of this replica among those that may follow the leader: another in each group, so that
    /// not all groups of a dead node come to lie on one.
    fn rank(&self, look: &Look) -> u32 {
        let heirs = look.voters.iter().filter(|voter| Some(**voter) != look.leader);
        let before = heirs.clone().take_while(|heir| **heir != self.replica);
        let [count, place] = [heirs.count(), before.count()].map(|count| u32::try_from(count).unwrap_or(0));
        let count = count.max(1);
        (place + count - self.id.0 % count) % count
    }

    /// Returns a part of a span that differs between replicas, groups and terms.
    fn scatter(&self, term: u64, span: Duration) -> Duration {
        let named = [u64::from(self.id.0), self.replica.0, term].map(u64::to_le_bytes);
        let share = xxh3_64(named.as_flattened()) % 1024;
        span * u32::try_from(share).unwrap_or(0) / 1024
    }
}
