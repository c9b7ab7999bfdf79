//! The client's side.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tls::{Clock, ClusterFiles, ExpectedPeer, NodeName, Role};
use tokio::net::{TcpStream, UnixStream};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::RpcError;
use super::trace::InjectTrace;

/// A connection whose calls carry their trace.
pub(crate) type Connection = InterceptedService<Channel, InjectTrace>;

/// Time that a connection and its handshake may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// A silent peer is asked whether it is there, and given up when it is not. A call to a node that the network has
/// swallowed waits for both, so they bound how long mail stands still then (RELIABILITY 36).
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
const KEEPALIVE_TIME_MAX: Duration = Duration::from_secs(2);
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;
/// The authority of requests; nothing looks at it, since the certificate says who answers.
const PLACEHOLDER: &str = "http://facteur.invalid";

/// Makes connections to one process. A connection is made when first needed, and again after it broke.
#[derive(Clone)]
pub struct Dialer {
    target: Target,
}

#[derive(Clone)]
enum Target {
    Tcp {
        address: String,
        peer: ExpectedPeer,
        cluster: Arc<tls::Cluster>,
    },
    Unix {
        path: PathBuf,
    },
}

impl Dialer {
    /// Returns a dialer for a storage node at `address` (`host:port`). Connections to a process that does
    /// not prove to be that node are refused.
    #[must_use]
    pub fn storage(address: String, node: NodeName, cluster: Arc<tls::Cluster>) -> Self {
        let peer = ExpectedPeer {
            role: Role::Storage,
            node: Some(node),
        };
        Self {
            target: Target::Tcp {
                address,
                peer,
                cluster,
            },
        }
    }

    /// Returns a dialer for whichever storage node answers at `address`, for administrators.
    #[must_use]
    pub fn any_storage(address: String, cluster: Arc<tls::Cluster>) -> Self {
        let peer = ExpectedPeer {
            role: Role::Storage,
            node: None,
        };
        Self {
            target: Target::Tcp {
                address,
                peer,
                cluster,
            },
        }
    }

    /// Returns a dialer for whichever storage node answers at `address`, that proves itself by the
    /// certificate in these files.
    ///
    /// # Errors
    /// When the files are missing or of no use.
    pub fn administrator(address: String, files: ClusterFiles) -> Result<Self, RpcError> {
        let cluster = tls::Cluster::load(files, Clock::system())?;
        Ok(Self::any_storage(address, Arc::new(cluster)))
    }

    /// Returns a dialer for a Unix socket.
    #[must_use]
    pub fn unix(path: PathBuf) -> Self {
        Self {
            target: Target::Unix { path },
        }
    }

    /// Makes a connection and drops it again: says why the other side cannot be reached, which a call
    /// does not.
    ///
    /// # Errors
    /// When no connection can be made.
    pub async fn probe(&self) -> Result<(), RpcError> {
        let connect = async {
            match &self.target {
                Target::Tcp {
                    address,
                    peer,
                    cluster,
                } => connect_tcp(address, peer, cluster).await.map(drop),
                Target::Unix { path } => connect_unix(path).await.map(drop),
            }
        };
        match tokio::time::timeout(CONNECT_TIME_MAX, connect).await {
            Ok(connected) => connected,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }

    /// Returns a connection, which is made when first used.
    pub(crate) fn channel(&self) -> Connection {
        InterceptedService::new(self.plain_channel(), InjectTrace)
    }

    fn plain_channel(&self) -> Channel {
        let endpoint = Endpoint::from_static(PLACEHOLDER)
            .connect_timeout(CONNECT_TIME_MAX)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIME_MAX)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
        match self.target.clone() {
            Target::Tcp {
                address,
                peer,
                cluster,
            } => endpoint.connect_with_connector_lazy(service_fn(move |_| {
                let (address, peer, cluster) = (address.clone(), peer.clone(), Arc::clone(&cluster));
                async move { connect_tcp(&address, &peer, &cluster).await.map(TokioIo::new) }
            })),
            Target::Unix { path } => endpoint.connect_with_connector_lazy(service_fn(move |_| {
                let path = path.clone();
                async move { connect_unix(&path).await.map(TokioIo::new) }
            })),
        }
    }
}

async fn connect_tcp(
    address: &str,
    peer: &ExpectedPeer,
    cluster: &tls::Cluster,
) -> Result<tls::TlsStream<TcpStream>, RpcError> {
    let socket = TcpStream::connect(address).await?;
    // Without this, small requests wait for the acknowledgement of the one before.
    socket.set_nodelay(true)?;
    Ok(cluster.connect(socket, peer, CONNECT_TIME_MAX).await?)
}

async fn connect_unix(path: &Path) -> Result<UnixStream, RpcError> {
    Ok(UnixStream::connect(path).await?)
}
