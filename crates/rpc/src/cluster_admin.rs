//! What administrators ask of a cluster beside changes of its directory.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mailstore::ids::{NodeId, ReplicaId};
use mailstore::{GroupId, StoreError};
use tonic::{Request, Response, Status};

use crate::generated::node as proto;
use crate::generated::node::cluster_admin_client::ClusterAdminClient as Client;
use crate::generated::node::cluster_admin_server::{ClusterAdmin as Service, ClusterAdminServer};
use crate::status::{status, store_error};
use crate::transport::{Connection, Dialer, Services, may_administer};

/// Time that an answer may take; nodes that are silent are waited for.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Largest report that is taken; one of 1,024 groups on 100 nodes has about 200 KiB.
const REPORT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How a node is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeReport {
    /// The node, as the directory numbers it.
    pub node: NodeId,
    /// Whether it answers now.
    pub reachable: bool,
    /// For how long the node that reports has not heard of it, in whole seconds; nothing while it answers.
    pub silent: Duration,
    /// The replicas that the directory names there and that answered.
    pub replicas: Vec<ReplicaReport>,
}

/// How a replica is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplicaReport {
    /// Its group.
    pub group: GroupId,
    /// The replica.
    pub replica: ReplicaId,
    /// Whether it leads.
    pub leads: bool,
    /// Whether it votes, as far as it knows.
    pub votes: bool,
    /// The newest term that it knows.
    pub term: u64,
    /// The replica that it thinks to lead.
    pub leader: Option<ReplicaId>,
    /// The last entry in its log.
    pub last_index: Option<u64>,
    /// The last entry that it knows to be committed.
    pub committed_index: Option<u64>,
    /// The last entry whose effect is in its rows.
    pub applied_index: Option<u64>,
    /// Blobs that it was last seen to lack; `None` when nobody has looked.
    pub missing_blobs: Option<u64>,
    /// Octets of messages that it has; `None` when it does not tell.
    pub content_bytes: Option<u64>,
}

/// Answers administrators on a storage node.
#[async_trait]
pub trait ClusterAdmin: Send + Sync + 'static {
    /// Asks every node that the directory names how its replicas are; in order of their numbers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the node has no cluster yet.
    async fn report(&self) -> Result<Vec<NodeReport>, StoreError>;

    /// Lets the replica on a node lead its group, and returns when that replica has been asked.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the group has no leader, or no replica there that votes.
    async fn transfer_leader(&self, group: GroupId, node: NodeId) -> Result<(), StoreError>;
}

impl Services {
    /// Offers the administration of the cluster.
    pub fn add_cluster_admin(&mut self, handler: Arc<dyn ClusterAdmin>) {
        self.add(ClusterAdminServer::new(HandlerServer { handler }));
    }
}

/// Asks one storage node.
#[derive(Clone)]
pub struct ClusterAdminClient {
    client: Client<Connection>,
}

