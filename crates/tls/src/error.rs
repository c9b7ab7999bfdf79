//! What can go wrong, and whose fault it is.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::identity::{IdentityError, PeerIdentity};

/// The family an error belongs to, which decides who is told and whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The peer broke the protocol or is not who it must be.
    Peer,
    /// A condition that may pass by itself: a slow network, a file half written.
    Transient,
    /// Our own files, settings or code are at fault.
    Internal,
}

/// An error of the TLS layer.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate or key file could not be read.
    #[error("cannot read {path}")]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A certificate or key file could not be written.
    #[error("cannot write {path}")]
    WriteFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A PEM section is malformed.
    #[error("malformed PEM")]
    Pem(#[source] rustls_pki_types::pem::Error),
    /// PEM input holds no certificate at all.
    #[error("no certificate in PEM input")]
    NoCertificate,
    /// PEM input holds no private key.
    #[error("no private key in PEM input")]
    NoPrivateKey,
    /// A certificate is not valid X.509.
    #[error("malformed certificate")]
    MalformedCertificate,
    /// Certificate, key and policy do not make a usable configuration; above all a key that belongs
    /// to another certificate.
    #[error("unusable certificate, key or policy")]
    Policy(#[source] rustls::Error),
    /// The configured authorities cannot verify anybody.
    #[error("unusable certificate authority")]
    Authority(#[source] rustls::server::VerifierBuilderError),
    /// A host name that cannot stand in a certificate or a handshake.
    #[error("invalid host name {0:?}")]
    HostName(String),
    /// A certificate carries no usable identity.
    #[error("certificate names no peer")]
    Identity(#[from] IdentityError),
    /// Making or signing a certificate failed.
    #[error("cannot issue certificate")]
    Issue(#[from] rcgen::Error),
    /// The peer's handshake failed.
    #[error("handshake failed")]
    Handshake(#[source] io::Error),
    /// The handshake took longer than the caller allows.
    #[error("handshake not finished within {0:?}")]
    HandshakeTimeout(Duration),
    /// A verified peer is not the one that was called.
    #[error("peer is {found}, expected {expected}")]
    UnexpectedPeer {
        /// Whom the caller wanted.
        expected: String,
        /// Who answered.
        found: PeerIdentity,
    },
}

impl TlsError {
    /// Returns the family of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Handshake(source) if is_network(source) => ErrorKind::Transient,
            Self::HandshakeTimeout(_) => ErrorKind::Transient,
            Self::Handshake(_) | Self::Identity(_) | Self::UnexpectedPeer { .. } => ErrorKind::Peer,
            Self::ReadFile { .. }
            | Self::WriteFile { .. }
            | Self::Pem(_)
            | Self::NoCertificate
            | Self::NoPrivateKey
            | Self::MalformedCertificate
            | Self::Policy(_)
            | Self::Authority(_)
            | Self::HostName(_)
            | Self::Issue(_) => ErrorKind::Internal,
        }
    }

    /// Returns whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Transient
    }
}

/// rustls reports protocol violations as `InvalidData`; everything else comes from the transport.
fn is_network(error: &io::Error) -> bool {
    error.kind() != io::ErrorKind::InvalidData
}
