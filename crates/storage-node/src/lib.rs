//! One storage node: the ports of `mailstore` for the groups that it leads.
//!
//! [`Node`] puts together what the mechanisms give: replicas (`consensus`, behind [`Replication`]),
//! content (`blobstore`, behind [`Content`]), SASL and tokens (`auth`). Everything that a caller may do
//! is decided in `authorise.rs`, and nowhere else.
//!
//! The crate deliberately knows no IMAP, no gRPC and no sequence numbers, and it does not find leaders:
//! it answers [`NotLeader`](mailstore::StoreError::NotLeader) and the router looks elsewhere. Start
//! reading at [`Node`], then `mail/mod.rs`.

mod admin;
mod authorise;
mod content;
mod delivery;
mod environment;
mod login;
mod mail;
mod maintenance;
mod node;
mod office;
mod options;
mod pool;
mod propose;
mod replicas;
mod replication;
mod search;
mod sessions;
mod steady_clock;
mod stored_content;
mod tables;
mod tokens;
mod watch;

pub use content::{Content, ContentUsage, NamedBlobs, Reconciled};
pub use delivery::{DeliveryFilter, ImplicitKeep, Incoming};
pub use environment::{BlockingWork, Environment};
pub use maintenance::ContentReport;
pub use node::{Node, NodeEvents, NodeParts};
pub use options::NodeOptions;
pub use replicas::{
    FixedLayout, GroupReplicas, GrpcLinks, NodeAddress, PeerLink, PeerLinks, Peers, Placement,
    PlacementEpoch, RaftEntrance, ReplicaParts, ReplicaPlacement, Replicas, StartError, StoredContentHandler,
};
pub use replication::{Question, Replication};
pub use sessions::SessionLimits;
pub use stored_content::{
    ContentPeer, ContentPlacement, ContentPush, Followers, StoredContent, StoredContentParts,
};
