//! Changes of the directory.

use mailstore::GroupId;
use mailstore::ids::{NodeId, ReplicaId};

use crate::command::{Announcement, Command, Done, Rejection};
use crate::model::{Change, ChangeReason, Directory, Epoch, FeatureLevel, Node, NodeState, VOTERS_MAX};

/// Applies a command to the directory, `None` where no cluster has been founded. Every replica of the directory comes to
/// the same result. The epoch rises only when something has changed.
///
/// # Errors
/// Why it was not carried out; nothing has changed then.
pub fn apply(directory: &mut Option<Directory>, command: Command) -> Result<Done, Rejection> {
    let known = match (directory.as_mut(), command) {
        (None, Command::Found(founded)) => {
            check_founded(&founded)?;
            let founded = directory.insert(*founded);
            founded.epoch = Epoch(1);
            return Ok(done(founded, None));
        }
        (Some(_), Command::Found(_)) => return Err(Rejection::Founded),
        (None, _) => return Err(Rejection::NotFounded),
        (Some(known), command) => (known, command),
    };
    let (known, command) = known;
    let before = known.clone();
    let outcome = known.change(command);
    match outcome {
        Ok(node) => {
            if *known != before {
                known.epoch = Epoch(known.epoch.0 + 1);
            }
            Ok(done(known, node))
        }
        Err(rejection) => {
            *known = before;
            Err(rejection)
        }
    }
}

fn done(directory: &Directory, node: Option<NodeId>) -> Done {
    Done {
        epoch: directory.epoch,
        node,
    }
}

/// Numbers that are to be given must not have been given, and groups must be where nodes are.
fn check_founded(founded: &Directory) -> Result<(), Rejection> {
    let nodes_below = founded.nodes.keys().all(|node| *node < founded.next_node);
    let groups = founded.groups.values();
    let mut replicas = groups.clone().flat_map(|group| group.replicas.iter());
    let placed =
        replicas.all(|(replica, node)| *replica < founded.next_replica && founded.nodes.contains_key(node));
    let inhabited = groups.clone().all(|group| !group.replicas.is_empty());
    let mut holders = founded.slots.groups().into_iter();
    let held = holders.all(|group| founded.groups.contains_key(&group));
    let valid = nodes_below && placed && inhabited && held && voters_valid(founded.voters);
    valid.then_some(()).ok_or(Rejection::Invalid)
}

fn voters_valid(voters: u32) -> bool {
    voters % 2 == 1 && voters <= VOTERS_MAX
}

impl Directory {
    fn change(&mut self, command: Command) -> Result<Option<NodeId>, Rejection> {
        match command {
            Command::Found(_) => return Err(Rejection::Founded),
            Command::Announce(announcement) => return self.announce(announcement).map(Some),
            Command::SetNodeState(node, state) => self.set_node_state(node, state)?,
            Command::ForgetNode(node) => self.forget_node(node)?,
            Command::BeginChange {
                group,
                add_on,
                remove,
                reason,
            } => self.begin_change(group, add_on, remove, reason)?,
            Command::FinishChange(group) => self.finish_change(group)?,
            Command::AbandonChange(group) => self.abandon_change(group)?,
            Command::SettleGroup(group) => self.group_mut(group)?.founder = None,
            Command::SetBalancing(balancing) => self.balancing = balancing,
            Command::SetVoters(voters) if voters_valid(voters) => self.voters = voters,
            Command::SetVoters(_) => return Err(Rejection::Invalid),
            Command::BeginSlotMove { slots, to } => self.begin_move(slots, to)?,
            Command::FinishSlotMove(moving) => self.finish_move(moving)?,
            Command::AbandonSlotMove(moving) => self.abandon_move(moving)?,
            Command::CloseSlotMove(moving) => self.close_move(moving)?,
            Command::RaiseFeatureLevel(level) => self.raise(level)?,
        }
        Ok(None)
    }

