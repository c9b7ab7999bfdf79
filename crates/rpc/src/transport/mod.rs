//! Connections: who may call, how they are made and how they are kept.

mod dial;
mod listen;
mod offer;
mod roles;
mod trace;

use std::sync::Arc;

pub(crate) use dial::Connection;
pub use dial::Dialer;
pub use listen::{Listener, Services};
pub use offer::Offer;
pub(crate) use roles::{
    may_administer, may_change_directory, may_deliver, may_log_in, may_read_directory, may_resolve,
    may_use_raft,
};

/// What secures the connections of this process.
#[derive(Clone)]
pub enum Transport {
    /// Mutual TLS.
    Cluster(Arc<tls::Cluster>),
    /// None: only for a Unix socket, whose permissions say who may connect.
    UnixSocket,
}

/// Why a server or a connection could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The address cannot be used.
    #[error("address {0} cannot be used")]
    Address(String),
    /// The socket failed.
    #[error("socket")]
    Socket(#[from] std::io::Error),
    /// TLS failed.
    #[error("TLS")]
    Tls(#[from] tls::TlsError),
    /// gRPC failed.
    #[error("gRPC: {0}")]
    Grpc(String),
}

impl RpcError {
    /// Returns who has to do something about it.
    #[must_use]
    pub fn kind(&self) -> mailstore::ErrorKind {
        match self {
            Self::Address(_) => mailstore::ErrorKind::Client,
            Self::Socket(_) | Self::Grpc(_) => mailstore::ErrorKind::Passing,
            Self::Tls(_) => mailstore::ErrorKind::Internal,
        }
    }

    /// Tells whether another attempt may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind() == mailstore::ErrorKind::Passing
    }
}
