//! Who a process of the cluster is, as its certificate says.

use std::fmt;
use std::str::FromStr;

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The scheme and authority of the URI that carries an identity.
const URI_PREFIX: &str = "facteur://";
/// RFC 1035 §2.3.4 bounds a domain name; node names stay usable as one.
const NODE_NAME_BYTES_MAX: usize = 253;

/// What a process may do in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Ends mail connections and relays authentication; reads mail only with a session token.
    Proxy,
    /// Holds replicas; the only role that speaks Raft.
    Storage,
    /// Delivers mail; can only append.
    Lmtp,
    /// Administers the cluster.
    Admin,
}

impl Role {
    /// Every role there is.
    pub const ALL: [Self; 4] = [Self::Proxy, Self::Storage, Self::Lmtp, Self::Admin];

    /// Returns the name as it stands in certificates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Storage => "storage",
            Self::Lmtp => "lmtp",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(IdentityError::UnknownRole)
    }
}

/// The name of a process in the cluster: lower-case letters, digits, hyphens and dots, 1 to 253 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeName(Box<str>);

impl NodeName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for NodeName {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        let labels_filled = text
            .split('.')
            .all(|label| !label.is_empty() && label.len() <= 63);
        if text.len() > NODE_NAME_BYTES_MAX || !text.bytes().all(allowed) || !labels_filled {
            return Err(IdentityError::NodeName);
        }
        Ok(Self(text.into()))
    }
}

/// The identity of a process: its role and its name. Written `facteur://role/node-name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerIdentity {
    /// What the process may do.
    pub role: Role,
    /// Which process it is.
    pub node: NodeName,
}

impl PeerIdentity {
    /// Returns the identity named by the URI subject alternative name (RFC 5280 §4.2.1.6) of a
    /// certificate in DER. The certificate must have been verified before.
    ///
    /// A certificate with two such URIs is refused: a process has one role, and an ambiguous
    /// certificate must not get the sum of two.
    pub(crate) fn from_certificate(der: &[u8]) -> Result<Self, IdentityError> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| IdentityError::Malformed)?;
        let names = certificate
            .subject_alternative_name()
            .map_err(|_| IdentityError::Malformed)?
            .ok_or(IdentityError::Missing)?;
        let mut uris = names.value.general_names.iter().filter_map(|name| match name {
            GeneralName::URI(uri) if uri.starts_with(URI_PREFIX) => Some(*uri),
            _ => None,
        });
        match (uris.next(), uris.next()) {
            (Some(uri), None) => uri.parse(),
            (None, _) => Err(IdentityError::Missing),
            (Some(_), Some(_)) => Err(IdentityError::Ambiguous),
        }
    }
}

impl fmt::Display for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{URI_PREFIX}{}/{}", self.role, self.node)
    }
}

impl FromStr for PeerIdentity {
    type Err = IdentityError;

    fn from_str(uri: &str) -> Result<Self, Self::Err> {
        let (role, node) = uri
            .strip_prefix(URI_PREFIX)
            .and_then(|rest| rest.split_once('/'))
            .ok_or(IdentityError::Malformed)?;
        Ok(Self {
            role: role.parse()?,
            node: node.parse()?,
        })
    }
}

/// Why a certificate or text names no peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The certificate has no `facteur://` URI among its subject alternative names.
    #[error("no facteur identity in certificate")]
    Missing,
    /// The certificate has more than one.
    #[error("more than one facteur identity in certificate")]
    Ambiguous,
    /// The certificate or URI does not parse.
    #[error("malformed identity")]
    Malformed,
    /// The role is not one of ours.
    #[error("unknown role")]
    UnknownRole,
    /// The node name has a forbidden character or length.
    #[error("invalid node name")]
    NodeName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_round_trip() {
        for role in Role::ALL {
            let identity = PeerIdentity {
                role,
                node: "node-1.zone-a".parse().unwrap(),
            };
            assert_eq!(identity.to_string().parse(), Ok(identity));
        }
    }

    #[test]
    fn malformed_identities_are_refused() {
        let check = |uri: &str, expected| assert_eq!(uri.parse::<PeerIdentity>(), Err(expected), "{uri}");
        check("", IdentityError::Malformed);
        check("facteur://proxy", IdentityError::Malformed);
        check("http://proxy/a", IdentityError::Malformed);
        check("facteur://root/a", IdentityError::UnknownRole);
        check("facteur://Proxy/a", IdentityError::UnknownRole);
        check("facteur://proxy/", IdentityError::NodeName);
        check("facteur://proxy/a/b", IdentityError::NodeName);
        check("facteur://proxy/a..b", IdentityError::NodeName);
        check("facteur://proxy/A", IdentityError::NodeName);
        check(
            &format!("facteur://proxy/{}", "a".repeat(64)),
            IdentityError::NodeName,
        );
    }
}