    fn announce(&mut self, announcement: Announcement) -> Result<NodeId, Rejection> {
        if announcement.feature_level_max < self.feature_level {
            return Err(Rejection::FeatureLevel);
        }
        let known = self.node_named(&announcement.name);
        let (id, state) = match known {
            Some((_, node)) if node.disk.is_some_and(|disk| disk != announcement.disk) => {
                return Err(Rejection::OtherDisk);
            }
            Some((id, node)) => (id, node.state),
            // A disk that was given up must not come back under a new number: its replicas are being replaced.
            None if self.gave_up(&announcement) => return Err(Rejection::NodeState),
            None => {
                let id = self.next_node;
                self.next_node = NodeId(id.0 + 1);
                (id, NodeState::Active)
            }
        };
        let node = Node {
            name: announcement.name,
            address: announcement.address,
            zone: announcement.zone,
            state,
            disk: Some(announcement.disk),
            feature_level_max: announcement.feature_level_max,
            version: announcement.version,
        };
        self.nodes.insert(id, node);
        Ok(id)
    }

    fn gave_up(&self, announcement: &Announcement) -> bool {
        let mut nodes = self.nodes.values();
        nodes.any(|node| node.state == NodeState::Lost && node.disk == Some(announcement.disk))
    }

    fn set_node_state(&mut self, id: NodeId, state: NodeState) -> Result<(), Rejection> {
        let node = self.nodes.get_mut(&id).ok_or(Rejection::NoSuchNode)?;
        if node.state == NodeState::Lost && state != NodeState::Lost {
            return Err(Rejection::NodeState);
        }
        node.state = state;
        Ok(())
    }

    fn forget_node(&mut self, id: NodeId) -> Result<(), Rejection> {
        if self.replicas_on(id).next().is_some() {
            return Err(Rejection::NodeInUse);
        }
        self.nodes.remove(&id).map(drop).ok_or(Rejection::NoSuchNode)
    }

    fn group_mut(&mut self, id: GroupId) -> Result<&mut crate::Group, Rejection> {
        self.groups.get_mut(&id).ok_or(Rejection::NoSuchGroup)
    }

    fn begin_change(
        &mut self,
        id: GroupId,
        add_on: Option<NodeId>,
        remove: Option<ReplicaId>,
        reason: ChangeReason,
    ) -> Result<(), Rejection> {
        let group = self.groups.get(&id).ok_or(Rejection::NoSuchGroup)?;
        if group.change.is_some() || group.founder.is_some() {
            return Err(Rejection::Busy);
        }
        if remove.is_some_and(|replica| !group.replicas.contains_key(&replica)) {
            return Err(Rejection::NoSuchReplica);
        }
        match add_on {
            Some(node) => {
                let host = self.nodes.get(&node).ok_or(Rejection::NoSuchNode)?;
                if host.state != NodeState::Active || group.on(node).is_some() {
                    return Err(Rejection::Occupied);
                }
            }
            None if remove.is_none() => return Err(Rejection::Invalid),
            None if group.replicas.len() == 1 => return Err(Rejection::LastReplica),
            None => {}
        }
        let add = add_on.map(|_| self.next_replica);
        self.next_replica = ReplicaId(self.next_replica.0 + u64::from(add.is_some()));
        let group = self.group_mut(id)?;
        group.replicas.extend(add.zip(add_on));
        group.change = Some(Change {
            add,
            remove,
            reason,
            abandoned: false,
        });
        Ok(())
    }

    fn finish_change(&mut self, id: GroupId) -> Result<(), Rejection> {
        let group = self.group_mut(id)?;
        let change = group.change.take().ok_or(Rejection::NoChange)?;
        if let Some(leaving) = change.leaving() {
            group.replicas.remove(&leaving);
        }
        Ok(())
    }

    fn abandon_change(&mut self, id: GroupId) -> Result<(), Rejection> {
        let change = self.group_mut(id)?.change.as_mut();
        change.ok_or(Rejection::NoChange)?.abandoned = true;
        Ok(())
    }

    fn raise(&mut self, level: FeatureLevel) -> Result<(), Rejection> {
        if level < self.feature_level || level > self.feature_level_possible() {
            return Err(Rejection::FeatureLevel);
        }
        self.feature_level = level;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
