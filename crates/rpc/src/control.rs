//! What the controller and the leaders of groups ask storage nodes to do with replicas.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mailstore::{GroupId, StoreError};
use tonic::{Request, Response, Status};

use crate::generated::node as proto;
use crate::generated::node::control_client::ControlClient as Client;
use crate::generated::node::control_server::{Control, ControlServer};
use crate::status::{status, store_error};
use crate::transport::{Connection, Dialer, Services, may_use_raft};

/// Time that an answer may take. A change of voters waits for a majority of both sets, and for content.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// A group as one replica knows it. Replicas and nodes go by the numbers that the directory gave them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GroupView {
    /// The replica that answers.
    pub replica: u64,
    /// Whether it leads.
    pub leads: bool,
    /// The newest term that it knows.
    pub term: u64,
    /// The replica that is thought to lead.
    pub leader: Option<u64>,
    /// The members, voting or not.
    pub members: Vec<MemberView>,
    /// Whether the voters are being replaced, and the change has not been completed.
    pub changing: bool,
    /// The last entry in its log.
    pub last_index: Option<u64>,
    /// The last entry that it knows to be committed.
    pub committed_index: Option<u64>,
    /// The last entry whose effect is in its rows.
    pub applied_index: Option<u64>,
    /// Blobs that it was last seen to lack; `None` when nobody has looked.
    pub missing_blobs: Option<u64>,
    /// Octets of messages that it has.
    pub content_bytes: Option<u64>,
}

/// One member of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberView {
    /// The replica.
    pub replica: u64,
    /// The node that hosts it.
    pub node: u64,
    /// Whether it votes.
    pub votes: bool,
    /// How far its log is known to agree with the leader's; of leaders only.
    pub matched_index: Option<u64>,
}

/// What a replica holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReplicaProgress {
    /// The replica that answers.
    pub replica: u64,
    /// The last entry whose effect is in its rows.
    pub applied_index: Option<u64>,
    /// Content that rows up to this entry name has been looked for.
    pub checked_index: Option<u64>,
    /// Blobs that were looked for and are not there.
    pub missing_blobs: u64,
}

impl ReplicaProgress {
    /// Returns whether the replica lacks nothing of what entries up to `index` did, nor content that they name.
    #[must_use]
    pub fn is_complete(&self, index: u64) -> bool {
        self.missing_blobs == 0 && self.checked_index.is_some_and(|checked| checked >= index)
    }
}

/// The replicas of one storage node, here or elsewhere, for whoever places them. Each call may be repeated.
#[async_trait]
pub trait GroupControl: Send + Sync + 'static {
    /// Describes a group as the node's replica knows it.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`] when the node has no replica of it.
    async fn group_status(&self, group: GroupId) -> Result<GroupView, StoreError>;

    /// Waits a little until the replica has applied the entry at `upto`, lets it fetch some of the content that
    /// it lacks, and says what it holds then.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`] when the node has no replica of the group.
    async fn replica_progress(&self, group: GroupId, upto: u64) -> Result<ReplicaProgress, StoreError>;

    /// Adds a replica that receives the log and does not vote.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], and [`StoreError::Unavailable`] while another change is under way.
    async fn add_learner(&self, group: GroupId, replica: u64, node: u64) -> Result<(), StoreError>;

    /// Replaces the voters by these, which must be members. Those that are left out leave the group.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], and [`StoreError::Unavailable`] while a new voter is no member, has not caught
    /// up or lacks content, or while another change is under way.
    async fn change_voters(&self, group: GroupId, voters: Vec<u64>) -> Result<(), StoreError>;

    /// Takes a replica out that does not vote.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], and [`StoreError::Unavailable`] while another change is under way.
    async fn remove_learner(&self, group: GroupId, replica: u64) -> Result<(), StoreError>;

    /// Asks a voter to take over, and returns when it has been asked.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], and [`StoreError::Unavailable`] when it does not vote.
    async fn transfer_leader(&self, group: GroupId, replica: u64) -> Result<(), StoreError>;
}

impl Services {
    /// Offers the replicas of this node to the controller and to other storage nodes.
    pub fn add_control(&mut self, control: Arc<dyn GroupControl>) {
        self.add(ControlServer::new(HandlerServer { control }));
    }
}

/// The replicas of one other storage node.
#[derive(Clone)]
pub struct ControlClient {
    client: Client<Connection>,
}

impl ControlClient {
    /// Returns a client that connects when first used.
    #[must_use]
    pub fn new(dialer: &Dialer) -> Self {
        Self {
            client: Client::new(dialer.channel()),
        }
    }
}

async fn answered<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, StoreError> {
    match tokio::time::timeout(ANSWER_TIME_MAX, call).await {
        Ok(answer) => answer
            .map(Response::into_inner)
            .map_err(|status| store_error(&status)),
        Err(_) => Err(StoreError::OutcomeUnknown),
    }
}

#[async_trait]
impl GroupControl for ControlClient {
    async fn group_status(&self, group: GroupId) -> Result<GroupView, StoreError> {
        let request = proto::GroupStatusRequest { group: group.0 };
        let view = answered(self.client.clone().group_status(request)).await?;
        Ok(GroupView {
            replica: view.replica,
            leads: view.leads,
            term: view.term,
            leader: view.leader,
            members: view.members.iter().map(MemberView::from).collect(),
            changing: view.changing,
            last_index: view.last_index,
            committed_index: view.committed_index,
            applied_index: view.applied_index,
            missing_blobs: view.missing_blobs,
            content_bytes: view.content_bytes,
        })
    }

