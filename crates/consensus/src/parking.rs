//! Whether the clock of a replica runs.
//!
//! The clock of a replica makes it send heartbeats when it leads and campaign when it hears none. A group that
//! nobody uses needs neither as long as its nodes hear of each other, so its replicas are parked: their clocks stand.
//! Nothing here bears on safety. A lease runs out whether a clock runs or not, so a parked leader that was cut off
//! has none; and whoever campaigns needs the votes of others. What is decided here is only when to wake.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::{NodeId, ReplicaId};

/// After how many attempts in a row a replica leaves its election to the clock.
const ATTEMPTS_MAX: u32 = 8;

/// What the members of a group must have in common to be parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// The term.
    pub(crate) term: u64,
    /// Who leads in it.
    pub(crate) leader: ReplicaId,
    /// The last entry, which all have applied.
    pub(crate) last_index: u64,
}

/// The clock of one replica, and what is to make it run again.
#[derive(Debug)]
pub(crate) struct Parking {
    phase: Phase,
    /// When the group was last used here, or the leader changed.
    used_at: Instant,
    /// When the leader was last heard of by a message of the group.
    heard_at: Option<Instant>,
    /// Whether the leader has asked no majority since it woke.
    is_unsure: bool,
    campaign: Option<Campaign>,
    attempts: u32,
    /// The term in which the replica leads.
    leads: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// The clock runs.
    Awake,
    /// It runs, and this leader has asked the others whether they agree to be parked.
    Offered {
        agreement: Agreement,
        accepted: BTreeSet<NodeId>,
    },
    /// The leader's clock stands.
    Leading(Agreement),
    /// The clock of a follower stands as long as the leader's node says so.
    Following { agreement: Agreement, guard: NodeId },
    /// The clock of a follower stands still, but only for as long as a leader takes to wake too.
    Roused,
}

/// A campaign to come, unless the leader is heard of before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Campaign {
    /// When.
    pub(crate) at: Instant,
    /// The leader in whose stead, and its term.
    pub(crate) against: (u64, ReplicaId),
}

