//! TLS for every connection of the server: mail clients and the cluster's own gRPC.
//!
//! This crate owns rustls: its policy (TLS 1.2 and 1.3, one crypto provider), the loading and live
//! reload of certificates, mutual TLS with the role in the certificate, and a small certificate
//! authority for servers that were given no certificates. No rustls type leaves it.
//!
//! It deliberately knows no mail protocol and no gRPC: callers hand it a byte stream and a deadline
//! and get a byte stream back, with what the handshake established.
//!
//! Start reading at [`MailServer`] for mail listeners, at [`Cluster`] for connections between
//! processes, and at [`LocalAuthority`] for certificates made on first start.
#![deny(missing_docs)]

mod binding;
mod certificate;
mod clock;
mod cluster;
mod error;
mod files;
mod identity;
mod local_authority;
mod mail_client;
mod mail_server;
mod peer_verifier;
pub mod pki;
mod provider;
mod reload;
mod stream;
#[cfg(test)]
mod tests;

pub use binding::ChannelBindings;
pub use certificate::{CertificateFiles, CertificatePem};
pub use clock::Clock;
pub use cluster::{Cluster, ClusterFiles, ExpectedPeer};
pub use error::{ErrorKind, TlsError};
pub use identity::{IdentityError, NodeName, PeerIdentity, Role};
pub use local_authority::{LocalAuthority, StoredCertificate};
pub use mail_client::{MailClient, OfferedVersions};
pub use mail_server::{MailServer, MailServerOptions, OldestVersion};
pub use provider::init;
pub use reload::{Reload, watch};
pub use stream::TlsStream;
