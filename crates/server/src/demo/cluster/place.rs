//! The directory of the demo: a directory for each process, and what they share.
//!
//! | Path | What |
//! |---|---|
//! | `LOCK` | held by the process that started the others while it runs |
//! | `demo-password` | the password of the account |
//! | `tls/` | the authority, and the secret of the storage nodes |
//! | `storage-1/`, `proxy-1/`, ... | all that one process keeps |

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::arguments::SettingsArguments;
use crate::data_dir::{DataDir, LOCK_FILE};
use crate::exit::{Exit, Failure, OrExit};

use super::super::place::{SETTINGS_FILE, USED_FILE};
use super::super::shape::Shape;
use super::member::{Member, Part, free_ports};

/// The processes of the demo, their directories made and their settings written.
pub struct Place {
    /// Keeps others out.
    pub data: DataDir,
    pub nodes: Vec<Member>,
    pub proxies: Vec<Member>,
}

/// Says whether a directory holds a demo of several processes.
pub fn is_cluster(directory: &Path) -> bool {
    first_node(directory).is_some_and(|node| node.settings_file().exists())
}

fn first_node(directory: &Path) -> Option<Member> {
    Member::list(Part::Storage, 1, directory).pop()
}

impl Place {
    /// Makes what is missing. A start that was cut off is taken up where it was.
    ///
    /// # Errors
    /// When the directory belongs to another server, or to a cluster with another number of storage nodes.
    pub fn prepare(data: DataDir, shape: Shape, arguments: &SettingsArguments) -> Result<Self, Failure> {
        let directory = data.path().to_owned();
        if data.join(SETTINGS_FILE).exists() || data.join(USED_FILE).exists() {
            let taken = format!(
                "{}: holds the mail of a server that is one process",
                directory.display()
            );
            return Err(Failure::new(Exit::Usage, taken).advise("name another directory with --data-dir"));
        }
        let place = Self {
            data,
            nodes: Member::list(Part::Storage, shape.nodes, &directory),
            proxies: Member::list(Part::Proxy, shape.proxies, &directory),
        };
        let addresses = match place.kept_addresses(arguments)? {
            Some(kept) => same_count(&directory, kept, shape)?,
            None => place.choose_addresses()?,
        };
        for member in place.members() {
            place.data.private(&member.name())?;
            if !member.settings_file().exists() {
                member.write_settings(&addresses)?;
            }
        }
        Ok(place)
    }

    /// Returns all processes, in the order in which they are started.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.nodes.iter().chain(&self.proxies)
    }

    /// Returns the file that tells the processes, by its lock, that the demo runs.
    pub fn lock_file(&self) -> PathBuf {
        self.data.join(LOCK_FILE)
    }

    /// Returns the addresses of the storage nodes that an earlier start chose.
    fn kept_addresses(&self, arguments: &SettingsArguments) -> Result<Option<Vec<SocketAddr>>, Failure> {
        let Some(settings) = first_node(self.data.path())
            .map(|node| node.settings(arguments))
            .transpose()?
            .flatten()
        else {
            return Ok(None);
        };
        let parse = |node: &settings::NodeAddress| {
            let address = node.address.parse();
            address.or_exit(Exit::Config, format_args!("`cluster.nodes`: {node}"))
        };
        let addresses: Result<Vec<_>, _> = settings.cluster.nodes.iter().map(parse).collect();
        addresses.map(Some)
    }

    fn choose_addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        let choose = |node: &Member| {
            let [port] = free_ports(node.address()).or_exit(
                Exit::Unavailable,
                format_args!("no ports can be had on {}", node.address()),
            )?;
            Ok(SocketAddr::from((node.address(), port)))
        };
        self.nodes.iter().map(choose).collect()
    }
}

/// The storage nodes of a cluster are those of its first start.
fn same_count(directory: &Path, kept: Vec<SocketAddr>, shape: Shape) -> Result<Vec<SocketAddr>, Failure> {
    let asked = usize::try_from(shape.nodes).unwrap_or(usize::MAX);
    if kept.len() == asked {
        return Ok(kept);
    }
    let line = format!(
        "{}: holds a demo with --nodes {}, which cannot be changed; --data-dir names another directory",
        directory.display(),
        kept.len()
    );
    Err(Failure::new(Exit::Usage, line))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use settings::Settings;

    use super::*;

    fn prepare(directory: &Path, nodes: u32, proxies: u32) -> Result<Place, Failure> {
        let mut settings = Settings::default();
        settings.server.data_dir = directory.to_owned();
        let data = DataDir::open(&settings)?;
        Place::prepare(data, Shape { nodes, proxies }, &SettingsArguments::default())
    }

    /// Writes what a first start writes, with ports that no test listens on.
    fn start_before(directory: &Path, nodes: u8) {
        let first = first_node(directory).expect("invariant: one was asked for");
        fs::create_dir_all(&first.directory).expect("made");
        let addresses: Vec<String> = (1..=nodes)
            .map(|number| format!("\"{number}=127.0.0.1{number}:7700\""))
            .collect();
        let text = format!(
            "[server]\nroles = [\"storage\"]\n[listen]\nrpc = [\"127.0.0.11:7700\"]\n[cluster]\nnodes = [{}]\n",
            addresses.join(", ")
        );
        fs::write(first.settings_file(), text).expect("written");
    }

    #[test]
    fn the_storage_nodes_of_the_first_start_stay() {
        let directory = tempfile::tempdir().expect("a directory");
        start_before(directory.path(), 3);
        assert!(is_cluster(directory.path()));
        let failure = prepare(directory.path(), 5, 2).err().expect("refused");
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(failure.lines()[0].contains("--nodes 3"), "{:?}", failure.lines());
    }

    #[test]
    fn the_mail_of_another_server_is_left_alone() {
        for file in [SETTINGS_FILE, USED_FILE] {
            let directory = tempfile::tempdir().expect("a directory");
            fs::write(directory.path().join(file), "").expect("written");
            assert!(!is_cluster(directory.path()));
            let failure = prepare(directory.path(), 3, 2).err().expect("refused");
            assert!(
                failure.lines()[0].contains("one process"),
                "{:?}",
                failure.lines()
            );
            assert!(!directory.path().join("storage-1").exists());
        }
    }
}
