//! The settings of a server under test.

use std::ffi::OsString;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use super::{Addresses, text};
use crate::certificates::Certificates;
use crate::network::Place;

/// What a test wants different from a server with two accounts on an empty directory.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// Where its data lies; in a directory of its own when nothing is said.
    pub data: Option<PathBuf>,
    /// Where in a network it runs; on the loopback address when nothing is said.
    pub place: Option<Place>,
    /// Variables of its environment.
    pub variables: Vec<(&'static str, OsString)>,
    settings: Vec<(&'static str, &'static str, String)>,
    pinned: Option<Addresses>,
}

impl ServerOptions {
    /// Sets an option of a section to a value as it stands in TOML.
    #[must_use]
    pub fn set(mut self, section: &'static str, option: &'static str, value: &str) -> Self {
        self.settings.push((section, option, value.to_owned()));
        self
    }

    /// Says where its data lies.
    #[must_use]
    pub fn data(mut self, path: &Path) -> Self {
        self.data = Some(path.to_owned());
        self
    }

    /// Says where in a network it runs.
    #[must_use]
    pub fn place(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Keeps the addresses for the next start.
    pub(super) fn pin(&mut self, addresses: &Addresses) {
        self.pinned = Some(*addresses);
    }

    /// Returns the text of the configuration.
    pub(super) fn config(&self, data: &Path, certificates: &Certificates) -> String {
        let mut settings = defaults(data, certificates);
        settings.extend(self.listeners());
        for (section, option, value) in &self.settings {
            settings.retain(|(other, name, _)| (other, name) != (section, option));
            settings.push((section, option, value.clone()));
        }
        settings.sort_by_key(|(section, ..)| *section);
        let mut config = String::new();
        let mut open = "";
        for (section, option, value) in settings {
            if section != open {
                writeln!(config, "[{section}]").expect("invariant: writing to a string");
                open = section;
            }
            writeln!(config, "{option} = {value}").expect("invariant: writing to a string");
        }
        config
    }

    fn listeners(&self) -> Vec<(&'static str, &'static str, String)> {
        let own = |place: &Place| place.address();
        let address = self.place.as_ref().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), own);
        let free = || format!("[\"{address}:0\"]");
        let (imap, imaps, lmtp) = match self.pinned {
            None => (free(), free(), free()),
            Some(addresses) => (
                format!("[\"{}\"]", addresses.imap),
                format!("[\"{}\"]", addresses.imaps),
                format!("[\"{}\"]", addresses.lmtp),
            ),
        };
        vec![
            ("listen", "imap", imap),
            ("listen", "imaps", imaps),
            ("listen", "lmtp", lmtp),
            ("listen", "metrics", free()),
        ]
    }
}

/// Settings that make a server cheap enough to start for each test. Durability stays as it is.
fn defaults(data: &Path, certificates: &Certificates) -> Vec<(&'static str, &'static str, String)> {
    let quoted = |path: &Path| format!("{:?}", text(path));
    vec![
        ("server", "data_dir", quoted(data)),
        ("server", "host_name", "\"localhost\"".to_owned()),
        ("server", "shutdown_timeout", "\"5s\"".to_owned()),
        ("tls", "cert_file", quoted(&certificates.certificate)),
        ("tls", "key_file", quoted(&certificates.key)),
        ("auth", "argon2_memory", "\"64KiB\"".to_owned()),
        ("auth", "argon2_passes", "1".to_owned()),
        ("auth", "scram_iterations", "4096".to_owned()),
        ("auth", "failure_delay", "\"0s\"".to_owned()),
        ("storage", "reserve_bytes", "\"0\"".to_owned()),
        ("storage", "reserve_percent", "0".to_owned()),
    ]
}
