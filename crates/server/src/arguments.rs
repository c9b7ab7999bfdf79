//! The command line.

use std::path::PathBuf;

use admin_cli::{AdminCommand, CompletionsArguments};
use clap::{Args, Parser, Subcommand, ValueEnum};
use settings::{Override, Role};

/// A mail server: IMAP and LMTP in front of replicated storage.
#[derive(Debug, Parser)]
#[command(name = "facteur", version, about, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    pub settings: SettingsArguments,
    #[command(subcommand)]
    pub command: Command,
}

/// Where settings come from, beside the environment.
#[derive(Clone, Debug, Default, Args)]
pub struct SettingsArguments {
    /// Settings file (TOML); `facteur config sample` shows every option
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Directory that holds everything the process keeps; also FACTEUR_DATA_DIR [default: facteur-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Sets one option, as in `--set limits.append_bytes_max=50MiB`; lists are separated by commas
    #[arg(long = "set", global = true, value_name = "SECTION.KEY=VALUE", value_parser = assignment)]
    pub assignments: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the server until SIGTERM or SIGINT
    Serve(ServeArguments),
    /// Checks, shows and documents settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Makes the certificates of a cluster's processes
    #[command(subcommand)]
    Pki(PkiCommand),
    /// Shows what a damaged log has lost and, when told to, saves the rest; the server must be stopped
    Repair(RepairArguments),
    /// Prints a completion script for a shell
    Completions(CompletionsArguments),
    #[command(flatten)]
    Admin(AdminCommand),
}

#[derive(Clone, Debug, Default, Args)]
pub struct ServeArguments {
    /// Serves a demo account with sample mail on ports of this machine only
    #[arg(long, conflicts_with_all = ["config", "role"])]
    pub demo: bool,
    /// With --demo: so many storage nodes, each a process with an address of its own, 1 to 9 [with --proxies: 3]
    #[arg(long, value_name = "COUNT")]
    pub nodes: Option<u32>,
    /// With --demo: so many proxies in front of the storage nodes, 1 to 9 [with --nodes: 2]
    #[arg(long, value_name = "COUNT")]
    pub proxies: Option<u32>,
    /// Serves as long as another process holds the lock on this file, and ends with it
    #[arg(long, value_name = "FILE", hide = true)]
    pub while_locked: Option<PathBuf>,
    /// Plays this part only; may be given more than once [default: all]
    #[arg(long, value_name = "ROLE", value_parser = role)]
    pub role: Vec<Role>,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Says whether the settings are valid; every problem on a line of its own
    Check,
    /// Shows every option in effect and where it comes from
    Show {
        /// How to print it
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Prints a settings file with every option, its default and what it does
    Sample,
    /// Prints the reference of all options in Markdown
    Reference,
}

/// How a table is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines for people
    #[default]
    Table,
    /// For programs
    Json,
}

#[derive(Debug, Subcommand)]
pub enum PkiCommand {
    /// Makes the authority of a cluster, and the secret that its storage nodes share
    Init {
        /// Where to keep them; `tls.authority_dir` when not given
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
    /// Issues the certificate of one process
    Issue {
        /// What the process may do
        #[arg(value_parser = peer_role)]
        role: tls::Role,
        /// Its name; `node-1` for the storage node with `cluster.node_id = 1`
        #[arg(value_parser = node_name)]
        node: tls::NodeName,
        /// Where the authority is kept; `tls.authority_dir` when not given
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct RepairArguments {
    /// Acts: `keep-prefix` keeps each log up to the damage, right only where no other node has more;
    /// `drop-affected` forgets the groups that are hit, right where other nodes have them
    #[arg(long, value_enum, value_name = "POLICY")]
    pub apply: Option<RepairPolicy>,
}

/// What a repair does with the groups that are hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RepairPolicy {
    KeepPrefix,
    DropAffected,
}

impl SettingsArguments {
    /// Returns what the command line sets, for the settings.
    pub fn overrides(&self) -> Vec<Override> {
        let mut overrides: Vec<_> = self
            .assignments
            .iter()
            .map(|(key, value)| Override::new(key, value, "--set"))
            .collect();
        if let Some(directory) = &self.data_dir {
            let directory = directory.display().to_string();
            overrides.push(Override::new("server.data_dir", directory, "--data-dir"));
        }
        overrides
    }
}

impl ServeArguments {
    /// Returns what the arguments of `serve` set.
    pub fn overrides(&self) -> Option<Override> {
        let words: Vec<&str> = self.role.iter().map(|role| role.word()).collect();
        (!words.is_empty()).then(|| Override::new("server.roles", words.join(","), "--role"))
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| key.contains('.'));
    let (key, value) = pair.ok_or("write SECTION.KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

fn role(text: &str) -> Result<Role, String> {
    let found = Role::ALL.iter().find(|role| role.word() == text);
    found
        .copied()
        .ok_or_else(|| "write proxy, storage or lmtp".to_owned())
}

fn peer_role(text: &str) -> Result<tls::Role, String> {
    text.parse()
        .map_err(|_| "write storage, proxy, lmtp or admin".to_owned())
}

fn node_name(text: &str) -> Result<tls::NodeName, String> {
    text.parse()
        .map_err(|_| "a name has lower-case letters, digits, hyphens and dots".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(std::iter::once("facteur").chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn arguments_become_overrides_of_settings() {
        let arguments = parse("serve --role storage --role lmtp --data-dir /srv/mail --set log.level=debug");
        let arguments = arguments.expect("valid");
        let overrides = arguments.settings.overrides();
        assert_eq!(overrides[0], Override::new("log.level", "debug", "--set"));
        assert_eq!(
            overrides[1],
            Override::new("server.data_dir", "/srv/mail", "--data-dir")
        );
        let Command::Serve(serve) = arguments.command else {
            panic!("not serve");
        };
        assert_eq!(
            serve.overrides(),
            Some(Override::new("server.roles", "storage,lmtp", "--role"))
        );
    }

    #[test]
    fn administration_is_part_of_the_program() {
        for line in [
            "account list -o json",
            "status",
            "session list",
            "quota show demo@example.org",
        ] {
            let arguments = parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(matches!(arguments.command, Command::Admin(_)), "{line}");
        }
    }

    #[test]
    fn mistakes_are_refused_with_a_hint() {
        let check = |line: &str, hint: &str| {
            let error = parse(line).expect_err(line).to_string();
            assert!(error.contains(hint), "{line}: {error}");
        };
        check("serve --role all", "write proxy, storage or lmtp");
        check("serve --demo --role proxy", "cannot be used with");
        check("serve --set level=debug", "write SECTION.KEY=VALUE");
        check("pki issue storage Node_1", "lower-case");
        check("pki issue root node-1", "write storage, proxy, lmtp or admin");
        check("config show -o xml", "possible values: table, json");
    }
}
