//! The roles that face mail programs and transfer agents: IMAP and LMTP.

use std::sync::Arc;

use cluster::Router;
use futures::future::BoxFuture;
use lmtp::{Lmtp, LmtpListener, LmtpParts};
use observability::Metrics;
use proxy::{Proxy, Security};
use settings::Role;
use storage_node::{KnownDirectory, Node};
use tls::MailServer;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Site, links};
use crate::exit::Failure;
use crate::options;
use crate::surroundings::Machine;

/// The roles that this process plays towards the outside.
#[derive(Default)]
pub struct Fronts {
    imap: Option<(Proxy, Arc<MailServer>)>,
    lmtp: Option<Lmtp>,
    /// The ways to the storage; all of them share one spool.
    routers: Vec<Router>,
    /// What keeps them in step with the directory.
    following: Vec<BoxFuture<'static, ()>>,
}

/// What the roles stand before.
#[derive(Clone)]
pub struct Behind<'a> {
    /// The storage node in this process.
    pub local: Option<&'a Node>,
    /// The directory as the process knows it.
    pub known: KnownDirectory,
}

impl Fronts {
    /// Makes the roles, in front of the storage node in this process or of those elsewhere.
    ///
    /// # Errors
    /// When a certificate is missing.
    pub fn open(site: &Site, behind: &Behind<'_>, metrics: Option<&Metrics>) -> Result<Self, Failure> {
        let mut fronts = Self::default();
        if !site.plays(Role::Proxy) && !site.plays(Role::Lmtp) {
            return Ok(fronts);
        }
        let certificates = site.certificates.mail_server(&site.host)?;
        if site.plays(Role::Lmtp) {
            let router = fronts.router(site, tls::Role::Lmtp, behind)?;
            fronts.lmtp = Some(lmtp_role(site, router, metrics, &certificates));
        }
        if site.plays(Role::Proxy) {
            let router = fronts.router(site, tls::Role::Proxy, behind)?;
            fronts.imap = Some((imap_role(site, router, metrics), certificates));
        }
        Ok(fronts)
    }

    /// Makes the way of a role to the storage nodes. `limits.spool_bytes_max` holds for all roles together.
    fn router(&mut self, site: &Site, role: tls::Role, behind: &Behind<'_>) -> Result<Router, Failure> {
        let router = links::router(site, role, behind.local)?;
        let router = match self.routers.first() {
            Some(first) => router.with_spool_of(first),
            None => router,
        };
        let following = links::follow(site, role, (&router, behind.local), behind.known.clone())?;
        self.following.push(Box::pin(following));
        self.routers.push(router.clone());
        Ok(router)
    }

    /// Keeps the ways of the roles in step with the directory.
    pub fn follow(&mut self, tasks: &mut JoinSet<Result<(), Failure>>) {
        for following in self.following.drain(..) {
            tasks.spawn(async move {
                following.await;
                Ok(())
            });
        }
    }

    /// Returns the ways to the storage, all of which share one spool.
    pub fn routers(&self) -> Vec<Router> {
        self.routers.clone()
    }

    /// Serves IMAP on sockets that begin in clear text, and on sockets that begin with TLS.
    pub fn serve_imap(
        &self,
        plain: Vec<TcpListener>,
        secured: Vec<TcpListener>,
        tasks: &mut JoinSet<Result<(), Failure>>,
    ) {
        let Some((proxy, certificates)) = &self.imap else {
            return;
        };
        let starttls = |listener| (listener, Security::StartTls(Arc::clone(certificates)));
        let implicit = |listener| (listener, Security::Implicit(Arc::clone(certificates)));
        let plain = plain.into_iter().map(starttls);
        for (listener, security) in plain.chain(secured.into_iter().map(implicit)) {
            let proxy = proxy.clone();
            tasks.spawn(async move {
                proxy.serve_listener(listener, security).await;
                Ok(())
            });
        }
    }

    /// Serves LMTP.
    pub fn serve_lmtp(&self, listeners: Vec<LmtpListener>, tasks: &mut JoinSet<Result<(), Failure>>) {
        let Some(lmtp) = &self.lmtp else {
            return;
        };
        for listener in listeners {
            let lmtp = lmtp.clone();
            tasks.spawn(async move {
                lmtp.serve_listener(listener).await;
                Ok(())
            });
        }
    }

    /// Asks every session to end and waits until all have, each within its time.
    pub async fn shut_down(&self) {
        let imap = async {
            if let Some((proxy, _)) = &self.imap {
                proxy.shut_down().await;
            }
        };
        let lmtp = async {
            if let Some(lmtp) = &self.lmtp {
                lmtp.shut_down().await;
            }
        };
        tokio::join!(imap, lmtp);
    }
}

fn imap_role(site: &Site, router: Router, metrics: Option<&Metrics>) -> Proxy {
    let router = Arc::new(router);
    let options = options::proxy::proxy(&site.settings, site.name.as_str());
    let sign = Arc::clone(&router);
    let proxy = Proxy::new(options, Arc::clone(&router) as _, router, Arc::new(Machine));
    let proxy = proxy.with_overload_sign(Arc::new(move || sign.is_overloaded()));
    match metrics {
        Some(metrics) => proxy.with_meter(&metrics.meter("proxy")),
        None => proxy,
    }
}

fn lmtp_role(site: &Site, router: Router, metrics: Option<&Metrics>, certificates: &Arc<MailServer>) -> Lmtp {
    let parts = LmtpParts {
        delivery: Arc::new(router),
        environment: Arc::new(Machine),
        starttls: Some(Arc::clone(certificates)),
        meter: metrics.map_or_else(
            || opentelemetry::global::meter("lmtp"),
            |metrics| metrics.meter("lmtp"),
        ),
    };
    Lmtp::new(options::lmtp::lmtp(&site.settings, &site.host), parts)
}
