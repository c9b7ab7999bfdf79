//! The role as a whole: listeners in, sessions out.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use imap_wire::frame::Framer;
use imap_wire::parse::ParseOptions;
use imap_wire::response::{Condition, ResponseCode, Status};
use mailstore::ports::{Authentication, Mail};
use opentelemetry::metrics::Meter;
use tls::MailServer;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::cache::recent::RecentClaims;
use crate::cache::view_cache::ViewCache;
use crate::cache::watch_hub::WatchHub;
use crate::connection::admission::{Admission, Place};
use crate::connection::client::Client;
use crate::connection::control::Control;
use crate::connection::driver::Driver;
use crate::connection::stream::ByteStream;
use crate::connection::{self, Connection};
use crate::drain::Drain;
use crate::environment::Environment;
use crate::error::ProxyError;
use crate::load::{Load, OverloadSign};
use crate::metrics::{Metrics, Stage};
use crate::options::ProxyOptions;
use crate::services::Services;
use crate::session::Session;

/// How often unused mailbox views are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Wait after a listener failed, so that running out of file descriptors costs no processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a listener's connections are protected.
#[derive(Clone, Debug)]
pub enum Security {
    /// TLS from the first octet, as on port 993 (RFC 8314 §3.2).
    Implicit(Arc<MailServer>),
    /// Plain until STARTTLS, as on port 143.
    StartTls(Arc<MailServer>),
    /// Plain, without TLS to be had.
    Plain,
}

/// The IMAP role. Cheap to clone.
#[derive(Clone)]
pub struct Proxy {
    services: Arc<Services>,
}

impl Security {
    /// Returns the protocol's name in metrics.
    fn protocol(&self) -> &'static str {
        match self {
            Self::Implicit(_) => "imaps",
            Self::StartTls(_) | Self::Plain => "imap",
        }
    }
}

impl Proxy {
    /// Makes the role. Nothing is served until a listener or a connection is handed over.
    #[must_use]
    pub fn new(
        options: ProxyOptions,
        mail: Arc<dyn Mail>,
        authentication: Arc<dyn Authentication>,
        environment: Arc<dyn Environment>,
    ) -> Self {
        let services = Services {
            views: ViewCache::new(options.view_messages_max, options.times.view_idle),
            watches: WatchHub::default(),
            recent_claims: RecentClaims::default(),
            admission: Admission::new(options.connections.clone()),
            tasks: TaskTracker::new(),
            load: Load::new(options.buffered_bytes_max),
            drain: Drain::default(),
            options,
            mail,
            authentication,
            environment,
            metrics: Metrics::new(&opentelemetry::global::meter("proxy")),
        };
        Self {
            services: Arc::new(services),
        }
    }

    /// Lets nobody new in while this says that too much waits for the storage. To be called before anything is
    /// served.
    #[must_use]
    pub fn with_overload_sign(mut self, sign: OverloadSign) -> Self {
        if let Some(services) = Arc::get_mut(&mut self.services) {
            services.load.storage = Some(sign);
        }
        self
    }

    /// Makes the role's instruments from this meter. To be called before anything is served.
    #[must_use]
    pub fn with_meter(mut self, meter: &Meter) -> Self {
        if let Some(services) = Arc::get_mut(&mut self.services) {
            services.metrics = Metrics::new(meter);
        }
        self
    }

