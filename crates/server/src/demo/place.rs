//! Where the demo lives: its data directory, its ports and the settings that hold them.

use std::fs::DirBuilder;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::cluster;
use crate::arguments::SettingsArguments;
use crate::commands;
use crate::durable_file;
use crate::exit::{Exit, Failure, OrExit};

pub(super) const SETTINGS_FILE: &str = "demo.toml";
/// A file that every data directory has once a server has used it.
pub(super) const USED_FILE: &str = "layout";
/// How often other ports are tried when one is taken on IPv6 only.
const ATTEMPTS_MAX: usize = 20;

/// Returns the arguments with which the demo is served: those given, on top of the demo's own settings.
///
/// # Errors
/// When the directory belongs to a server that is no demo, or cannot be made.
pub fn prepare(arguments: &SettingsArguments) -> Result<SettingsArguments, Failure> {
    let settings = commands::load(arguments, None)?;
    let directory = &settings.server.data_dir;
    let file = directory.join(SETTINGS_FILE);
    if cluster::is_cluster(directory) {
        let taken = format!("{}: holds a demo of several processes", directory.display());
        return Err(Failure::new(Exit::Usage, taken)
            .advise("add `--nodes` as at its first start, or name another directory with --data-dir"));
    }
    if !file.exists() {
        if directory.join(USED_FILE).exists() {
            let taken = format!(
                "{}: holds the mail of a server that is no demo",
                directory.display()
            );
            return Err(Failure::new(Exit::Usage, taken).advise("name another directory with --data-dir"));
        }
        make(directory, &file)?;
    }
    Ok(SettingsArguments {
        config: Some(file),
        ..arguments.clone()
    })
}

fn make(directory: &Path, file: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.or_exit(Exit::CannotCreate, directory.display())?;
    let ports = choose_ports().or_exit(Exit::Unavailable, "no ports can be had on 127.0.0.1")?;
    let written = durable_file::replace(file, settings_text(ports).as_bytes());
    written.or_exit(Exit::CannotCreate, file.display())
}

/// Lets the kernel choose four ports that are free on both families.
fn choose_ports() -> io::Result<[u16; 4]> {
    let mut held = Vec::new();
    let mut ports = [0; 4];
    for port in &mut ports {
        let (number, sockets) = free_port()?;
        *port = number;
        // Held until all are chosen, so that none is chosen twice.
        held.push(sockets);
    }
    Ok(ports)
}

fn free_port() -> io::Result<(u16, Vec<TcpListener>)> {
    let mut last = None;
    for _ in 0..ATTEMPTS_MAX {
        let four = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = four.local_addr()?.port();
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
            Ok(six) => return Ok((port, vec![four, six])),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = Some(error),
            // The machine has no IPv6.
            Err(_) => return Ok((port, vec![four])),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::from(io::ErrorKind::AddrInUse)))
}

fn settings_text([imap, imaps, lmtp, metrics]: [u16; 4]) -> String {
    format!(
        "# Made by the first `facteur serve --demo` in this directory. Remove the file and the demo chooses new\n\
         # ports; its mail stays.\n\
         \n\
         [listen]\n\
         imap = [\"127.0.0.1:{imap}\", \"[::1]:{imap}\"]\n\
         imaps = [\"127.0.0.1:{imaps}\", \"[::1]:{imaps}\"]\n\
         lmtp = [\"127.0.0.1:{lmtp}\", \"[::1]:{lmtp}\"]\n\
         metrics = [\"127.0.0.1:{metrics}\", \"[::1]:{metrics}\"]\n\
         \n\
         [storage]\n\
         cache_bytes = \"64MiB\"\n\
         reserve_bytes = \"64MiB\"\n\
         reserve_percent = 0\n\
         \n\
         [log]\n\
         level = \"warn\"\n"
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use settings::{Settings, Sources};

    use super::*;

    fn arguments(directory: &Path) -> SettingsArguments {
        SettingsArguments {
            data_dir: Some(directory.to_owned()),
            ..SettingsArguments::default()
        }
    }

    #[test]
    fn the_settings_of_the_demo_are_valid() {
        let sources = Sources {
            file: Some((SETTINGS_FILE.into(), settings_text([1, 2, 3, 4]))),
            ..Sources::default()
        };
        let settings = Settings::from_sources(&sources).expect("valid");
        assert_eq!(
            settings.listen.imaps[0],
            "127.0.0.1:2".parse().expect("an address")
        );
        assert_eq!(settings.listen.metrics[1], "[::1]:4".parse().expect("an address"));
    }

    #[test]
    fn a_directory_with_other_mail_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join(USED_FILE), "groups = 16\n").expect("written");
        let failure = prepare(&arguments(directory.path())).expect_err("refused");
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(!directory.path().join(SETTINGS_FILE).exists());
    }

    #[test]
    fn a_second_start_reads_what_the_first_wrote() {
        let directory = tempfile::tempdir().expect("a directory");
        let text = settings_text([40_143, 40_993, 40_024, 40_464]);
        fs::write(directory.path().join(SETTINGS_FILE), &text).expect("written");
        let prepared = prepare(&arguments(directory.path())).expect("prepared");
        assert_eq!(prepared.config, Some(directory.path().join(SETTINGS_FILE)));
        assert_eq!(
            fs::read_to_string(directory.path().join(SETTINGS_FILE)).expect("read"),
            text
        );
    }
}
