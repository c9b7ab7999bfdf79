//! Nodes of a cluster whose members are listed in the settings.

use std::fmt;

use crate::value::{Value, quoted};

/// A storage node and where it is reached, written `1=storage-1.example.org:7700`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeAddress {
    /// The node's number in the cluster, from 1.
    pub id: u64,
    /// Host name or address, and port.
    pub address: String,
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.id, self.address)
    }
}

impl Value for NodeAddress {
    fn form() -> String {
        "number=host:port, as in \"1=storage-1.example.org:7700\"".to_owned()
    }

    fn from_words(words: &str) -> Result<Self, String> {
        let refused = || format!("`{words}` is not {}", Self::form());
        let (id, address) = words.trim().split_once('=').ok_or_else(refused)?;
        let id = id.trim().parse().ok().filter(|id| *id > 0).ok_or_else(refused)?;
        let (host, port) = address.trim().rsplit_once(':').ok_or_else(refused)?;
        if host.is_empty() || port.parse::<u16>().is_err() {
            return Err(refused());
        }
        Ok(Self {
            id,
            address: address.trim().to_owned(),
        })
    }

    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_number_host_and_port() {
        let node = NodeAddress::from_words(" 2=[::1]:7700 ").expect("valid");
        assert_eq!(
            node,
            NodeAddress {
                id: 2,
                address: "[::1]:7700".to_owned()
            }
        );
        assert_eq!(node.to_string(), "2=[::1]:7700");
        for bad in ["", "a:1", "0=a:1", "1=a", "1=:1", "1=a:70000", "x=a:1"] {
            assert!(NodeAddress::from_words(bad).is_err(), "{bad}");
        }
    }
}
