//! Tells the service manager how far the process is, by the protocol of sd_notify(3).

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// What the service manager is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Clients are served.
    Ready,
    /// The process ends in order.
    Stopping,
}

/// Tells the service manager, if there is one that wants to know.
pub fn notify(state: State) {
    // Not a setting but how a service manager talks to whoever it started; so it is read here.
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    if let Err(error) = send(&socket, state) {
        tracing::warn!(%error, "service manager cannot be told");
    }
}

fn send(socket: &OsStr, state: State) -> io::Result<()> {
    let message: &[u8] = match state {
        State::Ready => b"READY=1\n",
        State::Stopping => b"STOPPING=1\n",
    };
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(message, &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_manager_hears_of_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).expect("a socket");
        send(path.as_os_str(), State::Ready).expect("sent");
        send(path.as_os_str(), State::Stopping).expect("sent");
        let mut heard = [0; 64];
        for expected in [&b"READY=1\n"[..], b"STOPPING=1\n"] {
            let length = manager.recv(&mut heard).expect("a message");
            assert_eq!(&heard[..length], expected);
        }
    }

    #[test]
    fn a_manager_that_is_gone_is_an_error_to_log() {
        assert!(send(OsStr::new("/nonexistent/notify"), State::Ready).is_err());
    }
}
