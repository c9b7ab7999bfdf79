//! Where a process can be reached.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a process can be reached, with the ports that the kernel chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    pub imap: Vec<SocketAddr>,
    pub imaps: Vec<SocketAddr>,
    pub lmtp: Vec<SocketAddr>,
    pub lmtp_socket: Option<PathBuf>,
    pub metrics: Vec<SocketAddr>,
    pub admin_socket: Option<PathBuf>,
}

impl Addresses {
    /// Returns a line for each listener, for people and for scripts: `imap://127.0.0.1:143`, or the path of a socket as
    /// in `admin:///srv/facteur/admin.sock`.
    pub fn lines(&self) -> String {
        let mut text = String::new();
        let mut line = |scheme: &str, place: &dyn std::fmt::Display, end: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{scheme}://{place}{end}");
        };
        for (scheme, bound) in [("imap", &self.imap), ("imaps", &self.imaps), ("lmtp", &self.lmtp)] {
            for address in bound {
                line(scheme, address, "");
            }
        }
        for (scheme, socket) in [("lmtp", &self.lmtp_socket), ("admin", &self.admin_socket)] {
            if let Some(socket) = socket {
                line(scheme, &socket.display(), "");
            }
        }
        for address in &self.metrics {
            line("metrics: http", address, "/metrics");
        }
        text
    }

    /// Returns the same with one address for each purpose, for a terminal. IPv4 is preferred, which every mail program
    /// can be given without brackets.
    pub fn abridged(&self) -> Self {
        let one = |bound: &[SocketAddr]| {
            let preferred = bound.iter().find(|address| address.is_ipv4());
            preferred.or(bound.first()).copied().into_iter().collect()
        };
        Self {
            imap: one(&self.imap),
            imaps: one(&self.imaps),
            lmtp: one(&self.lmtp),
            metrics: one(&self.metrics),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listener_has_a_line_of_its_own() {
        let both = |port: u16| {
            vec![
                SocketAddr::from(([0u16; 8], port)),
                SocketAddr::from(([127, 0, 0, 1], port)),
            ]
        };
        let addresses = Addresses {
            imap: both(143),
            lmtp: both(24),
            lmtp_socket: Some("/run/lmtp.sock".into()),
            metrics: both(9464),
            admin_socket: Some("/srv/admin.sock".into()),
            ..Addresses::default()
        };
        let expected = [
            "imap://[::]:143",
            "imap://127.0.0.1:143",
            "lmtp://[::]:24",
            "lmtp://127.0.0.1:24",
            "lmtp:///run/lmtp.sock",
            "admin:///srv/admin.sock",
            "metrics: http://[::]:9464/metrics",
            "metrics: http://127.0.0.1:9464/metrics",
        ];
        assert_eq!(addresses.lines().lines().collect::<Vec<_>>(), expected);
        let abridged = [
            "imap://127.0.0.1:143",
            "lmtp://127.0.0.1:24",
            "lmtp:///run/lmtp.sock",
            "admin:///srv/admin.sock",
            "metrics: http://127.0.0.1:9464/metrics",
        ];
        assert_eq!(addresses.abridged().lines().lines().collect::<Vec<_>>(), abridged);
    }
}