impl ClusterAdminClient {
    /// Returns a client that connects when first used.
    #[must_use]
    pub fn new(dialer: &Dialer) -> Self {
        let client = Client::new(dialer.channel());
        Self {
            client: client.max_decoding_message_size(REPORT_BYTES_MAX),
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
impl ClusterAdmin for ClusterAdminClient {
    async fn report(&self) -> Result<Vec<NodeReport>, StoreError> {
        let report = answered(self.client.clone().report(proto::ReportClusterRequest {})).await?;
        Ok(report.nodes.into_iter().map(Into::into).collect())
    }

    async fn transfer_leader(&self, group: GroupId, node: NodeId) -> Result<(), StoreError> {
        let request = proto::TransferGroupLeaderRequest {
            group: group.0,
            node: node.0,
        };
        answered(self.client.clone().transfer_leader(request))
            .await
            .map(drop)
    }
}

struct HandlerServer {
    handler: Arc<dyn ClusterAdmin>,
}

#[async_trait]
impl Service for HandlerServer {
    async fn report(
        &self,
        request: Request<proto::ReportClusterRequest>,
    ) -> Result<Response<proto::ReportClusterResponse>, Status> {
        may_administer(&request)?;
        let nodes = self.handler.report().await.map_err(|error| status(&error))?;
        Ok(Response::new(proto::ReportClusterResponse {
            nodes: nodes.into_iter().map(Into::into).collect(),
        }))
    }

    async fn transfer_leader(
        &self,
        request: Request<proto::TransferGroupLeaderRequest>,
    ) -> Result<Response<proto::TransferGroupLeaderResponse>, Status> {
        may_administer(&request)?;
        let asked = request.into_inner();
        let (group, node) = (GroupId(asked.group), NodeId(asked.node));
        let transferred = self.handler.transfer_leader(group, node).await;
        transferred.map_err(|error| status(&error))?;
        Ok(Response::new(proto::TransferGroupLeaderResponse {}))
    }
}

impl From<proto::NodeReport> for NodeReport {
    fn from(report: proto::NodeReport) -> Self {
        Self {
            node: NodeId(report.node),
            reachable: report.reachable,
            silent: Duration::from_secs(report.silent_seconds),
            replicas: report.replicas.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<NodeReport> for proto::NodeReport {
    fn from(report: NodeReport) -> Self {
        Self {
            node: report.node.0,
            reachable: report.reachable,
            silent_seconds: report.silent.as_secs(),
            replicas: report.replicas.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<proto::ReplicaReport> for ReplicaReport {
    fn from(report: proto::ReplicaReport) -> Self {
        Self {
            group: GroupId(report.group),
            replica: ReplicaId(report.replica),
            leads: report.leads,
            votes: report.votes,
            term: report.term,
            leader: report.leader.map(ReplicaId),
            last_index: report.last_index,
            committed_index: report.committed_index,
            applied_index: report.applied_index,
            missing_blobs: report.missing_blobs,
            content_bytes: report.content_bytes,
        }
    }
}

impl From<ReplicaReport> for proto::ReplicaReport {
    fn from(report: ReplicaReport) -> Self {
        Self {
            group: report.group.0,
            replica: report.replica.0,
            leads: report.leads,
            votes: report.votes,
            term: report.term,
            leader: report.leader.map(|leader| leader.0),
            last_index: report.last_index,
            committed_index: report.committed_index,
            applied_index: report.applied_index,
            missing_blobs: report.missing_blobs,
            content_bytes: report.content_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::transport::Listener;

    struct Answers;

    fn reports() -> Vec<NodeReport> {
        let replica = ReplicaReport {
            group: GroupId(7),
            replica: ReplicaId(1 << 40),
            leads: true,
            votes: true,
            term: 3,
            leader: Some(ReplicaId(1 << 40)),
            last_index: Some(12),
            committed_index: Some(11),
            applied_index: Some(0),
            missing_blobs: Some(2),
            content_bytes: Some(1 << 33),
        };
        let silent_about_itself = ReplicaReport {
            leads: false,
            votes: false,
            leader: None,
            last_index: None,
            committed_index: None,
            applied_index: None,
            missing_blobs: None,
            content_bytes: None,
            ..replica.clone()
        };
        let node = |node, reachable, silent, replicas| NodeReport {
            node: NodeId(node),
            reachable,
            silent: Duration::from_secs(silent),
            replicas,
        };
        vec![
            node(1, true, 0, vec![replica, silent_about_itself]),
            node(9, false, 77, Vec::new()),
        ]
    }

    #[async_trait]
    impl ClusterAdmin for Answers {
        async fn report(&self) -> Result<Vec<NodeReport>, StoreError> {
            Ok(reports())
        }

        async fn transfer_leader(&self, group: GroupId, node: NodeId) -> Result<(), StoreError> {
            match (group, node) {
                (GroupId(3), NodeId(4)) => Ok(()),
                _ => Err(StoreError::Unavailable("no replica there")),
            }
        }
    }

    #[tokio::test]
    async fn every_call_goes_there_and_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("admin.sock");
        let listener = Listener::unix(&path).expect("a socket");
        let mut services = Services::default();
        services.add_cluster_admin(Arc::new(Answers));
        let client = ClusterAdminClient::new(&Dialer::unix(path));
        let calls = async {
            assert_eq!(client.report().await, Ok(reports()));
            assert_eq!(client.transfer_leader(GroupId(3), NodeId(4)).await, Ok(()));
            let refused = client.transfer_leader(GroupId(3), NodeId(5)).await;
            assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        };
        tokio::select! {
            () = calls => {}
            ended = listener.serve(services, CancellationToken::new()) => panic!("{ended:?}"),
        }
    }
}
