//! The certificates of the process: those that mail programs see, and those that other processes see.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use settings::{Settings, TlsVersion};
use tls::{
    CertificateFiles, Clock, Cluster, ClusterFiles, LocalAuthority, MailServer, MailServerOptions, NodeName,
    OldestVersion, PeerIdentity, Reload, Role, TlsError,
};

use super::keys::ClusterKeys;
use super::topology::Topology;
use crate::data_dir::DataDir;
use crate::exit::{Exit, Failure, OrExit};
use crate::surroundings::Machine;

/// Where certificates come from, and those that are in use.
pub struct Certificates {
    directory: PathBuf,
    /// Absent where the key of the authority is kept elsewhere, as it should be in a cluster of several machines.
    authority: Option<Arc<LocalAuthority>>,
    /// The certificates that the site got elsewhere.
    given: Option<CertificateFiles>,
    /// The oldest version that mail programs may use.
    oldest_version: OldestVersion,
    in_use: Mutex<InUse>,
}

#[derive(Clone, Default)]
struct InUse {
    mail: Vec<Arc<MailServer>>,
    cluster: Vec<Arc<Cluster>>,
    /// Names in the certificate that the local authority makes.
    names: Vec<String>,
}

impl Certificates {
    /// Opens the authority's directory. A process alone makes its own authority at the first start; so does the
    /// first of several that share the directory.
    ///
    /// # Errors
    /// When it cannot be opened or made.
    pub fn open(settings: &Settings, data: &DataDir, topology: &Topology) -> Result<Self, Failure> {
        let directory = data.join(&settings.tls.authority_dir);
        let certificate = directory.join("ca.pem").exists();
        let key = directory.join("ca.key").exists();
        let authority = match (certificate, key) {
            (true, false) => None,
            (false, false) if topology.is_networked() => return Err(no_authority(&directory)),
            _ => {
                let opened = LocalAuthority::open(&directory, Machine::time());
                Some(Arc::new(opened.or_exit(Exit::CannotCreate, directory.display())?))
            }
        };
        let tls = &settings.tls;
        let given = tls.cert_file.clone().zip(tls.key_file.clone());
        Ok(Self {
            directory,
            authority,
            given: given.map(|(chain, key)| CertificateFiles { chain, key }),
            oldest_version: match tls.min_version {
                TlsVersion::Tls12 => OldestVersion::Tls12,
                TlsVersion::Tls13 => OldestVersion::Tls13,
            },
            in_use: Mutex::default(),
        })
    }

    /// Returns the file with the certificate that clients must trust, when it is our own authority's.
    pub fn authority_path(&self) -> Option<PathBuf> {
        let authority = self.authority.as_ref().filter(|_| self.given.is_none())?;
        Some(authority.certificate_path())
    }

    /// Returns the secret of the cluster. Only where the authority is at home may it be made anew.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn keys(&self) -> Result<ClusterKeys, Failure> {
        match self.authority {
            Some(_) => ClusterKeys::open(&self.directory),
            None => ClusterKeys::read(&self.directory),
        }
    }

    /// Returns TLS towards mail programs, for a server of this name.
    ///
    /// # Errors
    /// When there is no certificate that can be used.
    pub fn mail_server(&self, host: &str) -> Result<Arc<MailServer>, Failure> {
        let names = vec![host.to_owned()];
        let files = match (&self.given, &self.authority) {
            (Some(files), _) => files.clone(),
            (None, Some(authority)) => {
                let stored = authority.server_certificate(&names, Machine::time());
                stored
                    .or_exit(Exit::CannotCreate, "certificate of the mail server")?
                    .files
            }
            (None, None) => CertificateFiles {
                chain: self.directory.join("server.pem"),
                key: self.directory.join("server.key"),
            },
        };
        let server = MailServer::load(MailServerOptions {
            oldest_version: self.oldest_version,
            ..MailServerOptions::new(vec![files])
        });
        let server = Arc::new(server.or_exit(Exit::Config, "certificate of the mail server")?);
        let mut in_use = self.in_use.lock();
        in_use.mail.push(Arc::clone(&server));
        in_use.names = names;
        Ok(server)
    }

    /// Returns mutual TLS with which the process acts as `role`.
    ///
    /// # Errors
    /// When there is no certificate for the role and none can be made.
    pub fn cluster(&self, role: Role, node: &NodeName) -> Result<Arc<Cluster>, Failure> {
        let identity = PeerIdentity {
            role,
            node: node.clone(),
        };
        if let Some(authority) = &self.authority {
            let stored = authority.role_certificate(&identity, Machine::time());
            stored.or_exit(Exit::CannotCreate, &identity)?;
        }
        let file = |extension| self.directory.join(format!("{role}-{node}.{extension}"));
        let files = ClusterFiles {
            authorities: self.directory.join("ca.pem"),
            chain: file("pem"),
            key: file("key"),
        };
        let cluster = Cluster::load(files, Clock::system()).or_exit(Exit::Config, &identity)?;
        let cluster = Arc::new(cluster);
        self.in_use.lock().cluster.push(Arc::clone(&cluster));
        Ok(cluster)
    }

    /// Returns what looks at all files again and renews what the local authority made. It blocks.
    pub fn reload(&self) -> impl Fn() -> Result<Reload, TlsError> + Send + Sync + Clone + 'static {
        let in_use = self.in_use.lock().clone();
        let authority = self.authority.clone().filter(|_| self.given.is_none());
        move || {
            if let Some(authority) = authority.as_ref().filter(|_| !in_use.mail.is_empty()) {
                authority.server_certificate(&in_use.names, Machine::time())?;
            }
            let mut outcome = Reload::Unchanged;
            let mail = in_use.mail.iter().map(|server| server.reload_if_changed());
            let cluster = in_use.cluster.iter().map(|cluster| cluster.reload_if_changed());
            for reloaded in mail.chain(cluster) {
                if reloaded? == Reload::Replaced {
                    outcome = Reload::Replaced;
                }
            }
            Ok(outcome)
        }
    }
}