    /// Serves a listener until [`shut_down`](Self::shut_down).
    pub async fn serve_listener(&self, listener: TcpListener, security: Security) {
        let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
        loop {
            tokio::select! {
                () = self.services.drain.begun() => return,
                _ = sweep.tick() => self.services.views.sweep(),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        // Answers are written whole; waiting for more would only delay them.
                        if let Err(error) = stream.set_nodelay(true) {
                            tracing::debug!(%error, "cannot set TCP_NODELAY");
                        }
                        self.spawn(stream, peer, security.clone());
                    }
                    Err(error) => {
                        tracing::warn!(error = %ProxyError::Accept(error), "listener failed");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }

    /// Serves one connection in a task of its own.
    pub fn spawn(&self, stream: impl ByteStream + 'static, peer: SocketAddr, security: Security) {
        let proxy = self.clone();
        self.services.tasks.spawn(async move {
            if let Err(error) = proxy.serve(stream, peer, security).await {
                tracing::debug!(%error, "connection was not served");
            }
        });
    }

    /// Serves one connection to its end.
    ///
    /// # Errors
    /// When the handshake fails or there are too many connections. What happens later is the session's
    /// own affair.
    pub async fn serve(
        &self,
        stream: impl ByteStream + 'static,
        peer: SocketAddr,
        security: Security,
    ) -> Result<(), ProxyError> {
        let protocol = security.protocol();
        // One clock for all that comes before login, the handshake included (RELIABILITY §3).
        let deadline = Instant::now() + self.services.options.before_login.time_max;
        let (place, before_login) = match self.admit(peer.ip()) {
            Ok(places) => places,
            Err(limit) => {
                self.services.metrics.refused(protocol, limit);
                refuse(stream, &security, &self.services.options).await;
                return Err(ProxyError::TooMany);
            }
        };
        let secured = self.secure(Box::new(stream), security);
        let (stream, security) = Box::pin(secured).await?;
        let connection = self.connection(stream, peer, security, (place, before_login));
        self.services
            .metrics
            .stage(protocol, None, Some(Stage::NotAuthenticated));
        let mut driver = Box::new(Driver::new(connection, deadline));
        driver.run().await;
        Ok(())
    }

    /// Takes no new connections, asks every session to end, one after the other within the time that options give,
    /// and waits until all have. A command under way is carried out.
    pub async fn shut_down(&self) {
        let services = &self.services;
        let connections = services.admission.connections();
        services
            .drain
            .begin(connections, services.options.times.drain_max);
        self.services.tasks.close();
        self.services.tasks.wait().await;
    }

    /// Takes a new connection in.
    ///
    /// # Errors
    /// The limit that it would pass, by its name in metrics.
    fn admit(&self, peer: IpAddr) -> Result<(Place, Place), &'static str> {
        if let Some(limit) = self.services.load.reached() {
            return Err(limit);
        }
        let admission = &self.services.admission;
        let place = admission.connect().ok_or("connections")?;
        let before_login = admission.before_login(peer).ok_or("preauth-connections")?;
        Ok((place, before_login))
    }

    async fn secure(
        &self,
        stream: Box<dyn ByteStream>,
        security: Security,
    ) -> Result<(Box<dyn ByteStream>, connection::Security), ProxyError> {
        let protocol = security.protocol();
        let plain = connection::Security {
            protocol,
            ..connection::Security::default()
        };
        match security {
            Security::Plain => Ok((stream, plain)),
            Security::StartTls(server) => {
                let starttls = Some(server);
                Ok((stream, connection::Security { starttls, ..plain }))
            }
            Security::Implicit(server) => {
                let options = &self.services.options;
                let handshake_max = options.times.handshake_max.min(options.before_login.time_max);
                let handshake = server.accept(stream, handshake_max);
                let stream = handshake.await.map_err(ProxyError::Handshake)?;
                let security = connection::Security {
                    encrypted: true,
                    starttls: None,
                    protocol,
                    binding: connection::binding(stream.channel_binding()),
                };
                Ok((Box::new(stream), security))
            }
        }
    }

    fn connection(
        &self,
        stream: Box<dyn ByteStream>,
        peer: SocketAddr,
        security: connection::Security,
        (place, before_login): (Place, Place),
    ) -> Connection {
        let options = &self.services.options;
        let traffic = self.services.metrics.traffic(security.protocol);
        Connection {
            client: Client {
                transport: connection::new_transport(stream, options)
                    .counted(traffic, self.services.load.hold()),
                framer: Framer::new(connection::limits(options, false), ParseOptions::default()),
            },
            services: Arc::clone(&self.services),
            session: Session::default(),
            security,
            peer: peer.ip(),
            control: Arc::new(Control::default()),
            upgrade: None,
            stage: Stage::NotAuthenticated,
            before_login: Some(before_login),
            _place: place,
        }
    }
}

/// Says why, where it can be said without a handshake that would cost more than serving.
async fn refuse(stream: impl ByteStream + 'static, security: &Security, options: &ProxyOptions) {
    if matches!(security, Security::Implicit(_)) {
        return;
    }
    let mut transport = connection::new_transport(Box::new(stream), options);
    let bye = Status {
        tag: None,
        condition: Condition::Bye,
        code: Some(ResponseCode::Unavailable),
        text: "Too busy, come back later",
    };
    bye.encode(transport.output());
    transport.close().await;
}
