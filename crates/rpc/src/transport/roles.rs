//! Which role may call what.

use std::sync::Arc;

use tls::{PeerIdentity, Role};
use tonic::{Request, Status};

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// A process with a verified certificate.
    Peer(Arc<PeerIdentity>),
    /// Whoever may open the Unix socket.
    Local,
}

impl Caller {
    /// Returns the caller of a request.
    fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let caller = request
            .extensions()
            .get::<Option<Self>>()
            .and_then(Option::as_ref);
        caller
            .cloned()
            .ok_or_else(|| Status::unauthenticated("connection has no identity"))
    }

    fn require(self, allowed: &[Role]) -> Result<Self, Status> {
        match &self {
            Self::Peer(peer) if allowed.contains(&peer.role) => Ok(self),
            Self::Peer(peer) => Err(Status::permission_denied(format!(
                "not for the role {}",
                peer.role
            ))),
            Self::Local => Err(Status::permission_denied("not over this socket")),
        }
    }

    /// Returns the name of the process, for the tokens that are made out to it.
    pub(crate) fn name(&self) -> Arc<str> {
        match self {
            Self::Peer(peer) => peer.node.as_str().into(),
            Self::Local => "local".into(),
        }
    }
}

/// Mail sessions: proxies only.
pub(crate) fn may_log_in<T>(request: &Request<T>) -> Result<Caller, Status> {
    Caller::of(request)?.require(&[Role::Proxy])
}

/// Address records: whoever logs in, delivers or administers.
pub(crate) fn may_resolve<T>(request: &Request<T>) -> Result<Caller, Status> {
    match Caller::of(request)? {
        Caller::Local => Ok(Caller::Local),
        peer => peer.require(&[Role::Proxy, Role::Lmtp, Role::Admin, Role::Storage]),
    }
}

/// Deliveries: the `lmtp` role, and nothing else.
pub(crate) fn may_deliver<T>(request: &Request<T>) -> Result<Caller, Status> {
    Caller::of(request)?.require(&[Role::Lmtp])
}

/// Raft and replication of content: storage nodes only.
pub(crate) fn may_use_raft<T>(request: &Request<T>) -> Result<Caller, Status> {
    Caller::of(request)?.require(&[Role::Storage])
}

/// Changes of the directory: storage nodes and administrators.
pub(crate) fn may_change_directory<T>(request: &Request<T>) -> Result<Caller, Status> {
    may_administer(request)
}

/// Reading the directory: every process of the cluster, and administrators.
pub(crate) fn may_read_directory<T>(request: &Request<T>) -> Result<Caller, Status> {
    match Caller::of(request)? {
        Caller::Local => Ok(Caller::Local),
        peer => peer.require(&[Role::Proxy, Role::Lmtp, Role::Storage, Role::Admin]),
    }
}

/// Administration: administrators, storage nodes for each other, and the local socket.
pub(crate) fn may_administer<T>(request: &Request<T>) -> Result<Caller, Status> {
    match Caller::of(request)? {
        Caller::Local => Ok(Caller::Local),
        peer => peer.require(&[Role::Admin, Role::Storage]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Gate = fn(&Request<()>) -> Result<Caller, Status>;

    fn check(gate: Gate, allowed: &[&str]) {
        for name in ["proxy", "storage", "lmtp", "admin"] {
            let mut request = Request::new(());
            let identity: PeerIdentity = format!("facteur://{name}/node-1").parse().expect("an identity");
            request
                .extensions_mut()
                .insert(Some(Caller::Peer(Arc::new(identity))));
            assert_eq!(gate(&request).is_ok(), allowed.contains(&name), "{name}");
        }
        let mut local = Request::new(());
        local.extensions_mut().insert(Some(Caller::Local));
        assert_eq!(gate(&local).is_ok(), allowed.contains(&"local"));
        assert!(gate(&Request::new(())).is_err(), "a connection without identity");
    }

    #[test]
    fn each_role_may_do_its_own_work_only() {
        check(may_log_in, &["proxy"]);
        check(may_deliver, &["lmtp"]);
        check(may_use_raft, &["storage"]);
        check(may_change_directory, &["admin", "storage", "local"]);
        check(
            may_read_directory,
            &["proxy", "lmtp", "storage", "admin", "local"],
        );
        check(may_administer, &["admin", "storage", "local"]);
    }
}
