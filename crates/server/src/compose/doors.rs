//! The listeners in front: bound before anything is read from the disk, served once everything runs.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lmtp::LmtpListener;
use settings::Role;
use tokio::net::{TcpListener, UnixListener};

use super::Site;
use super::addresses::Addresses;
use crate::exit::{Exit, Failure, OrExit};
use crate::listeners::{addresses, bind_all};

const LMTP_SOCKET_MODE: u32 = 0o660;

/// Sockets that are bound and not served yet. Clients that come early wait.
pub struct Doors {
    pub imap: Vec<TcpListener>,
    pub imaps: Vec<TcpListener>,
    pub lmtp: Vec<LmtpListener>,
    pub metrics: Vec<TcpListener>,
    pub rpc: Vec<rpc::Listener>,
    pub admin: Vec<rpc::Listener>,
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
            lmtp: lmtp_listeners(site, bind("lmtp", site.plays(Role::Lmtp), &listen.lmtp)?)?,
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
            lmtp: lmtp_addresses(&self.lmtp),
            lmtp_socket: lmtp_socket(site),
            metrics: addresses(&self.metrics),
            admin_socket: admin_socket(site),
        }
    }
}

/// Adds the Unix socket for LMTP, for the owner and the group: a transfer agent of this machine is put into it.
fn lmtp_listeners(site: &Site, over_tcp: Vec<TcpListener>) -> Result<Vec<LmtpListener>, Failure> {
    let mut listeners: Vec<_> = over_tcp.into_iter().map(LmtpListener::Tcp).collect();
    if let Some(path) = lmtp_socket(site) {
        let listener = unix_socket(&path).or_exit(Exit::CannotCreate, path.display())?;
        listeners.push(LmtpListener::Unix(listener));
    }
    Ok(listeners)
}

/// Makes a socket in place of one that an earlier run left behind, and of nothing else.
fn unix_socket(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::from(io::ErrorKind::AlreadyExists)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(LMTP_SOCKET_MODE))?;
    Ok(listener)
}

fn lmtp_addresses(listeners: &[LmtpListener]) -> Vec<SocketAddr> {
    let address = |listener: &LmtpListener| match listener {
        LmtpListener::Tcp(listener) => listener.local_addr().ok(),
        LmtpListener::Unix(_) => None,
    };
    listeners.iter().filter_map(address).collect()
}

/// Returns the path of the socket for LMTP.
fn lmtp_socket(site: &Site) -> Option<PathBuf> {
    let path = site.settings.listen.lmtp_socket.as_ref();
    path.filter(|_| site.plays(Role::Lmtp))
        .map(|path| site.data.join(path))
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
