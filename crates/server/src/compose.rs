//! Puts the parts of one process together.
//!
//! [`Site`] is what every part needs to know: settings, data directory, certificates, who else there is. From it
//! `storage.rs` makes the storage node, `links.rs` the way to storage nodes here and elsewhere, `fronts.rs` the roles
//! that face the outside, and `doors.rs` their sockets. `server.rs` owns what runs, and ends it in the opposite order.

pub mod addresses;
pub mod arrival;
pub mod certificates;
pub mod desk;
pub mod doors;
pub mod fronts;
pub mod gauges;
pub mod health;
pub mod identity;
pub mod keys;
pub mod links;
pub mod maintenance;
pub mod server;
pub mod storage;
pub mod topology;
pub mod ways;

use settings::{Role, Settings};
use tls::NodeName;

use crate::data_dir::DataDir;
use crate::exit::{Exit, Failure};
use certificates::Certificates;
use topology::Topology;

/// What every part of the process needs to know.
pub struct Site {
    /// The settings.
    pub settings: Settings,
    /// Where everything lies.
    pub data: DataDir,
    /// The storage nodes and what each holds.
    pub topology: Topology,
    /// The process's certificates.
    pub certificates: Certificates,
    /// The process's name in the cluster.
    pub name: NodeName,
    /// The name of the machine, for greetings and certificates.
    pub host: String,
}

impl Site {
    /// Opens the data directory and the certificates.
    ///
    /// # Errors
    /// When the directory is in use, or settings do not go together.
    pub fn open(settings: Settings) -> Result<Self, Failure> {
        let data = DataDir::open(&settings)?;
        let host = host_name(&settings);
        let name = name_in_cluster(&settings, &host)?;
        let topology = Topology::of(&settings)?;
        let certificates = Certificates::open(&settings, &data, &topology)?;
        Ok(Self {
            settings,
            data,
            topology,
            certificates,
            name,
            host,
        })
    }

    /// Says whether the process plays this part.
    pub fn plays(&self, role: Role) -> bool {
        self.settings.server.roles.contains(&role)
    }
}

/// Returns the host name of the settings, else the machine's.
pub fn host_name(settings: &Settings) -> String {
    let machine = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    settings.server.host_name.clone().unwrap_or_else(machine)
}

/// Returns the name of the process in the cluster: a storage node is named by its number, any other by its host.
///
/// # Errors
/// When the host has a name that no certificate can carry.
pub fn name_in_cluster(settings: &Settings, host: &str) -> Result<NodeName, Failure> {
    let name = if settings.server.roles.contains(&Role::Storage) {
        topology::node_name(settings.cluster.node_id)
    } else {
        host.to_ascii_lowercase()
    };
    name.parse().map_err(|_| {
        Failure::new(
            Exit::Config,
            format!("settings: `server.host_name`: {name:?} is no name for a process of a cluster"),
        )
    })
}
