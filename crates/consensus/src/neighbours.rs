//! The other nodes: whether they live, and which groups are parked because they do.
//!
//! Each node sends one ping to each node with which it shares groups, in every round. A ping stands in for the
//! heartbeats of all groups that its sender leads and that nobody uses. It names them by a digest, and by their list
//! as long as the receiver has not agreed to that one. The receiver parks what it agrees to and wakes what is not in
//! the list any more; the sender parks a group when all others have agreed, and wakes it when one refuses. So
//! whatever is lost on the way, both are of one mind again one or two rounds later, long before anybody campaigns.
//!
//! A node that is not heard of is taken for dead: what it leads is campaigned for as soon as its leases have run out,
//! and what it follows wakes.

mod balance;
mod messages;
mod office;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use mailstore::GroupId;
use parking_lot::{Mutex, RwLock};
use prost::Message;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::group::{Group, Look};
use crate::machine::Machine;
use crate::options::GroupOptions;
use crate::peer::{PeerCall, PeerCallKind, PeerTransport};
use crate::{Error, NodeId, ReplicaId, Result, wire};
use balance::Balance;
use messages::{WireParked, WirePing, WirePong, digest};
use table::Table;

/// The replicas of a node, and the nodes of the others.
pub(crate) struct Neighbours<M: Machine> {
    node: NodeId,
    transport: Arc<dyn PeerTransport>,
    options: GroupOptions,
    pub(crate) running: RwLock<BTreeMap<GroupId, Arc<Group<M>>>>,
    table: Mutex<Table>,
    came_to_lead: AtomicU64,
    declines: AtomicBool,
    pub(crate) stop: CancellationToken,
}

/// A ping that has been answered or not.
struct Asked {
    node: NodeId,
    digest: u64,
    parked: Vec<WireParked>,
    answer: Result<Bytes>,
}

impl<M: Machine> Neighbours<M> {
    /// Returns a node without replicas.
    pub(crate) fn new(node: NodeId, transport: Arc<dyn PeerTransport>, options: GroupOptions) -> Self {
        Self {
            node,
            transport,
            options,
            running: RwLock::default(),
            table: Mutex::default(),
            came_to_lead: AtomicU64::new(0),
            declines: AtomicBool::new(false),
            stop: CancellationToken::new(),
        }
    }

    /// Returns the replica of a group.
    pub(crate) fn get(&self, group: GroupId) -> Result<Arc<Group<M>>> {
        let running = self.running.read().get(&group).cloned();
        running.ok_or(Error::NoSuchGroup { group })
    }

    /// Returns all replicas, by group.
    pub(crate) fn all(&self) -> Vec<Arc<Group<M>>> {
        self.running.read().values().cloned().collect()
    }

    /// Returns how many replicas here are parked.
    pub(crate) fn parked(&self) -> usize {
        self.running
            .read()
            .values()
            .filter(|group| group.is_parked())
            .count()
    }

    /// Returns how often a replica here has come to lead.
    pub(crate) fn came_to_lead(&self) -> u64 {
        self.came_to_lead.load(Ordering::Relaxed)
    }