impl Parking {
    /// Returns a clock that runs.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            phase: Phase::Awake,
            used_at: now,
            heard_at: None,
            is_unsure: false,
            campaign: None,
            attempts: 0,
            leads: None,
        }
    }

    /// Returns whether the clock runs.
    pub(crate) fn ticks(&self) -> bool {
        matches!(self.phase, Phase::Awake | Phase::Offered { .. })
    }

    /// Returns whether the replica is parked.
    pub(crate) fn is_parked(&self) -> bool {
        matches!(self.phase, Phase::Leading(_) | Phase::Following { .. })
    }

    /// Returns when the leader was last heard of.
    pub(crate) fn heard_at(&self) -> Option<Instant> {
        self.heard_at
    }

    /// Returns the campaign to come.
    pub(crate) fn campaign(&self) -> Option<Campaign> {
        self.campaign
    }

    /// Returns what this leader has offered, or has parked by.
    pub(crate) fn offered(&self) -> Option<Agreement> {
        match &self.phase {
            Phase::Offered { agreement, .. } | Phase::Leading(agreement) => Some(*agreement),
            Phase::Awake | Phase::Following { .. } | Phase::Roused => None,
        }
    }

    /// Returns what this follower is parked by, if it is the node that guards it.
    pub(crate) fn followed(&self, node: NodeId) -> Option<Agreement> {
        match &self.phase {
            Phase::Following { agreement, guard } if *guard == node => Some(*agreement),
            Phase::Following { .. }
            | Phase::Awake
            | Phase::Offered { .. }
            | Phase::Leading(_)
            | Phase::Roused => None,
        }
    }

    /// Notes that somebody uses the group here, which wakes a leader. Returns whether a majority must be asked
    /// before anything else, because none has been since the leader woke.
    pub(crate) fn use_now(&mut self, now: Instant) -> bool {
        self.used_at = now;
        self.withdraw(now);
        self.is_unsure
    }

    /// Notes that a majority has answered.
    pub(crate) fn assured(&mut self) {
        self.is_unsure = false;
    }

    /// Wakes a leader.
    pub(crate) fn withdraw(&mut self, now: Instant) {
        if self.offered().is_some() {
            self.is_unsure |= matches!(self.phase, Phase::Leading(_));
            self.phase = Phase::Awake;
            self.used_at = now;
        }
    }

    /// Notes a message of the group's leader, which wakes a follower.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard_at = Some(now);
        self.campaign = None;
        self.attempts = 0;
        if !self.ticks() {
            self.phase = Phase::Awake;
            self.used_at = now;
        }
    }

    /// Notes that another replica asks for votes, which wakes the group. Returns whether it is to be refused,
    /// because the leader is known to live: it hears that its group is awake, and says so to all. `campaign` is what
    /// a follower does if it does not.
    pub(crate) fn asked_for_vote(&mut self, now: Instant, campaign: Option<Campaign>) -> bool {
        match self.phase {
            Phase::Leading(_) => self.withdraw(now),
            Phase::Following { .. } => self.rouse(campaign),
            Phase::Awake | Phase::Offered { .. } | Phase::Roused => return false,
        }
        true
    }

    /// Notes which part the replica plays. Returns whether it has come to lead.
    pub(crate) fn leads(&mut self, now: Instant, term: Option<u64>) -> bool {
        if self.leads == term {
            return false;
        }
        self.used_at = now;
        self.leads = term;
        term.is_some()
    }

    /// Returns whether the replica runs and nobody has used it for this long.
    pub(crate) fn is_idle(&self, now: Instant, idle: Duration) -> bool {
        matches!(self.phase, Phase::Awake) && now.saturating_duration_since(self.used_at) >= idle
    }

    /// Asks the others whether they agree to be parked; nobody is asked when there is nobody.
    pub(crate) fn offer(&mut self, agreement: Agreement, others: &BTreeSet<NodeId>) {
        self.phase = match others.is_empty() {
            true => Phase::Leading(agreement),
            false => Phase::Offered {
                agreement,
                accepted: BTreeSet::new(),
            },
        };
    }

    /// Notes that a node agrees, and parks the leader when all others do.
    pub(crate) fn accepted(&mut self, by: NodeId, agreed: Agreement, others: &BTreeSet<NodeId>) {
        if let Phase::Offered { agreement, accepted } = &mut self.phase
            && *agreement == agreed
        {
            accepted.insert(by);
            if accepted.is_superset(others) {
                self.phase = Phase::Leading(agreed);
            }
        }
    }

    /// Parks a follower.
    pub(crate) fn follow(&mut self, agreement: Agreement, guard: NodeId) {
        self.phase = Phase::Following { agreement, guard };
        self.campaign = None;
        self.attempts = 0;
    }

    /// Wakes a follower, but lets its clock stand until the leader had time to be heard of.
    pub(crate) fn rouse(&mut self, campaign: Option<Campaign>) {
        if matches!(self.phase, Phase::Following { .. }) {
            // Without anybody to campaign against the clock has to do.
            self.phase = campaign.map_or(Phase::Awake, |_| Phase::Roused);
            self.campaign = campaign;
        }
    }

    /// Plans a campaign because the leader's node is dead, unless one comes sooner.
    pub(crate) fn bereave(&mut self, campaign: Campaign) {
        if self.attempts >= ATTEMPTS_MAX {
            return;
        }
        if matches!(self.phase, Phase::Following { .. }) {
            self.phase = Phase::Roused;
        }
        let sooner = |planned: Campaign| planned.against == campaign.against && planned.at <= campaign.at;
        if !self.campaign.is_some_and(sooner) {
            self.campaign = Some(campaign);
        }
    }

    /// Begins the campaign that is due. Returns whether there is one to begin: none when another leads by now, as
    /// `leader` tells. Another attempt follows after `pause`.
    pub(crate) fn begin_campaign(
        &mut self,
        now: Instant,
        leader: Option<(u64, ReplicaId)>,
        pause: Duration,
    ) -> bool {
        let Some(due) = self.campaign.take_if(|campaign| campaign.at <= now) else {
            return false;
        };
        if matches!(self.phase, Phase::Roused) {
            self.phase = Phase::Awake;
        }
        if leader != Some(due.against) {
            self.attempts = 0;
            return false;
        }
        self.attempts += 1;
        if self.attempts < ATTEMPTS_MAX {
            let at = now + pause;
            self.campaign = Some(Campaign { at, ..due });
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGREEMENT: Agreement = Agreement {
        term: 3,
        leader: ReplicaId(1),
        last_index: 7,
    };
    const SECOND: Duration = Duration::from_secs(1);

    fn others() -> BTreeSet<NodeId> {
        [NodeId(2), NodeId(3)].into()
    }

    fn campaign(at: Instant) -> Campaign {
        Campaign {
            at,
            against: (3, ReplicaId(1)),
        }
    }

    fn now() -> Instant {
        tokio::time::Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_parks_when_all_others_agree_to_the_same() {
        let mut leader = Parking::new(now());
        leader.offer(AGREEMENT, &others());
        leader.accepted(NodeId(2), AGREEMENT, &others());
        let older = Agreement {
            last_index: 6,
            ..AGREEMENT
        };
        leader.accepted(NodeId(3), older, &others());
        assert!(leader.ticks() && !leader.is_parked());
        leader.accepted(NodeId(3), AGREEMENT, &others());
        assert!(!leader.ticks() && leader.is_parked());
    }

    #[tokio::test(start_paused = true)]
    async fn use_takes_an_offer_back_and_makes_a_parked_leader_ask() {
        let mut leader = Parking::new(now());
        leader.offer(AGREEMENT, &others());
        assert!(!leader.use_now(now()), "its lease runs");
        leader.accepted(NodeId(2), AGREEMENT, &others());
        leader.accepted(NodeId(3), AGREEMENT, &others());
        assert!(!leader.is_parked(), "the offer was taken back");
        leader.offer(AGREEMENT, &BTreeSet::new());
        assert!(leader.is_parked());
        assert!(leader.use_now(now()) && leader.ticks());
        assert!(leader.use_now(now()), "still nobody was asked");
        leader.assured();
        assert!(!leader.use_now(now()));
        assert!(!leader.is_idle(now(), SECOND));
        assert!(leader.is_idle(now() + SECOND, SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_roused_follower_waits_for_its_leader_and_then_campaigns() {
        let mut follower = Parking::new(now());
        follower.follow(AGREEMENT, NodeId(1));
        assert!(follower.asked_for_vote(now(), Some(campaign(now() + SECOND))));
        assert!(!follower.ticks() && !follower.is_parked());
        assert!(!follower.asked_for_vote(now(), None), "it refuses once");
        let leader = Some((3, ReplicaId(1)));
        assert!(!follower.begin_campaign(now(), leader, SECOND));
        assert!(follower.begin_campaign(now() + SECOND, leader, SECOND));
        assert!(follower.ticks());
        follower.heard(now());
        assert_eq!(follower.campaign(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_sooner_campaign_counts_and_attempts_end() {
        let mut follower = Parking::new(now());
        follower.follow(AGREEMENT, NodeId(1));
        follower.rouse(Some(campaign(now() + SECOND)));
        follower.bereave(campaign(now()));
        follower.bereave(campaign(now() + SECOND));
        let leader = Some((3, ReplicaId(1)));
        let later = now() + SECOND * 60;
        for _ in 0..ATTEMPTS_MAX {
            assert!(follower.begin_campaign(later, leader, Duration::ZERO));
        }
        follower.bereave(campaign(now()));
        assert!(!follower.begin_campaign(later, leader, Duration::ZERO));
        follower.heard(now());
        follower.bereave(campaign(now()));
        assert!(!follower.begin_campaign(later, Some((4, ReplicaId(2))), Duration::ZERO));
    }
}
