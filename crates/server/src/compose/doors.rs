//! The listeners in front: bound before anything is read from the disk, served once everything runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use settings::Role;
use tokio::net::TcpListener;

use super::Site;
use crate::exit::{Exit, Failure, OrExit};
use crate::listeners::{addresses, bind_all};

/// Sockets that are bound and not served yet. Clients that come early wait.
pub struct Doors {
    pub imap: Vec<TcpListener>,
    pub imaps: Vec<TcpListener>,
    pub lmtp: Vec<TcpListener>,
    pub metrics: Vec<TcpListener>,
    pub rpc: Vec<rpc::Listener>,
    pub admin: Vec<rpc::Listener>,
}

/// Where a process can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    pub imap: Vec<SocketAddr>,
    pub imaps: Vec<SocketAddr>,
    pub lmtp: Vec<SocketAddr>,
    pub metrics: Vec<SocketAddr>,
    pub admin_socket: Option<PathBuf>,
}

impl Doors {
    /// Binds what the roles of the process need.
    ///
    /// # Errors
    /// When an address cannot be bound, by name.
    pub fn open(site: &Site) -> Result<Self, Failure> {
        let listen = &site.settings.listen;
        let bind = |purpose: &str, wanted: bool, addresses: &[SocketAddr]| {
            let addresses = if wanted { addresses } else { &[] };
            bind_all(purpose, addresses, listen.backlog)
        };
        let stores = site.plays(Role::Storage);
        Ok(Self {
            imap: bind("imap", site.plays(Role::Proxy), &listen.imap)?,
            imaps: bind("imaps", site.plays(Role::Proxy), &listen.imaps)?,
            lmtp: bind("lmtp", site.plays(Role::Lmtp), &listen.lmtp)?,
            metrics: bind("metrics", true, &listen.metrics)?,
            rpc: secured(site, bind("rpc", stores, &listen.rpc)?)?,
            admin: Self::admin(site, bind("admin", stores, &listen.admin)?)?,
        })
    }

    /// Administration is offered where mail is stored: to the owner of the socket, and to administrators.
    fn admin(site: &Site, over_tcp: Vec<TcpListener>) -> Result<Vec<rpc::Listener>, Failure> {
        let mut listeners = secured(site, over_tcp)?;
        if let Some(path) = admin_socket(site) {
            let listener = rpc::Listener::unix(&path).or_exit(Exit::CannotCreate, path.display())?;
            listeners.push(listener);
        }
        Ok(listeners)
    }

    /// Returns where the process can be reached.
    pub fn addresses(&self, site: &Site) -> Addresses {
        Addresses {
            imap: addresses(&self.imap),
            imaps: addresses(&self.imaps),
            lmtp: addresses(&self.lmtp),
            metrics: addresses(&self.metrics),
            admin_socket: admin_socket(site),
        }
    }
}

/// Returns the path of the socket for administration.
fn admin_socket(site: &Site) -> Option<PathBuf> {
    let path = site.settings.listen.admin_socket.as_ref();
    path.filter(|_| site.plays(Role::Storage))
        .map(|path| site.data.join(path))
}

/// Puts mutual TLS in front of sockets that other processes connect to.
fn secured(site: &Site, listeners: Vec<TcpListener>) -> Result<Vec<rpc::Listener>, Failure> {
    if listeners.is_empty() {
        return Ok(Vec::new());
    }
    let cluster = site.certificates.cluster(tls::Role::Storage, &site.name)?;
    let secured = listeners
        .into_iter()
        .map(|listener| rpc::Listener::Tcp(listener, Arc::clone(&cluster)));
    Ok(secured.collect())
}