fn no_authority(directory: &std::path::Path) -> Failure {
    Failure::new(
        Exit::Config,
        format!(
            "{}: no certificate authority for the nodes of this cluster",
            directory.display()
        ),
    )
    .advise("make one with `facteur pki init`, and a certificate for each process with `facteur pki issue`")
}

#[cfg(test)]
mod tests {
    use settings::{Override, Sources};

    use super::*;

    fn open(directory: &std::path::Path, nodes: &str) -> Result<Certificates, Failure> {
        let overrides = [
            ("server.data_dir", directory.join("data").display().to_string()),
            ("tls.authority_dir", directory.join("tls").display().to_string()),
            ("cluster.nodes", nodes.to_owned()),
        ];
        let overrides = overrides.map(|(key, value)| Override::new(key, value, "--set"));
        let sources = Sources {
            overrides: overrides.to_vec(),
            ..Sources::default()
        };
        let settings = Settings::from_sources(&sources).expect("valid");
        let data = DataDir::open(&settings)?;
        let topology = Topology::of(&settings)?;
        Certificates::open(&settings, &data, &topology)
    }

    #[test]
    fn a_process_alone_makes_all_that_it_needs() {
        tls::init();
        let directory = tempfile::tempdir().expect("a directory");
        let certificates = open(directory.path(), "").expect("made");
        assert_eq!(
            certificates.authority_path(),
            Some(directory.path().join("tls/ca.pem"))
        );
        certificates.mail_server("mx.example.org").expect("a certificate");
        certificates.keys().expect("a secret");
        assert_eq!((certificates.reload())().expect("looked at"), Reload::Unchanged);
    }

    #[test]
    fn a_cluster_is_told_to_make_its_authority_first() {
        tls::init();
        let directory = tempfile::tempdir().expect("a directory");
        let failure = open(directory.path(), "1=127.0.0.1:7700").err().expect("refused");
        assert_eq!(failure.exit(), Exit::Config);
        assert!(
            failure.lines()[1].contains("facteur pki init"),
            "{:?}",
            failure.lines()
        );
    }

    #[test]
    fn without_the_authoritys_key_nothing_is_made_up() {
        tls::init();
        let directory = tempfile::tempdir().expect("a directory");
        let node: NodeName = "node-1".parse().expect("a name");
        open(directory.path(), "")
            .expect("made")
            .cluster(Role::Storage, &node)
            .expect("issued");
        std::fs::remove_file(directory.path().join("tls/ca.key")).expect("removed");
        let certificates = open(directory.path(), "1=127.0.0.1:7700").expect("opened");
        assert!(
            certificates.cluster(Role::Storage, &node).is_ok(),
            "issued before"
        );
        assert!(certificates.cluster(Role::Proxy, &node).is_err(), "never issued");
        assert!(
            certificates.keys().is_err(),
            "a secret of its own would be another"
        );
    }
}