    async fn replica_progress(&self, group: GroupId, upto: u64) -> Result<ReplicaProgress, StoreError> {
        let request = proto::ReplicaProgressRequest {
            group: group.0,
            upto_index: upto,
        };
        let progress = answered(self.client.clone().replica_progress(request)).await?;
        Ok(ReplicaProgress {
            replica: progress.replica,
            applied_index: progress.applied_index,
            checked_index: progress.checked_index,
            missing_blobs: progress.missing_blobs,
        })
    }

    async fn add_learner(&self, group: GroupId, replica: u64, node: u64) -> Result<(), StoreError> {
        let request = proto::AddLearnerRequest {
            group: group.0,
            replica,
            node,
        };
        answered(self.client.clone().add_learner(request)).await.map(drop)
    }

    async fn change_voters(&self, group: GroupId, voters: Vec<u64>) -> Result<(), StoreError> {
        let request = proto::ChangeVotersRequest {
            group: group.0,
            voters,
        };
        answered(self.client.clone().change_voters(request))
            .await
            .map(drop)
    }

    async fn remove_learner(&self, group: GroupId, replica: u64) -> Result<(), StoreError> {
        let request = proto::RemoveLearnerRequest {
            group: group.0,
            replica,
        };
        answered(self.client.clone().remove_learner(request))
            .await
            .map(drop)
    }

    async fn transfer_leader(&self, group: GroupId, replica: u64) -> Result<(), StoreError> {
        let request = proto::TransferLeaderRequest {
            group: group.0,
            replica,
        };
        answered(self.client.clone().transfer_leader(request))
            .await
            .map(drop)
    }
}

impl From<&proto::Member> for MemberView {
    fn from(member: &proto::Member) -> Self {
        Self {
            replica: member.replica,
            node: member.node,
            votes: member.votes,
            matched_index: member.matched_index,
        }
    }
}

impl From<MemberView> for proto::Member {
    fn from(member: MemberView) -> Self {
        Self {
            replica: member.replica,
            node: member.node,
            votes: member.votes,
            matched_index: member.matched_index,
        }
    }
}

struct HandlerServer {
    control: Arc<dyn GroupControl>,
}

fn done<T>(outcome: Result<(), StoreError>, response: T) -> Result<Response<T>, Status> {
    outcome.map_err(|error| status(&error))?;
    Ok(Response::new(response))
}

#[async_trait]
impl Control for HandlerServer {
    async fn group_status(
        &self,
        request: Request<proto::GroupStatusRequest>,
    ) -> Result<Response<proto::GroupStatusResponse>, Status> {
        may_use_raft(&request)?;
        let view = self
            .control
            .group_status(GroupId(request.into_inner().group))
            .await;
        let view = view.map_err(|error| status(&error))?;
        Ok(Response::new(proto::GroupStatusResponse {
            replica: view.replica,
            leads: view.leads,
            term: view.term,
            leader: view.leader,
            members: view.members.into_iter().map(Into::into).collect(),
            changing: view.changing,
            last_index: view.last_index,
            committed_index: view.committed_index,
            applied_index: view.applied_index,
            missing_blobs: view.missing_blobs,
            content_bytes: view.content_bytes,
        }))
    }

    async fn replica_progress(
        &self,
        request: Request<proto::ReplicaProgressRequest>,
    ) -> Result<Response<proto::ReplicaProgressResponse>, Status> {
        may_use_raft(&request)?;
        let asked = request.into_inner();
        let progress = self
            .control
            .replica_progress(GroupId(asked.group), asked.upto_index)
            .await;
        let progress = progress.map_err(|error| status(&error))?;
        Ok(Response::new(proto::ReplicaProgressResponse {
            replica: progress.replica,
            applied_index: progress.applied_index,
            checked_index: progress.checked_index,
            missing_blobs: progress.missing_blobs,
        }))
    }

    async fn add_learner(
        &self,
        request: Request<proto::AddLearnerRequest>,
    ) -> Result<Response<proto::AddLearnerResponse>, Status> {
        may_use_raft(&request)?;
        let asked = request.into_inner();
        let added = self
            .control
            .add_learner(GroupId(asked.group), asked.replica, asked.node);
        done(added.await, proto::AddLearnerResponse {})
    }

    async fn change_voters(
        &self,
        request: Request<proto::ChangeVotersRequest>,
    ) -> Result<Response<proto::ChangeVotersResponse>, Status> {
        may_use_raft(&request)?;
        let asked = request.into_inner();
        let changed = self.control.change_voters(GroupId(asked.group), asked.voters);
        done(changed.await, proto::ChangeVotersResponse {})
    }

    async fn remove_learner(
        &self,
        request: Request<proto::RemoveLearnerRequest>,
    ) -> Result<Response<proto::RemoveLearnerResponse>, Status> {
        may_use_raft(&request)?;
        let asked = request.into_inner();
        let removed = self.control.remove_learner(GroupId(asked.group), asked.replica);
        done(removed.await, proto::RemoveLearnerResponse {})
    }

    async fn transfer_leader(
        &self,
        request: Request<proto::TransferLeaderRequest>,
    ) -> Result<Response<proto::TransferLeaderResponse>, Status> {
        may_use_raft(&request)?;
        let asked = request.into_inner();
        let transferred = self.control.transfer_leader(GroupId(asked.group), asked.replica);
        done(transferred.await, proto::TransferLeaderResponse {})
    }
}
