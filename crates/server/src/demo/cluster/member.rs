//! One process of the demo: its place, its address, and the settings that it is started with.
//!
//! The settings are written once, with the ports that were free then, and read at every later start.

use std::fmt::Write;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use settings::{Role, Settings};
use tls::NodeName;

use crate::arguments::SettingsArguments;
use crate::compose::topology::node_name;
use crate::exit::{Exit, Failure, OrExit};
use crate::{commands, durable_file};

/// The settings of a process, below its directory.
const SETTINGS_FILE: &str = "facteur.toml";
/// What a process writes to its outputs, below its directory.
const LOG_FILE: &str = "facteur.log";
/// Groups for each storage node, so that each leads a few and an idle machine stays quiet.
const GROUPS_A_NODE: usize = 2;

/// What a process of the demo does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Keeps mail.
    Storage,
    /// Stands in front: IMAP and LMTP.
    Proxy,
}

/// One process of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub part: Part,
    /// Its number among those of its part, from 1.
    pub number: u8,
    /// Everything that it keeps.
    pub directory: PathBuf,
}

impl Member {
    /// Returns the processes of this part, each with a directory of its own below `directory`.
    pub fn list(part: Part, count: u32, directory: &Path) -> Vec<Self> {
        let count = u8::try_from(count).unwrap_or(u8::MAX);
        let member = |number| Self {
            part,
            number,
            directory: directory.join(name(part, number)),
        };
        (1..=count).map(member).collect()
    }

    /// Returns what it is called, in what is printed and on the disk.
    pub fn name(&self) -> String {
        name(self.part, self.number)
    }

    /// Returns its own address of this machine, as if it were a machine of its own.
    pub fn address(&self) -> Ipv4Addr {
        let tens: u8 = match self.part {
            Part::Storage => 10,
            Part::Proxy => 20,
        };
        Ipv4Addr::new(127, 0, 0, tens.saturating_add(self.number))
    }

    /// Returns its name in certificates.
    pub fn node(&self) -> NodeName {
        let name = match self.part {
            Part::Storage => node_name(u64::from(self.number)),
            Part::Proxy => self.name(),
        };
        name.parse().expect("invariant: letters, a hyphen and a digit")
    }

    /// Returns its settings file.
    pub fn settings_file(&self) -> PathBuf {
        self.directory.join(SETTINGS_FILE)
    }

    /// Returns the file that takes what it writes.
    pub fn log_file(&self) -> PathBuf {
        self.directory.join(LOG_FILE)
    }

    /// Reads the settings that are in effect for it; nothing when it has none yet.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn settings(&self, arguments: &SettingsArguments) -> Result<Option<Settings>, Failure> {
        let file = self.settings_file();
        if !file.exists() {
            return Ok(None);
        }
        let own = SettingsArguments {
            config: Some(file),
            data_dir: Some(self.directory.clone()),
            ..arguments.clone()
        };
        commands::load(&own, None).map(Some)
    }

    /// Writes its settings, with free ports, for a cluster of these storage nodes.
    ///
    /// # Errors
    /// When there is no port, or the file cannot be written.
    pub fn write_settings(&self, nodes: &[SocketAddr]) -> Result<(), Failure> {
        let file = self.settings_file();
        let text = match self.part {
            Part::Storage => self.storage_settings(nodes),
            Part::Proxy => self.proxy_settings(nodes),
        };
        let text = text.or_exit(
            Exit::Unavailable,
            format_args!("no ports can be had on {}", self.address()),
        )?;
        durable_file::replace(&file, text.as_bytes()).or_exit(Exit::CannotCreate, file.display())
    }

    fn storage_settings(&self, nodes: &[SocketAddr]) -> io::Result<String> {
        let rpc = nodes.get(usize::from(self.number).saturating_sub(1));
        let rpc = rpc.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let [metrics] = free_ports(self.address())?;
        let mut listen = listen("rpc", *rpc);
        listen.push_str(&listen_own(self, "metrics", metrics));
        let mut text = self.common_settings(&[Role::Storage], &listen, nodes);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "node_id = {}\n\
             \n\
             [storage]\n\
             groups = {}\n\
             cache_bytes = \"32MiB\"\n\
             reserve_bytes = \"64MiB\"\n\
             reserve_percent = 0\n",
            self.number,
            groups(nodes)
        );
        Ok(text)
    }

    fn proxy_settings(&self, nodes: &[SocketAddr]) -> io::Result<String> {
        let [imap, imaps, lmtp, metrics] = free_ports(self.address())?;
        let ports = [
            ("imap", imap),
            ("imaps", imaps),
            ("lmtp", lmtp),
            ("metrics", metrics),
        ];
        let listen: String = ports.map(|(what, port)| listen_own(self, what, port)).concat();
        let mut text = self.common_settings(&[Role::Proxy, Role::Lmtp], &listen, nodes);
        let _ = write!(text, "\n[storage]\ngroups = {}\n", groups(nodes));
        Ok(text)
    }

    /// Ends within the section `cluster`.
    fn common_settings(&self, roles: &[Role], listen: &str, nodes: &[SocketAddr]) -> String {
        let roles: Vec<String> = roles.iter().map(|role| format!("\"{}\"", role.word())).collect();
        let nodes: Vec<String> = (1..)
            .zip(nodes)
            .map(|(number, address)| format!("\"{number}={address}\""))
            .collect();
        format!(
            "# Made by the first `facteur serve --demo --nodes` in the directory above.\n\
             \n\
             [server]\n\
             roles = [{}]\n\
             host_name = \"{}\"\n\
             shutdown_timeout = \"5s\"\n\
             \n\
             [listen]\n\
             {listen}\
             \n\
             [log]\n\
             level = \"info\"\n\
             \n\
             [cluster]\n\
             nodes = [{}]\n",
            roles.join(", "),
            self.name(),
            nodes.join(", ")
        )
    }
}

