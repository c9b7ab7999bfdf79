//! Bound sockets. IPv6 sockets take IPv6 only, so that both families can be named on one port.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

use crate::exit::{Exit, Failure};

/// Binds every address. A family that the machine does not have is passed over as long as another address of the
/// same listener can be bound.
///
/// # Errors
/// When an address cannot be bound, by name.
pub fn bind_all(purpose: &str, addresses: &[SocketAddr], backlog: u32) -> Result<Vec<TcpListener>, Failure> {
    let mut bound = Vec::with_capacity(addresses.len());
    let mut without_family = None;
    for address in addresses {
        match bind(*address, backlog) {
            Ok(listener) => bound.push(listener),
            Err(error) if lacks_family(&error) => {
                tracing::warn!(%address, %error, "address family is missing on this machine");
                without_family = Some(refused(purpose, *address, &error));
            }
            Err(error) => return Err(refused(purpose, *address, &error)),
        }
    }
    match without_family {
        Some(failure) if bound.is_empty() => Err(failure),
        _ => Ok(bound),
    }
}

fn bind(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart must not wait for connections of the last run to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

/// A machine without IPv6 knows neither the family nor the address.
fn lacks_family(error: &io::Error) -> bool {
    let unknown_family = error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error());
    unknown_family || error.kind() == io::ErrorKind::AddrNotAvailable
}

fn refused(purpose: &str, address: SocketAddr, error: &io::Error) -> Failure {
    let exit = match error.kind() {
        io::ErrorKind::PermissionDenied => Exit::NoPermission,
        _ => Exit::Unavailable,
    };
    let failure = Failure::new(exit, format!("cannot listen on {address} for {purpose}: {error}"));
    match error.kind() {
        io::ErrorKind::PermissionDenied => failure.advise(format!(
            "ports below 1024 need the capability CAP_NET_BIND_SERVICE; another port can be set in `listen.{purpose}`"
        )),
        io::ErrorKind::AddrInUse => {
            failure.advise(format!("another program listens there; another port can be set in `listen.{purpose}`"))
        }
        _ => failure,
    }
}

/// Returns the addresses of bound sockets.
pub fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_name_address_purpose_and_remedy() {
        let address: SocketAddr = "0.0.0.0:143".parse().expect("an address");
        let check = |kind: io::ErrorKind, exit, advice: &str| {
            let failure = refused("imap", address, &io::Error::from(kind));
            assert_eq!(failure.exit(), exit);
            assert!(failure.lines()[0].starts_with("cannot listen on 0.0.0.0:143 for imap: "));
            assert!(failure.lines()[1].contains(advice), "{:?}", failure.lines());
        };
        check(
            io::ErrorKind::PermissionDenied,
            Exit::NoPermission,
            "CAP_NET_BIND_SERVICE",
        );
        check(io::ErrorKind::AddrInUse, Exit::Unavailable, "`listen.imap`");
    }
}
