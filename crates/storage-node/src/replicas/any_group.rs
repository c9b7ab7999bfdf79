//! A replica whose members are changed in the same way, whatever its entries mean.

use std::collections::BTreeSet;
use std::sync::Arc;

use consensus::{
    DirectoryMachine, Error, Group, GroupStatus, GroupWatch, LogPosition, MailMachine, NodeId, ReplicaId,
};
use mailstore::{GroupId, StoreError};

use super::{DIRECTORY, Replicas};

/// A replica of a mail group or of the directory's.
#[derive(Clone)]
pub(super) enum AnyGroup {
    Mail(Arc<Group<MailMachine>>),
    Directory(Arc<Group<DirectoryMachine>>),
}

/// Calls a method that both have.
macro_rules! of_either {
    ($group:expr, $method:ident($($argument:expr),*)) => {
        match $group {
            AnyGroup::Mail(group) => group.$method($($argument),*),
            AnyGroup::Directory(group) => group.$method($($argument),*),
        }
    };
    ($group:expr, async $method:ident($($argument:expr),*)) => {
        match $group {
            AnyGroup::Mail(group) => group.$method($($argument),*).await,
            AnyGroup::Directory(group) => group.$method($($argument),*).await,
        }
    };
}

impl AnyGroup {
    pub(super) fn replica(&self) -> ReplicaId {
        of_either!(self, replica())
    }

    pub(super) fn status(&self) -> GroupStatus {
        of_either!(self, status())
    }

    pub(super) fn watch(&self) -> GroupWatch {
        of_either!(self, watch())
    }

    pub(super) fn replicated_to(&self, replica: ReplicaId) -> Option<LogPosition> {
        of_either!(self, replicated_to(replica))
    }

    pub(super) async fn admit(&self, replica: ReplicaId, node: NodeId) -> Result<(), Error> {
        of_either!(self, async admit(replica, node))
    }

    pub(super) async fn expel(&self, learner: ReplicaId) -> Result<(), Error> {
        of_either!(self, async expel(learner))
    }

    pub(super) async fn change_voters(&self, voters: BTreeSet<ReplicaId>) -> Result<(), Error> {
        of_either!(self, async change_voters(voters))
    }

    pub(super) async fn transfer_leader(&self, to: ReplicaId) -> Result<(), Error> {
        of_either!(self, async transfer_leader(to))
    }
}

impl Replicas {
    /// Returns the replica of a group that runs here.
    pub(super) fn any_group(&self, id: GroupId) -> Result<AnyGroup, StoreError> {
        if id != DIRECTORY {
            return Ok(AnyGroup::Mail(self.group(id)?));
        }
        let directory = self.inner.directory.get(id);
        let directory = directory.map_err(|error| self.store_error(&error))?;
        Ok(AnyGroup::Directory(directory))
    }

    /// Returns every replica that runs here.
    pub(super) fn any_groups(&self) -> Vec<(GroupId, AnyGroup)> {
        let directory = self.inner.directory.all().into_iter().map(AnyGroup::Directory);
        let mail = self.inner.groups.all().into_iter();
        let directory = directory.map(|group| (DIRECTORY, group));
        directory
            .chain(mail.map(|group| (group.id(), AnyGroup::Mail(group))))
            .collect()
    }
}
