//! The server's side.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use super::roles::Caller;
use super::{RpcError, Transport};

/// Time that a TLS handshake may take.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);
/// Handshakes that are under way at one time.
const HANDSHAKES_MAX: usize = 64;
/// Streams that one connection may have open.
const STREAMS_MAX: u32 = 4096;
/// A peer that resets more streams than this before they are accepted is cut off (CVE-2023-44487).
const PENDING_RESETS_MAX: usize = 64;
/// A peer that is silent for this long is asked whether it is there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIME_MAX: Duration = Duration::from_secs(10);
/// The window of one stream and of one connection.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// The services that one listener offers.
#[derive(Clone, Default)]
pub struct Services {
    pub(crate) routes: Routes,
}

/// A bound socket that is not served yet.
pub enum Listener {
    /// TCP, for mutual TLS.
    Tcp(TcpListener, Arc<tls::Cluster>),
    /// A Unix socket, for its owner.
    Unix(UnixListener),
}

impl Services {
    /// Adds a service.
    pub(crate) fn add<S>(&mut self, service: S)
    where
        S: tower::Service<http::Request<tonic::body::Body>, Error = std::convert::Infallible>
            + tonic::server::NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.routes = std::mem::take(&mut self.routes).add_service(service);
    }
}

impl Listener {
    /// Binds a TCP address.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn tcp(address: SocketAddr, cluster: Arc<tls::Cluster>) -> Result<Self, RpcError> {
        Ok(Self::Tcp(TcpListener::bind(address).await?, cluster))
    }

    /// Makes a Unix socket that only its owner can open; one that was left behind is replaced.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn unix(path: &Path) -> Result<Self, RpcError> {
        use std::os::unix::fs::PermissionsExt;
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self::Unix(listener))
    }

    /// Returns the TCP address that was bound.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener, _) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Returns what secures connections that come in here.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_, cluster) => Transport::Cluster(Arc::clone(cluster)),
            Self::Unix(_) => Transport::UnixSocket,
        }
    }

    /// Serves until the token is cancelled; calls in progress are finished.
    ///
    /// # Errors
    /// When the server fails as such; a connection that fails is its own affair.
    pub async fn serve(self, services: Services, stop: CancellationToken) -> Result<(), RpcError> {
        let server = Server::builder()
            .trace_fn(super::trace::incoming_span)
            .tcp_nodelay(true)
            .max_concurrent_streams(Some(STREAMS_MAX))
            .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS_MAX))
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIME_MAX))
            .initial_stream_window_size(Some(STREAM_WINDOW_BYTES))
            .initial_connection_window_size(Some(CONNECTION_WINDOW_BYTES))
            .add_routes(services.routes);
        let incoming = self.incoming();
        let served = server
            .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
            .await;
        served.map_err(|error| RpcError::Grpc(error.to_string()))
    }

    /// Returns the connections whose handshake succeeded.
    fn incoming(self) -> Pin<Box<dyn Stream<Item = Result<Connection, std::io::Error>> + Send>> {
        match self {
            Self::Tcp(listener, cluster) => {
                let sockets = futures::stream::unfold(listener, |listener| async move {
                    let accepted = listener.accept().await;
                    Some((accepted, listener))
                });
                let handshakes = sockets.map(move |accepted| {
                    let cluster = Arc::clone(&cluster);
                    async move { handshake(accepted, &cluster).await }
                });
                handshakes
                    .buffer_unordered(HANDSHAKES_MAX)
                    .filter_map(futures::future::ready)
                    .boxed()
            }
            Self::Unix(listener) => futures::stream::unfold(listener, |listener| async move {
                let accepted = listener
                    .accept()
                    .await
                    .map(|(socket, _)| Connection::Unix(socket));
                Some((accepted, listener))
            })
            .boxed(),
        }
    }
}

/// Finishes a connection, or drops it when the handshake fails.
async fn handshake(
    accepted: Result<(TcpStream, SocketAddr), std::io::Error>,
    cluster: &tls::Cluster,
) -> Option<Result<Connection, std::io::Error>> {
    let (socket, peer) = match accepted {
        Ok(accepted) => accepted,
        Err(error) => return Some(Err(error)),
    };
    // Without this, small answers wait for the acknowledgement of the one before.
    if let Err(error) = socket.set_nodelay(true) {
        return Some(Err(error));
    }
    match cluster.accept(socket, HANDSHAKE_TIME_MAX).await {
        Ok(stream) => Some(Ok(Connection::Tls(Box::new(stream)))),
        Err(error) => {
            tracing::warn!(%peer, %error, "cluster handshake failed");
            None
        }
    }
}

/// A connection that came in.
pub(crate) enum Connection {
    Tls(Box<tls::TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl Connected for Connection {
    type ConnectInfo = Option<Caller>;

    fn connect_info(&self) -> Option<Caller> {
        match self {
            Self::Tls(stream) => stream.peer_identity().cloned().map(Caller::Peer),
            Self::Unix(_) => Some(Caller::Local),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Tls(stream) => Pin::new(stream).poll_write(context, octets),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
