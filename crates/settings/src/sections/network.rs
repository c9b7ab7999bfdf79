//! Listeners and TLS.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::choices::TlsVersion;
use crate::section::section;

section! {
    /// Addresses to listen on. An IPv6 address takes IPv6 only, so each listener names both families. An empty list
    /// switches a listener off; port 0 lets the kernel choose.
    Listen = "listen" {
        /// IMAP that begins in clear text and offers STARTTLS; no login before it (RFC 3501 §6.2.1).
        imap: Vec<SocketAddr> = "[::]:143, 0.0.0.0:143";
        /// IMAP over TLS from the first byte (RFC 8314 §3.2).
        imaps: Vec<SocketAddr> = "[::]:993, 0.0.0.0:993";
        /// LMTP, for the mail transfer agents of this site (RFC 2033). It has no login: keep it on a private network.
        lmtp: Vec<SocketAddr> = "[::1]:24, 127.0.0.1:24";
        /// Path of a Unix socket for LMTP; none when empty.
        lmtp_socket: Option<PathBuf> = "";
        /// Path of the Unix socket for administration, mode 0600; below the data directory when relative.
        admin_socket: Option<PathBuf> = "admin.sock";
        /// Addresses for administration over gRPC with mutual TLS.
        admin: Vec<SocketAddr> = "";
        /// Addresses for other nodes over gRPC with mutual TLS; needed by every storage node of a cluster.
        rpc: Vec<SocketAddr> = "";
        /// Addresses for `/metrics`, `/livez` and `/readyz` over plain HTTP.
        metrics: Vec<SocketAddr> = "[::1]:9464, 127.0.0.1:9464";
        /// Connections that wait to be accepted, a listener.
        backlog: u32 = "1024" in "1" to "65535";
    }
}

section! {
    /// TLS towards mail programs, and the certificates of the nodes.
    Tls = "tls" {
        /// File with the certificate and its chain, PEM; a certificate of our own authority when empty. It is read
        /// again when it changes.
        cert_file: Option<PathBuf> = "";
        /// File with the certificate's key, PEM.
        key_file: Option<PathBuf> = "";
        /// Directory of the certificate authority that this site keeps for its nodes; below the data directory when
        /// relative. It is made at the first start.
        authority_dir: PathBuf = "tls";
        /// The oldest version that mail programs may use.
        min_version: TlsVersion = "1.2";
        /// Time between two looks at the certificate files.
        reload_interval: Duration = "1m" in "1s" to "1d";
        /// Time that a handshake may take.
        handshake_timeout: Duration = "15s" in "1s" to "5m";
    }
}
