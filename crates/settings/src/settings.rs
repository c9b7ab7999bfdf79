//! All settings, and how they are loaded.

use std::path::{Path, PathBuf};

use crate::checks;
use crate::layers::{Layers, Override, SHORT_VARIABLES, Sources, collect};
use crate::nearest::nearest;
use crate::problem::{Fault, Origin, Problem};
use crate::reader::Reader;
use crate::section::SectionInfo;
use crate::sections::{
    Account, Auth, Cluster, Imap, Limits, Listen, Lmtp, Log, Quota, Server, Storage, Telemetry, Tls,
};
use crate::show::Effective;

/// The settings of one process, one field a section.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The process itself.
    pub server: Server,
    /// Where it listens.
    pub listen: Listen,
    /// TLS towards mail programs.
    pub tls: Tls,
    /// What a client may use up.
    pub limits: Limits,
    /// Passwords and what guards them.
    pub auth: Auth,
    /// Log, tables and blobs.
    pub storage: Storage,
    /// The other nodes.
    pub cluster: Cluster,
    /// IMAP.
    pub imap: Imap,
    /// LMTP.
    pub lmtp: Lmtp,
    /// Quotas of new accounts.
    pub quota: Quota,
    /// Accounts.
    pub account: Account,
    /// The log for people.
    pub log: Log,
    /// Traces and metrics.
    pub telemetry: Telemetry,
    effective: Vec<Effective>,
}

/// Every section, in the order of the sample file.
pub fn sections() -> Vec<SectionInfo> {
    vec![
        Server::info(),
        Listen::info(),
        Tls::info(),
        Limits::info(),
        Auth::info(),
        Storage::info(),
        Cluster::info(),
        Imap::info(),
        Lmtp::info(),
        Quota::info(),
        Account::info(),
        Log::info(),
        Telemetry::info(),
    ]
}

impl Settings {
    /// Loads the settings from a file, if one is named, from the environment and from the command line.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong.
    pub fn load(file: Option<&Path>, overrides: Vec<Override>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let file = file.and_then(|path| read_file(path, &mut problems));
        let environment = read_environment(&mut problems);
        match Self::from_sources(&Sources {
            file,
            environment,
            overrides,
        }) {
            Ok(settings) if problems.is_empty() => Ok(settings),
            Ok(_) => Err(problems),
            Err(more) => Err(problems.into_iter().chain(more).collect()),
        }
    }

    /// Builds the settings from sources that are already in memory.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong.
    pub fn from_sources(sources: &Sources) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let layers = collect(sources, &mut problems);
        find_unknown(&layers, &mut problems);
        let mut reader = Reader::new(&layers);
        let mut settings = Self::read(&mut reader);
        problems.append(&mut reader.problems);
        settings.effective = reader.effective;
        // Values that are invalid by themselves were replaced by defaults; comparing those would mislead.
        if problems.is_empty() {
            problems = checks::check(&settings);
        }
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(problems)
        }
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            server: Server::read(reader),
            listen: Listen::read(reader),
            tls: Tls::read(reader),
            limits: Limits::read(reader),
            auth: Auth::read(reader),
            storage: Storage::read(reader),
            cluster: Cluster::read(reader),
            imap: Imap::read(reader),
            lmtp: Lmtp::read(reader),
            quota: Quota::read(reader),
            account: Account::read(reader),
            log: Log::read(reader),
            telemetry: Telemetry::read(reader),
            effective: Vec::new(),
        }
    }

    /// Returns every option in effect, with the origin of its value, in the order of the sample file.
    pub fn effective(&self) -> &[Effective] {
        &self.effective
    }
}

impl Default for Settings {
    /// Returns the settings of a process that nobody configured.
    fn default() -> Self {
        let layers = Layers::new();
        let mut reader = Reader::new(&layers);
        let mut settings = Self::read(&mut reader);
        settings.effective = reader.effective;
        settings
    }
}

fn read_file(path: &Path, problems: &mut Vec<Problem>) -> Option<(PathBuf, String)> {
    match std::fs::read_to_string(path) {
        Ok(text) => Some((path.to_owned(), text)),
        Err(error) => {
            let origin = Origin::File {
                path: path.to_owned(),
                line: 0,
                column: 0,
            };
            problems.push(Problem::new(
                origin,
                Fault::Unreadable {
                    reason: error.to_string(),
                },
            ));
            None
        }
    }
}

/// Reads the variables that may be ours; one that is not UTF-8 is a problem only then.
fn read_environment(problems: &mut Vec<Problem>) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| is_ours(name)) else {
            continue;
        };
        match value.into_string() {
            Ok(value) => variables.push((name.to_owned(), value)),
            Err(_) => {
                let origin = Origin::Environment {
                    variable: name.to_owned(),
                };
                let message = "is not UTF-8".to_owned();
                problems.push(Problem::new(
                    origin,
                    Fault::Invalid {
                        key: name.to_owned(),
                        message,
                    },
                ));
            }
        }
    }
    variables.sort();
    variables
}

fn is_ours(variable: &str) -> bool {
    let long = variable
        .strip_prefix("FACTEUR_")
        .is_some_and(|rest| rest.contains("__"));
    long || SHORT_VARIABLES.iter().any(|(name, _)| *name == variable)
}

/// Reports keys that no section declares, each with the nearest name.
fn find_unknown(layers: &Layers, problems: &mut Vec<Problem>) {
    let sections = sections();
    for (key, values) in layers {
        let Some(nearest) = unknown(key, &sections) else {
            continue;
        };
        for value in values {
            let fault = Fault::Unknown {
                key: key.trim_end_matches('.').to_owned(),
                nearest: nearest.clone(),
            };
            problems.push(Problem::new(value.origin.clone(), fault));
        }
    }
}

/// Returns nothing for a known key, else the name that was probably meant, if any.
fn unknown(key: &str, sections: &[SectionInfo]) -> Option<Option<String>> {
    let (section, name) = key.split_once('.').unwrap_or((key, ""));
    let Some(known) = sections.iter().find(|known| known.name == section) else {
        let near = nearest(section, sections.iter().map(|known| known.name));
        return Some(near.map(str::to_owned));
    };
    let is_table = name.is_empty() && key.ends_with('.');
    if is_table || known.options.iter().any(|option| option.name == name) {
        return None;
    }
    let near = nearest(name, known.options.iter().map(|option| option.name));
    let elsewhere = || {
        let mut options = sections.iter().flat_map(|section| &section.options);
        options
            .find(|option| option.name == name)
            .map(crate::OptionInfo::key)
    };
    Some(near.map(|near| format!("{section}.{near}")).or_else(elsewhere))
}
