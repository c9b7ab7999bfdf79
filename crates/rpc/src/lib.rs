//! gRPC between the processes of a cluster.
//!
//! Generated types stay in this crate: [`NodeClient`] and [`serve_node`] carry the node ports of
//! `mailstore` over the network, [`RaftClient`] and [`RaftHandler`] the opaque messages of the consensus
//! layer, [`DirectoryClient`] and [`DirectoryHandler`] the directory's,
//! [`ClusterAdminClient`] and [`ClusterAdmin`] what administrators ask of a cluster, [`AdminClient`] and [`serve_admin`] the public administration service. One function turns an
//! error into a gRPC status and back, `status.rs`. Connections are mutual TLS with the role in the certificate; which
//! role may call what is decided in `transport/roles.rs`.
//!
//! The crate deliberately knows neither what a message means nor where a leader is. Start reading at
//! `transport/mod.rs`, then `node_client.rs`.
#![deny(missing_docs)]

mod admin;
mod cluster_admin;
mod content;
mod control;
mod directory;
mod generated;
mod node_client;
mod node_server;
mod raft;
mod slots;
mod status;
mod transport;

pub use admin::{AdminClient, serve_admin};
pub use cluster_admin::{ClusterAdmin, ClusterAdminClient, NodeReport, ReplicaReport};
pub use content::{ContentClient, ContentHandler, Replication};
pub use control::{ControlClient, GroupControl, GroupView, MemberView, ReplicaProgress};
pub use directory::{Described, DirectoryClient, DirectoryHandler};
pub use node_client::NodeClient;
pub use node_server::serve_node;
pub use raft::{RaftCall, RaftClient, RaftFailure, RaftHandler, RaftKind};
pub use slots::{
    ContentProgress, CopyProgress, SlotControl, SlotMove, SlotSubject, SlotsClient, SubjectRows,
};
pub use tls::ClusterFiles;
pub use transport::{Dialer, Listener, Offer, RpcError, Services, Transport};
