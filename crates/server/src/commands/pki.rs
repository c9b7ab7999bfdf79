//! `facteur pki`: the certificates with which the processes of a cluster know each other.

use std::path::{Path, PathBuf};

use tls::{LocalAuthority, PeerIdentity};

use crate::arguments::{PkiCommand, SettingsArguments};
use crate::compose::keys::ClusterKeys;
use crate::exit::{Exit, Failure, OrExit};
use crate::surroundings::Machine;
use crate::{commands, output};

/// Makes an authority or issues a certificate.
///
/// # Errors
/// When files cannot be read or written.
pub fn run(arguments: &SettingsArguments, command: PkiCommand) -> Result<(), Failure> {
    match command {
        PkiCommand::Init { directory } => init(&place(arguments, directory)?),
        PkiCommand::Issue {
            role,
            node,
            directory,
        } => issue(&place(arguments, directory)?, &PeerIdentity { role, node }),
    }
}

fn place(arguments: &SettingsArguments, directory: Option<PathBuf>) -> Result<PathBuf, Failure> {
    match directory {
        Some(directory) => Ok(directory),
        None => {
            let settings = commands::load(arguments, None)?;
            Ok(settings.server.data_dir.join(&settings.tls.authority_dir))
        }
    }
}

fn init(directory: &Path) -> Result<(), Failure> {
    let authority = open(directory)?;
    ClusterKeys::open(directory)?;
    let shown = authority.certificate_path();
    output::say(&format!(
        "authority: {}\nsecret of the storage nodes: {}\n",
        shown.display(),
        ClusterKeys::path(directory).display()
    ))
}

fn issue(directory: &Path, identity: &PeerIdentity) -> Result<(), Failure> {
    let stored = open(directory)?.role_certificate(identity, Machine::time());
    let stored = stored.or_exit(Exit::CannotCreate, identity)?;
    let (chain, key) = (stored.files.chain, stored.files.key);
    output::say(&format!(
        "certificate: {}\nkey: {}\n",
        chain.display(),
        key.display()
    ))
}

fn open(directory: &Path) -> Result<LocalAuthority, Failure> {
    LocalAuthority::open(directory, Machine::time()).or_exit(Exit::CannotCreate, directory.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_issues_what_a_cluster_needs() {
        tls::init();
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().join("tls");
        init(&place).expect("made");
        let identity = "facteur://storage/node-1".parse().expect("an identity");
        issue(&place, &identity).expect("issued");
        for file in [
            "ca.pem",
            "ca.key",
            "cluster.secret",
            "storage-node-1.pem",
            "storage-node-1.key",
        ] {
            assert!(place.join(file).is_file(), "{file}");
        }
        let files = tls::ClusterFiles {
            authorities: place.join("ca.pem"),
            chain: place.join("storage-node-1.pem"),
            key: place.join("storage-node-1.key"),
        };
        let cluster = tls::Cluster::load(files, tls::Clock::system()).expect("usable");
        assert_eq!(cluster.identity(), identity);
    }
}
