//! A small certificate authority: for the server that was given no certificates, for operators
//! without a public key infrastructure of their own, and for tests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use zeroize::Zeroizing;

use crate::certificate::CertificatePem;
use crate::error::TlsError;
use crate::identity::PeerIdentity;

/// Allowance for clocks that run behind ours.
const BACKDATED: Duration = Duration::from_secs(60 * 60);

/// When a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The time of issue; the certificate is backdated by an hour for peers whose clock is behind.
    pub issued: SystemTime,
    /// How long from then.
    pub lasts: Duration,
}

/// A certificate authority with its private key in memory.
pub struct Authority {
    chain_pem: String,
    issuer: Issuer<'static, KeyPair>,
    key_pem: Zeroizing<String>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("certificate", &self.chain_pem)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes a new authority with a fresh P-256 key.
    pub fn create(common_name: &str, validity: Validity) -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let mut parameters = parameters(common_name, validity);
        // A path length of zero: it signs end entities only, never another authority.
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let chain_pem = parameters.self_signed(&key)?.pem();
        let key_pem = Zeroizing::new(key.serialize_pem());
        Ok(Self {
            chain_pem,
            issuer: Issuer::new(parameters, key),
            key_pem,
        })
    }

    /// Takes up an authority that was made before.
    pub fn from_pem(pem: &CertificatePem) -> Result<Self, TlsError> {
        let key = KeyPair::from_pem(&pem.key)?;
        let issuer = Issuer::from_ca_cert_pem(&pem.chain, key)?;
        Ok(Self {
            chain_pem: pem.chain.clone(),
            issuer,
            key_pem: pem.key.clone(),
        })
    }

    /// Returns the authority's certificate, which others must trust, as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.chain_pem
    }

    /// Returns certificate and private key, to be kept.
    pub fn to_pem(&self) -> CertificatePem {
        CertificatePem {
            chain: self.chain_pem.clone(),
            key: self.key_pem.clone(),
        }
    }

    /// Issues a certificate for a mail server under these names, DNS names or IP addresses.
    pub fn issue_server(&self, names: &[String], validity: Validity) -> Result<CertificatePem, TlsError> {
        let common_name = names.first().map_or("facteur", String::as_str);
        let mut parameters = parameters(common_name, validity);
        parameters.subject_alt_names = names
            .iter()
            .map(|name| host_name(name))
            .collect::<Result<_, _>>()?;
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(parameters)
    }

    /// Issues a certificate with which a process acts in the cluster as `identity`.
    pub fn issue_role(
        &self,
        identity: &PeerIdentity,
        validity: Validity,
    ) -> Result<CertificatePem, TlsError> {
        let mut parameters = parameters(&identity.to_string(), validity);
        parameters.subject_alt_names = vec![SanType::URI(ia5(&identity.to_string())?)];
        parameters.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        self.sign(parameters)
    }

    fn sign(&self, mut parameters: CertificateParams) -> Result<CertificatePem, TlsError> {
        let key = KeyPair::generate()?;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.use_authority_key_identifier_extension = true;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        Ok(CertificatePem {
            chain: certificate.pem(),
            key: Zeroizing::new(key.serialize_pem()),
        })
    }
}

fn parameters(common_name: &str, validity: Validity) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let issued = since_epoch(validity.issued);
    parameters.not_before = epoch + issued.saturating_sub(BACKDATED);
    parameters.not_after = epoch + issued + validity.lasts;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    // X.520 bounds a common name to 64 characters; names that matter stand in the alternative names.
    let common_name: String = common_name.chars().take(64).collect();
    parameters
        .distinguished_name
        .push(DnType::CommonName, common_name);
    parameters
}

fn host_name(name: &str) -> Result<SanType, TlsError> {
    match name.parse() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(ia5(name)?)),
    }
}

fn ia5(text: &str) -> Result<Ia5String, TlsError> {
    Ia5String::try_from(text).map_err(|_| TlsError::HostName(text.to_owned()))
}

/// Certificates have a resolution of one second (RFC 5280 §4.1.2.5).
fn since_epoch(at: SystemTime) -> Duration {
    Duration::from_secs(at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
