//! Certificates and keys as they are configured, and as they are served.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::RootCertStore;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use crate::binding;
use crate::error::TlsError;
use crate::provider::provider;

/// Where a certificate and its key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// PEM: the certificate itself first, then its intermediates.
    pub chain: PathBuf,
    /// PEM: the private key (PKCS #8, PKCS #1 or SEC1).
    pub key: PathBuf,
}

impl CertificateFiles {
    /// Returns where a certificate's OCSP response may lie: beside the chain, ending in `.ocsp`, in DER
    /// (RFC 6960). When it is there it is stapled (RFC 6066 §8); whoever renews it replaces the file.
    pub fn ocsp(&self) -> PathBuf {
        self.chain.with_extension("ocsp")
    }
}

/// A certificate chain and its private key as PEM text. The key is erased from memory when dropped
/// and never printed.
#[derive(Clone)]
pub struct CertificatePem {
    /// The certificate itself first, then its intermediates.
    pub chain: String,
    /// The private key.
    pub key: Zeroizing<String>,
}

impl fmt::Debug for CertificatePem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificatePem")
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}

/// A certificate ready to be served.
#[derive(Debug)]
pub(crate) struct ServedCertificate {
    pub(crate) certified: Arc<CertifiedKey>,
    /// DNS names in lower case, wildcards included.
    names: Vec<String>,
    /// The tls-server-end-point binding (RFC 5929 §4); none where the RFC leaves it undefined.
    pub(crate) end_point: Option<Arc<[u8]>>,
    pub(crate) expires: SystemTime,
}

impl ServedCertificate {
    pub(crate) fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = parse_certificates(chain)?;
        let leaf = chain.first().ok_or(TlsError::NoCertificate)?;
        let facts = LeafFacts::parse(leaf)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            rustls_pki_types::pem::Error::NoItemsFound => TlsError::NoPrivateKey,
            other => TlsError::Pem(other),
        })?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(TlsError::Policy)?;
        Ok(Self {
            certified: Arc::new(certified),
            names: facts.names,
            end_point: facts.end_point,
            expires: facts.expires,
        })
    }

    /// Returns the certificate with an OCSP response to staple, if there is one.
    pub(crate) fn with_ocsp(mut self, response: Option<Vec<u8>>) -> Self {
        Arc::make_mut(&mut self.certified).ocsp = response;
        self
    }

    /// Returns whether the certificate is meant for `host`, given in lower case without trailing dot.
    pub(crate) fn covers(&self, host: &str) -> bool {
        self.names.iter().any(|name| matches_name(name, host))
    }

    /// Returns the tls-server-end-point binding of a certificate in DER.
    pub(crate) fn end_point_of(der: &[u8]) -> Option<Arc<[u8]>> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        binding::server_end_point(&certificate, der)
    }

    /// Returns the certificate itself, in DER.
    pub(crate) fn leaf(&self) -> Option<&[u8]> {
        self.certified.cert.first().map(|der| der.as_ref())
    }
}

/// RFC 9525 §6.3: a wildcard stands for exactly the left-most label.
fn matches_name(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
        None => name == host,
    }
}

struct LeafFacts {
    names: Vec<String>,
    end_point: Option<Arc<[u8]>>,
    expires: SystemTime,
}

impl LeafFacts {
    fn parse(der: &CertificateDer<'_>) -> Result<Self, TlsError> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| TlsError::MalformedCertificate)?;
        let alternative = certificate
            .subject_alternative_name()
            .map_err(|_| TlsError::MalformedCertificate)?;
        let names = alternative
            .iter()
            .flat_map(|extension| &extension.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(dns) => Some(dns.to_ascii_lowercase()),
            _ => None,
        });
        Ok(Self {
            names: names.collect(),
            end_point: binding::server_end_point(&certificate, der),
            expires: system_time(certificate.validity().not_after.timestamp()),
        })
    }
}

/// Returns the time after which the first certificate of a PEM text is invalid.
pub(crate) fn expiry(chain: &[u8]) -> Result<SystemTime, TlsError> {
    let chain = parse_certificates(chain)?;
    let leaf = chain.first().ok_or(TlsError::NoCertificate)?;
    Ok(LeafFacts::parse(leaf)?.expires)
}

/// Returns the trust anchors of a PEM text with one or more authorities.
pub(crate) fn parse_roots(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in parse_certificates(pem)? {
        roots.add(certificate).map_err(TlsError::Policy)?;
    }
    Ok(roots)
}

fn parse_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(TlsError::Pem)?;
    if chain.is_empty() {
        Err(TlsError::NoCertificate)
    } else {
        Ok(chain)
    }
}

/// Dates before 1970 only occur in certificates that are long expired, so they collapse to 1970.
fn system_time(unix_seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(unix_seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_one_label() {
        assert!(matches_name("mail.example.org", "mail.example.org"));
        assert!(matches_name("*.example.org", "mail.example.org"));
        assert!(!matches_name("*.example.org", "example.org"));
        assert!(!matches_name("*.example.org", "a.b.example.org"));
        assert!(!matches_name("*.example.org", ".example.org"));
        assert!(!matches_name("mail.example.org", "mail.example.com"));
    }
}
