//! The client's side.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tls::{ExpectedPeer, NodeName, Role};
use tokio::net::{TcpStream, UnixStream};
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::RpcError;

/// Time that a connection and its handshake may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);
/// A silent peer is asked whether it is there, and given up when it is not.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_TIME_MAX: Duration = Duration::from_secs(3);
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

    /// Returns a dialer for a Unix socket.
    #[must_use]
    pub fn unix(path: PathBuf) -> Self {
        Self {
            target: Target::Unix { path },
        }
    }

    /// Returns a connection, which is made when first used.
    pub(crate) fn channel(&self) -> Channel {
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
                async move {
                    let socket = TcpStream::connect(address.as_str()).await?;
                    // Without this, small requests wait for the acknowledgement of the one before.
                    socket.set_nodelay(true)?;
                    let stream = cluster.connect(socket, &peer, CONNECT_TIME_MAX).await?;
                    Ok::<_, RpcError>(TokioIo::new(stream))
                }
            })),
            Target::Unix { path } => endpoint.connect_with_connector_lazy(service_fn(move |_| {
                let path = path.clone();
                async move { Ok::<_, RpcError>(TokioIo::new(UnixStream::connect(path).await?)) }
            })),
        }
    }
}