    /// Goes one round after the other until the node stops.
    pub(crate) async fn go_rounds(self: Arc<Self>) {
        let mut rounds = tokio::time::interval(self.options.ping_interval);
        // A node that itself stood still must not take the others for dead.
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut asked, mut transfers) = (FuturesUnordered::new(), FuturesUnordered::new());
        let mut balance = Balance::new(Instant::now());
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                Some(answered) = asked.next() => self.take_answer(&answered),
                Some(()) = transfers.next() => {}
                _ = rounds.tick() => {
                    let groups = self.round();
                    transfers.extend(self.rebalance(&mut balance, &groups, &self.options));
                    asked.extend(self.pings(&groups));
                }
            }
        }
    }

    /// Looks after every group.
    fn round(&self) -> Vec<(Look, Arc<Group<M>>)> {
        let groups: Vec<_> = self
            .all()
            .into_iter()
            .map(|group| (group.look(), group))
            .collect();
        let mut through = BTreeMap::new();
        for (look, group) in &groups {
            for node in look.others(group.replica()) {
                through.entry(node).or_insert(group.id());
            }
        }
        self.table.lock().round(&through);
        for (look, group) in &groups {
            self.tend(look, group);
        }
        groups
    }

    /// Parks or wakes a group by what is known of the other nodes.
    fn tend(&self, look: &Look, group: &Group<M>) {
        let table = self.table.lock();
        if group.came_to_lead(look) {
            self.came_to_lead.fetch_add(1, Ordering::Relaxed);
        }
        if look.leads {
            let is_parked = group.is_parked();
            // A parked group bears it that a ping is late.
            group.tend_leading(look, |node| match is_parked {
                true => table.is_dead(*node),
                false => !table.is_present(*node),
            });
            return;
        }
        group.deposed();
        if let Some(node) = look.leader_node() {
            if table.is_dead(node) {
                group.bereave(look);
            } else if group.followed(node).is_some() && table.is_silent(node) {
                group.rouse();
            }
        }
    }

    /// Returns the pings that are to be sent.
    fn pings(&self, groups: &[(Look, Arc<Group<M>>)]) -> Vec<BoxFuture<'static, Asked>> {
        let mut lists: BTreeMap<NodeId, Vec<WireParked>> = BTreeMap::new();
        for (look, group) in groups {
            if let Some(agreement) = group.offered() {
                for node in look.others(group.replica()) {
                    let parked = WireParked::new(group.id(), agreement);
                    lists.entry(node).or_default().push(parked);
                }
            }
        }
        let mut table = self.table.lock();
        let asked = table.unasked().map(|(node, neighbour)| {
            neighbour.is_asked = true;
            let parked = lists.remove(&node).unwrap_or_default();
            self.ping(node, neighbour.through, parked, neighbour.agreed)
        });
        asked.collect()
    }

    fn ping(
        &self,
        node: NodeId,
        through: GroupId,
        parked: Vec<WireParked>,
        agreed: Option<u64>,
    ) -> BoxFuture<'static, Asked> {
        let digest = digest(&parked);
        let lists = agreed != Some(digest);
        let ping = WirePing {
            node: self.node.0,
            digest,
            lists,
            parked: if lists { parked.clone() } else { Vec::new() },
            declines: self.declines.load(Ordering::Relaxed),
        };
        let call = PeerCall {
            group: through,
            target: ReplicaId::default(),
            node,
            kind: PeerCallKind::Ping,
            payload: ping.encode_to_vec().into(),
        };
        // As long as it takes to find out that the node is dead.
        let (transport, deadline) = (Arc::clone(&self.transport), self.options.ping_interval * 3);
        Box::pin(async move {
            let answer = transport.call(call, deadline).await;
            Asked {
                node,
                digest,
                parked,
                answer,
            }
        })
    }

    fn take_answer(&self, asked: &Asked) {
        let answer = asked.answer.clone();
        let pong = answer.and_then(|answer| {
            let malformed = |error: wire::DecodeError| Error::Malformed {
                detail: error.to_string(),
            };
            wire::decode::<WirePong>(answer, "an answer to a ping").map_err(malformed)
        });
        let (node, digest) = (asked.node, asked.digest);
        let mut table = self.table.lock();
        match &pong {
            Ok(pong) => {
                table.heard(node, pong.declines);
                table.answered(node, false, pong.agrees.then_some(digest));
            }
            // It lives, but knows no pings. Nothing is parked with it.
            Err(Error::Refused { .. } | Error::Malformed { .. }) => {
                table.heard(node, true);
                table.answered(node, false, None);
            }
            Err(Error::Timeout) => table.answered(node, false, None),
            Err(_) => table.answered(node, true, None),
        }
        drop(table);
        if let Ok(pong) = pong {
            self.take_agreement(asked, &pong);
        }
    }

    /// Parks the groups to which the last of the others agreed, and wakes those to which one does not.
    fn take_agreement(&self, asked: &Asked, pong: &WirePong) {
        if !pong.agrees && pong.refused.is_empty() {
            // It has not seen the list yet.
            return;
        }
        for parked in &asked.parked {
            let Ok(group) = self.get(GroupId(parked.group)) else {
                continue;
            };
            if pong.refused.contains(&parked.group) {
                tracing::debug!(
                    group = parked.group,
                    node = asked.node.0,
                    "group is not parked there"
                );
                group.refused(parked.agreement());
            } else {
                group.accepted(asked.node, parked.agreement());
            }
        }
    }

    /// Answers a ping of another node.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(crate) fn answer(&self, payload: Bytes) -> Result<Bytes> {
        let malformed = |error: wire::DecodeError| Error::Malformed {
            detail: error.to_string(),
        };
        let ping: WirePing = wire::decode(payload, "a ping").map_err(malformed)?;
        let node = NodeId(ping.node);
        self.table.lock().told(node, ping.declines);
        let refused = if ping.lists {
            self.follow(node, &ping.parked)
        } else {
            Vec::new()
        };
        let pong = WirePong {
            agrees: refused.is_empty() && digest(&self.followed(node)) == ping.digest,
            refused,
            declines: self.declines.load(Ordering::Relaxed),
        };
        Ok(pong.encode_to_vec().into())
    }

    /// Parks under a node what is in its list, wakes what is not, and returns the groups that cannot be parked.
    fn follow(&self, node: NodeId, parked: &[WireParked]) -> Vec<u32> {
        let mut refused = Vec::new();
        let listed: BTreeMap<u32, &WireParked> = parked.iter().map(|one| (one.group, one)).collect();
        for group in self.all() {
            let followed = group.followed(node);
            match listed.get(&group.id().0).map(|one| one.agreement()) {
                Some(agreement) if followed == Some(agreement) => {}
                Some(agreement) if group.follow_parked(agreement, node) => {}
                Some(_) => refused.push(group.id().0),
                None if followed.is_some() => group.rouse(),
                None => {}
            }
        }
        let running = self.running.read();
        let absent = listed
            .keys()
            .filter(|group| !running.contains_key(&GroupId(**group)));
        refused.extend(absent);
        refused
    }

    /// Returns what is parked here under a node, by group.
    fn followed(&self, node: NodeId) -> Vec<WireParked> {
        let running = self.running.read();
        let followed = running.iter().filter_map(|(id, group)| {
            let agreement = group.followed(node)?;
            Some(WireParked::new(*id, agreement))
        });
        followed.collect()
    }
}
