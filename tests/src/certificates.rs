//! The certificate that mail programs trust.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use crate::Scratch;

/// Files of an authority made for a test and of a certificate for this machine.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// What clients trust.
    pub authority: PathBuf,
    /// What the server shows.
    pub certificate: PathBuf,
    /// The key of what it shows.
    pub key: PathBuf,
}

impl Certificates {
    /// Makes an authority and a certificate for `localhost` and the loopback addresses.
    ///
    /// # Panics
    /// When the files cannot be written.
    #[must_use]
    pub fn make(scratch: &Scratch) -> Self {
        let authority_key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority
            .distinguished_name
            .push(DnType::CommonName, "Tests of Facteur");
        let authority_certificate = authority.self_signed(&authority_key).expect("an authority");
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().expect("a key");
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut certificate = CertificateParams::new(names).expect("invariant: names");
        // Older programs look here only.
        certificate
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        let certificate = certificate.signed_by(&key, &issuer).expect("a certificate");
        Self {
            authority: scratch.file("authority.pem", authority_certificate.pem()),
            certificate: scratch.file("certificate.pem", certificate.pem()),
            key: scratch.file("key.pem", key.serialize_pem()),
        }
    }

    /// Returns the settings of a client that trusts the authority and nothing else.
    ///
    /// # Panics
    /// When the file cannot be read.
    #[must_use]
    pub fn client(&self) -> Arc<ClientConfig> {
        let authority = CertificateDer::from_pem_file(&self.authority).expect("the authority's file");
        let mut roots = RootCertStore::empty();
        roots.add(authority).expect("a certificate to trust");
        let client = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(client)
    }

    /// Returns the name that clients expect in the certificate.
    ///
    /// # Panics
    /// Never: it is a name.
    #[must_use]
    pub fn server_name() -> ServerName<'static> {
        ServerName::try_from("localhost").expect("invariant: a name")
    }
}
