//! A Postfix of its own, as it stands in front of our server on most sites.

use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Process;
use crate::stand_in::free_address;
use crate::{Program, Scratch, wait};

/// Postfix with queue and configuration in a directory of its own, taking mail on loopback and handing what is for
/// `example.org` to LMTP; nothing leaves the machine.
#[derive(Debug)]
pub struct Postfix {
    /// Where it takes mail.
    pub smtp: SocketAddr,
    config: PathBuf,
    log: PathBuf,
    // Ends before its directory goes.
    process: Process,
    _scratch: Scratch,
}

impl Postfix {
    /// Starts it with a next hop.
    ///
    /// # Panics
    /// When it does not come up, as without root.
    #[must_use]
    pub fn start(lmtp: SocketAddr) -> Self {
        let scratch = Scratch::new();
        let smtp = free_address();
        let config = scratch.folder("config");
        let data = scratch.folder("data");
        let owner = Program::new("id").arguments(["-u", "postfix"]).succeed();
        chown(&data, owner.trim().parse().ok(), None).expect("root, to start Postfix");
        let _queue = scratch.folder("queue");
        let log = scratch.join("maillog");
        std::fs::write(config.join("main.cf"), main_config(scratch.path(), lmtp)).expect("a file");
        std::fs::write(config.join("master.cf"), master_config(smtp)).expect("a file");
        let mut command = Command::new("postfix");
        command.arg("-c").arg(&config).arg("start-fg");
        let process = Process::start(&mut command, &scratch.join("postfix.log"));
        wait::until("Postfix", || std::net::TcpStream::connect(smtp).ok());
        Self {
            smtp,
            config,
            log,
            process,
            _scratch: scratch,
        }
    }

    /// Hands in a message as local programs do.
    ///
    /// # Panics
    /// When it is not taken.
    pub fn send(&self, sender: &str, recipients: &[&str], message: &[u8]) {
        Program::new("sendmail")
            .arguments(["-C".as_ref(), self.config.as_os_str()])
            .arguments(["-i", "-f", sender])
            .arguments(recipients)
            .input(message)
            .succeed();
    }

    /// Waits until its log tells something, and returns the line.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn logged(&self, words: &[&str]) -> String {
        wait::until(&format!("{words:?} in Postfix's log"), || {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let found = log
                .lines()
                .find(|line| words.iter().all(|word| line.contains(word)));
            found.map(str::to_owned)
        })
    }

    /// Makes it try again what it could not deliver.
    ///
    /// # Panics
    /// When that fails.
    pub fn flush(&self) {
        Program::new("postqueue")
            .arguments(["-c".as_ref(), self.config.as_os_str(), "-f".as_ref()])
            .succeed();
    }

    /// Says whether it has nothing left to deliver.
    ///
    /// # Panics
    /// When it does not say.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let queue = Program::new("postqueue")
            .arguments(["-c".as_ref(), self.config.as_os_str(), "-p".as_ref()])
            .succeed();
        queue.contains("queue is empty")
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            crate::log::note(&format!("--- Postfix ---\n{log}"));
        }
        let stop =
            Program::new("postfix").arguments(["-c".as_ref(), self.config.as_os_str(), "stop".as_ref()]);
        drop(stop.run());
        let _ = wait::within(wait::LIMIT, || self.process.exited());
    }
}

fn main_config(base: &Path, lmtp: SocketAddr) -> String {
    let base = base.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {base}/maillog
maillog_file_prefixes = {base}
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.org
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
virtual_mailbox_domains = example.org
virtual_transport = lmtp:inet:{lmtp}
default_transport = error:nothing leaves this machine
local_transport = error:nothing is local
smtputf8_enable = yes
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
lmtp_destination_recipient_limit = 50
"
    )
}

fn master_config(smtp: SocketAddr) -> String {
    let mut config = format!("{smtp} inet n - n - - smtpd\n");
    for (name, kind, private, wakeup, limit, program) in SERVICES {
        config += &format!("{name} {kind} {private} - n {wakeup} {limit} {program}\n");
    }
    config
}

/// Services that Postfix cannot do without: name, type, private, wake-up, process limit, program.
const SERVICES: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("pickup", "unix", "n", "1", "1", "pickup"),
    ("cleanup", "unix", "n", "-", "0", "cleanup"),
    ("qmgr", "unix", "n", "1", "1", "qmgr"),
    ("tlsmgr", "unix", "-", "1000?", "1", "tlsmgr"),
    ("rewrite", "unix", "-", "-", "-", "trivial-rewrite"),
    ("bounce", "unix", "-", "-", "0", "bounce"),
    ("defer", "unix", "-", "-", "0", "bounce"),
    ("trace", "unix", "-", "-", "0", "bounce"),
    ("flush", "unix", "n", "1000?", "0", "flush"),
    ("proxymap", "unix", "-", "-", "-", "proxymap"),
    ("showq", "unix", "n", "-", "-", "showq"),
    ("error", "unix", "-", "-", "-", "error"),
    ("retry", "unix", "-", "-", "-", "error"),
    ("discard", "unix", "-", "-", "-", "discard"),
    ("lmtp", "unix", "-", "-", "-", "lmtp"),
    ("anvil", "unix", "-", "-", "1", "anvil"),
    ("scache", "unix", "-", "-", "1", "scache"),
    ("postlog", "unix-dgram", "n", "-", "1", "postlogd"),
];
