//! Channel bindings: bytes that tie an authentication to the TLS connection under it (RFC 5056).

use std::sync::Arc;

use aws_lc_rs::digest::{self, Algorithm};
use rustls::{ConnectionCommon, ProtocolVersion, SideData};
use x509_parser::prelude::X509Certificate;
use x509_parser::signature_algorithm::SignatureAlgorithm;

/// RFC 9266 §4.2 registers this exporter label.
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// The channel bindings that a connection offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelBindings {
    /// `tls-exporter` (RFC 9266), TLS 1.3 only. In TLS 1.2 it is unique only together with the
    /// extended master secret (RFC 9266 §4.2), which the TLS library does not report, so it is not
    /// offered there. `tls-unique` (RFC 5929 §3) is not defined for TLS 1.3 and never offered.
    pub exporter: Option<[u8; 32]>,
    /// `tls-server-end-point` (RFC 5929 §4): the hash of the server's certificate. Undefined for
    /// certificates signed without a hash function, such as Ed25519.
    pub server_end_point: Option<Arc<[u8]>>,
}

/// Returns the `tls-exporter` binding of a finished handshake.
pub(crate) fn exporter<S: SideData>(connection: &ConnectionCommon<S>) -> Option<[u8; 32]> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    // RFC 9266 §4.2: zero-length context, 32 bytes.
    connection
        .export_keying_material([0; 32], EXPORTER_LABEL, Some(b""))
        .ok()
}

/// Returns the `tls-server-end-point` binding of a certificate, given parsed and as DER.
pub(crate) fn server_end_point(certificate: &X509Certificate<'_>, der: &[u8]) -> Option<Arc<[u8]>> {
    let algorithm = end_point_hash(certificate)?;
    Some(Arc::from(digest::digest(algorithm, der).as_ref()))
}

/// RFC 5929 §4.1: the hash of the certificate's signature, MD5 and SHA-1 being replaced by SHA-256.
fn end_point_hash(certificate: &X509Certificate<'_>) -> Option<&'static Algorithm> {
    let oid = certificate.signature_algorithm.algorithm.to_id_string();
    match oid.as_str() {
        // md5, sha1, sha256 with RSA; ecdsa with SHA-1, SHA-256.
        "1.2.840.113549.1.1.4" | "1.2.840.113549.1.1.5" | "1.2.840.113549.1.1.11" => Some(&digest::SHA256),
        "1.2.840.10045.4.1" | "1.2.840.10045.4.3.2" => Some(&digest::SHA256),
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Some(&digest::SHA384),
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Some(&digest::SHA512),
        "1.2.840.113549.1.1.10" => pss_hash(certificate),
        _ => None,
    }
}

/// RSASSA-PSS names its hash in the parameters (RFC 4055 §3.1).
fn pss_hash(certificate: &X509Certificate<'_>) -> Option<&'static Algorithm> {
    let parsed = SignatureAlgorithm::try_from(&certificate.signature_algorithm).ok()?;
    let SignatureAlgorithm::RSASSA_PSS(parameters) = parsed else {
        return None;
    };
    match parameters.hash_algorithm_oid().to_id_string().as_str() {
        "2.16.840.1.101.3.4.2.2" => Some(&digest::SHA384),
        "2.16.840.1.101.3.4.2.3" => Some(&digest::SHA512),
        "1.3.14.3.2.26" | "2.16.840.1.101.3.4.2.1" => Some(&digest::SHA256),
        _ => None,
    }
}
