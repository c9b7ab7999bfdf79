//! What the demo of several processes prints.

use std::fmt::Write;
use std::path::PathBuf;

use settings::Settings;

use super::super::banner;
use super::member::Member;
use super::place::Place;
use super::processes::{Ended, Started};
use crate::arguments::SettingsArguments;
use crate::compose::addresses::Addresses;
use crate::exit::{Exit, Failure};

/// With fewer nodes than these, the loss of one leaves no majority.
const MAJORITY_NODES_MIN: usize = 3;

/// What is to be printed, known before the processes run.
pub struct Lines {
    /// The settings of the proxy that the lines for mail programs name.
    pub first_proxy: Settings,
    proxies: Vec<(Member, Addresses)>,
    nodes: usize,
    admin_socket: Option<PathBuf>,
    authority: PathBuf,
    directory: PathBuf,
}

impl Lines {
    /// Reads from the settings of all processes what is to be printed.
    ///
    /// # Errors
    /// When settings are wrong.
    pub fn new(place: &Place, arguments: &SettingsArguments) -> Result<Self, Failure> {
        let mut proxies = Vec::new();
        let mut first_proxy = None;
        for member in &place.proxies {
            let settings = settings(member, arguments)?;
            proxies.push((member.clone(), addresses(&settings)));
            first_proxy.get_or_insert(settings);
        }
        let admin_socket = match place.nodes.first() {
            Some(node) => {
                let socket = settings(node, arguments)?.listen.admin_socket;
                socket.map(|socket| node.directory.join(socket))
            }
            None => None,
        };
        Ok(Self {
            first_proxy: first_proxy.ok_or_else(|| Failure::new(Exit::Software, "a demo without a proxy"))?,
            proxies,
            nodes: place.nodes.len(),
            admin_socket,
            authority: place.data.join("tls/ca.pem"),
            directory: place.data.path().to_owned(),
        })
    }

    /// Returns the lines of the demo, then one for each process.
    pub fn banner(&self, password: &str, started: &[Started]) -> String {
        let first = self.proxies.first().map(|(_, addresses)| addresses.clone());
        let addresses = Addresses {
            admin_socket: self.admin_socket.clone(),
            ..first.unwrap_or_default()
        };
        let mut text = banner::banner(&addresses, password, Some(&self.authority), &self.directory);
        for process in started {
            // Writing to a string cannot fail.
            let _ = write!(text, "{} pid: {}", process.member.name(), process.pid);
            if let Some(imap) = self.imap(&process.member) {
                let _ = write!(text, " imap://{imap}");
            }
            text.push('\n');
        }
        let _ = writeln!(
            text,
            "logs: tail -f {}/*/facteur.log",
            banner::word(self.directory.as_os_str())
        );
        if self.nodes >= MAJORITY_NODES_MIN {
            text.push_str("try: kill -9 the pid of one storage node, and mutt goes on\n");
        }
        text
    }

    fn imap(&self, member: &Member) -> Option<std::net::SocketAddr> {
        let (_, addresses) = self.proxies.iter().find(|(proxy, _)| proxy == member)?;
        addresses.imap.first().copied()
    }
}

fn settings(member: &Member, arguments: &SettingsArguments) -> Result<Settings, Failure> {
    let settings = member.settings(arguments)?;
    settings.ok_or_else(|| {
        let file = member.settings_file();
        Failure::new(Exit::Io, format!("{}: is gone", file.display()))
    })
}

fn addresses(settings: &Settings) -> Addresses {
    let listen = &settings.listen;
    Addresses {
        imap: listen.imap.clone(),
        imaps: listen.imaps.clone(),
        lmtp: listen.lmtp.clone(),
        metrics: listen.metrics.clone(),
        ..Addresses::default()
    }
}

/// Returns the line about a process that has ended.
pub fn ended(ended: &Ended) -> String {
    let Ended { name, how, line, .. } = ended;
    format!("{name} ended ({how}); this starts it again: {line}\n")
}

/// Returns why the demo does not start when a process ends before all are up, with what that process said at last.
pub fn failed_start(ended: &Ended) -> Failure {
    let Ended { name, how, log, .. } = ended;
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut lines = vec![format!("{name} ended ({how}) while the demo started")];
    lines.extend(last_words(&text).map(|words| format!("{name}: {words}")));
    lines.push(format!("its log: {}", log.display()));
    Failure::of_lines(Exit::Unavailable, lines)
}

/// Returns the lines at the end of a log in which the program says why it ended.
fn last_words(log: &str) -> impl Iterator<Item = &str> {
    let words = |line: &&str| line.starts_with("facteur: ");
    let count = log.lines().rev().take_while(words).count();
    let before = log.lines().count() - count;
    log.lines()
        .skip(before)
        .map(|line| line.trim_start_matches("facteur: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, log: PathBuf) -> Ended {
        Ended {
            name: name.to_owned(),
            how: "signal: 9 (SIGKILL)".to_owned(),
            log,
            line: "facteur serve".to_owned(),
        }
    }

    #[test]
    fn who_ended_and_how_it_is_started_again_stand_in_one_line() {
        assert_eq!(
            ended(&of("storage-2", PathBuf::new())),
            "storage-2 ended (signal: 9 (SIGKILL)); this starts it again: facteur serve\n"
        );
    }

    #[test]
    fn a_failed_start_shows_the_last_words_of_the_process() {
        let directory = tempfile::tempdir().expect("a directory");
        let log = directory.path().join("facteur.log");
        std::fs::write(
            &log,
            "facteur: earlier\nopening\nfacteur: disk full\nfacteur: make room\n",
        )
        .expect("written");
        let failure = failed_start(&of("proxy-1", log.clone()));
        assert_eq!(
            failure.lines(),
            [
                "proxy-1 ended (signal: 9 (SIGKILL)) while the demo started".to_owned(),
                "proxy-1: disk full".to_owned(),
                "proxy-1: make room".to_owned(),
                format!("its log: {}", log.display()),
            ]
        );
    }
}
