//! The role as a whole: listeners in, deliveries out.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lmtp_wire::{Enhanced, Reply, ReplyCode};
use mailstore::ports::Delivery;
use opentelemetry::metrics::Meter;
use tls::MailServer;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::{ByteStream, Channel, Driver};
use crate::environment::Environment;
use crate::error::LmtpError;
use crate::instruments::Instruments;
use crate::options::LmtpOptions;
use crate::session::Rules;

/// Wait after a listener failed, so that running out of file descriptors costs no processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the role is made of.
#[derive(Clone)]
pub struct LmtpParts {
    /// Takes the mail.
    pub delivery: Arc<dyn Delivery>,
    /// Clock and randomness.
    pub environment: Arc<dyn Environment>,
    /// What STARTTLS begins; `None` where it is not offered.
    pub starttls: Option<Arc<MailServer>>,
    /// Makes the instruments.
    pub meter: Meter,
}

/// A bound socket that is not served yet.
#[derive(Debug)]
pub enum LmtpListener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket, whose permissions say who may connect.
    Unix(UnixListener),
}

/// Who is at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// A host.
    Network(IpAddr),
    /// A process on this machine.
    Local,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) options: LmtpOptions,
    pub(crate) rules: Rules,
    pub(crate) delivery: Arc<dyn Delivery>,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) starttls: Option<Arc<MailServer>>,
    pub(crate) instruments: Instruments,
    /// Connections, and deliveries that may outlive theirs.
    pub(crate) tasks: TaskTracker,
    /// Asks idle sessions to end.
    pub(crate) shutdown: CancellationToken,
    /// Asks all sessions to end.
    pub(crate) drained: CancellationToken,
}

/// The LMTP role. Cheap to clone.
#[derive(Clone)]
pub struct Lmtp {
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
}

impl Lmtp {
    /// Makes the role. Nothing is served until a listener or a connection is handed over.
    #[must_use]
    pub fn new(options: LmtpOptions, parts: LmtpParts) -> Self {
        let places = Semaphore::new(options.connections_max.min(Semaphore::MAX_PERMITS));
        let shared = Shared {
            rules: Rules::new(&options, parts.starttls.is_some()),
            options,
            delivery: parts.delivery,
            environment: parts.environment,
            starttls: parts.starttls,
            instruments: Instruments::new(&parts.meter),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            drained: CancellationToken::new(),
        };
        Self {
            shared: Arc::new(shared),
            places: Arc::new(places),
        }
    }

    /// Serves a listener until [`shut_down`](Self::shut_down).
    pub async fn serve_listener(&self, listener: LmtpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.shared.shutdown.cancelled() => return,
                accepted = accept(&listener) => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.spawn(stream, peer),
                Err(error) => {
                    tracing::warn!(error = %LmtpError::Accept(error), "listener failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves one connection in a task of its own.
    pub fn spawn(&self, stream: impl ByteStream + 'static, peer: Peer) {
        let role = self.clone();
        self.shared.tasks.spawn(async move {
            if let Err(error) = role.serve(stream, peer).await {
                tracing::debug!(%error, "connection was not served");
            }
        });
    }

    /// Serves one connection to its end.
    ///
    /// # Errors
    /// When there are too many connections. What happens later is the session's own affair.
    pub async fn serve(&self, stream: impl ByteStream + 'static, peer: Peer) -> Result<(), LmtpError> {
        let (times, instruments) = (self.shared.options.times.clone(), self.shared.instruments.clone());
        let channel = Channel::new(Box::new(stream), times, instruments);
        let Ok(_place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.shared.instruments.refused();
            turn_away(channel).await;
            return Err(LmtpError::TooMany);
        };
        Box::pin(Driver::new(Arc::clone(&self.shared), channel, peer).run()).await;
        Ok(())
    }

    /// Asks every session to end, those within a transaction after a while, and waits until all have, and
    /// until every delivery under way has come to its end. New connections are not taken any more.
    pub async fn shut_down(&self) {
        let shared = &self.shared;
        shared.shutdown.cancel();
        shared.tasks.close();
        let drain_max = shared.options.times.drain_max;
        if tokio::time::timeout(drain_max, shared.tasks.wait())
            .await
            .is_err()
        {
            shared.drained.cancel();
            shared.tasks.wait().await;
        }
    }
}

async fn accept(listener: &LmtpListener) -> io::Result<(Box<dyn ByteStream>, Peer)> {
    match listener {
        LmtpListener::Tcp(listener) => {
            let (stream, address) = listener.accept().await?;
            // Replies are written whole; waiting for more would only delay them.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
            Ok((Box::new(stream), Peer::Network(address.ip().to_canonical())))
        }
        LmtpListener::Unix(listener) => {
            let (stream, _) = listener.accept().await?;
            Ok((Box::new(stream), Peer::Local))
        }
    }
}

/// RFC 5321 §3.1: a greeting may refuse.
async fn turn_away(mut channel: Channel) {
    let reply = Reply::new(
        ReplyCode::SERVICE_UNAVAILABLE,
        Enhanced::SYSTEM_NOT_ACCEPTING,
        "Too many connections, try again later",
    );
    channel.reply(&reply);
    channel.close().await;
}