fn name(part: Part, number: u8) -> String {
    match part {
        Part::Storage => format!("storage-{number}"),
        Part::Proxy => format!("proxy-{number}"),
    }
}

fn groups(nodes: &[SocketAddr]) -> usize {
    nodes.len() * GROUPS_A_NODE
}

fn listen_own(member: &Member, what: &str, port: u16) -> String {
    listen(what, SocketAddr::from((member.address(), port)))
}

fn listen(what: &str, address: SocketAddr) -> String {
    format!("{what} = [\"{address}\"]\n")
}

/// Lets the kernel choose ports that are free on an address.
///
/// # Errors
/// When the address cannot be listened on.
pub fn free_ports<const N: usize>(address: Ipv4Addr) -> io::Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((address, 0))?;
        *port = listener.local_addr()?.port();
        // Held until all are chosen, so that none is chosen twice.
        held.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use settings::Sources;

    use super::*;

    fn nodes() -> Vec<SocketAddr> {
        let address = |member: &Member| SocketAddr::from((member.address(), 7700));
        Member::list(Part::Storage, 3, Path::new("/srv/demo"))
            .iter()
            .map(address)
            .collect()
    }

    fn read(text: String) -> Settings {
        let sources = Sources {
            file: Some((SETTINGS_FILE.into(), text)),
            ..Sources::default()
        };
        Settings::from_sources(&sources).expect("valid")
    }

    #[test]
    fn each_process_has_a_name_a_place_and_an_address() {
        let nodes = Member::list(Part::Storage, 9, Path::new("/srv/demo"));
        let proxies = Member::list(Part::Proxy, 2, Path::new("/srv/demo"));
        assert_eq!((nodes.len(), proxies.len()), (9, 2));
        assert_eq!(nodes[8].directory, Path::new("/srv/demo/storage-9"));
        assert_eq!(nodes[8].address(), Ipv4Addr::new(127, 0, 0, 19));
        assert_eq!(nodes[8].node().as_str(), "node-9");
        assert_eq!(proxies[1].name(), "proxy-2");
        assert_eq!(proxies[1].address(), Ipv4Addr::new(127, 0, 0, 22));
        assert_eq!(proxies[1].node().as_str(), "proxy-2");
    }

    #[test]
    fn the_settings_of_a_storage_node_are_valid() {
        let members = Member::list(Part::Storage, 3, Path::new("/srv/demo"));
        // The port is chosen by the kernel when the settings are written; here it does not matter which.
        let listen = listen("rpc", nodes()[1]) + &listen_own(&members[1], "metrics", 9464);
        let text = members[1].common_settings(&[Role::Storage], &listen, &nodes()) + "node_id = 2\n";
        let settings = read(text);
        assert_eq!(settings.server.roles, [Role::Storage]);
        assert_eq!(settings.listen.rpc, [nodes()[1]]);
        assert_eq!(settings.cluster.node_id, 2);
        assert_eq!(settings.cluster.nodes[2].to_string(), "3=127.0.0.13:7700");
    }

    #[test]
    fn the_settings_of_a_proxy_are_valid() {
        let proxy = &Member::list(Part::Proxy, 1, Path::new("/srv/demo"))[0];
        let listen: String = [("imap", 143), ("imaps", 993), ("lmtp", 24), ("metrics", 9464)]
            .map(|(what, port)| listen_own(proxy, what, port))
            .concat();
        let settings = read(proxy.common_settings(&[Role::Proxy, Role::Lmtp], &listen, &nodes()));
        assert_eq!(settings.server.roles, [Role::Proxy, Role::Lmtp]);
        assert_eq!(settings.server.host_name.as_deref(), Some("proxy-1"));
        assert_eq!(
            settings.listen.imaps,
            ["127.0.0.21:993".parse().expect("an address")]
        );
    }
}
