//! The server as a process.

mod accounts;
mod options;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

pub use options::ServerOptions;
use rustix::process::Signal;

use crate::certificates::Certificates;
use crate::log::fail;
use crate::process::Process;
use crate::program::{Ended, Program};
use crate::{Scratch, binary, wait};

/// How to reach a mail server and who may log in.
#[derive(Clone, Debug)]
pub struct Access {
    /// IMAP with STARTTLS.
    pub imap: SocketAddr,
    /// IMAP over TLS.
    pub imaps: SocketAddr,
    /// Delivery.
    pub lmtp: SocketAddr,
    /// The first account.
    pub user: String,
    /// The second account.
    pub other_user: String,
    /// The password of both.
    pub password: String,
    /// What its certificate is checked against.
    pub certificates: Certificates,
}

/// The accounts that a server of a test has.
pub const ACCOUNTS: [&str; 2] = ["alice@example.org", "bob@example.org"];

/// Their password.
pub const PASSWORD: &str = "correct horse";

/// A server and its directory. Ports that the kernel chose stay the same over restarts.
#[derive(Debug)]
pub struct Server {
    process: Option<Process>,
    scratch: Scratch,
    options: ServerOptions,
    access: Option<Access>,
    certificates: Certificates,
    starts: u32,
}

impl Server {
    /// Starts a server with two accounts on an empty directory.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(ServerOptions::default())
    }

    /// Starts a server with two accounts on an empty directory.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start_with(options: ServerOptions) -> Self {
        let scratch = Scratch::new();
        let server = Self::launch(scratch, options);
        server.add_accounts();
        server
    }

    /// Starts a process on an empty directory; it may be one of several, and has no accounts of its own.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start_process(options: ServerOptions) -> Self {
        Self::launch(Scratch::new(), options)
    }

    fn launch(scratch: Scratch, options: ServerOptions) -> Self {
        let mut server = Self {
            process: None,
            certificates: Certificates::make(&scratch),
            scratch,
            options,
            access: None,
            starts: 0,
        };
        server.restart();
        server
    }

    /// Returns how to reach it.
    ///
    /// # Panics
    /// When it is a process that mail programs cannot connect to.
    #[must_use]
    pub fn access(&self) -> &Access {
        self.access
            .as_ref()
            .expect("a process that mail programs connect to")
    }

    /// Returns where its data lies.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.options
            .data
            .clone()
            .unwrap_or_else(|| self.scratch.join("data"))
    }

    /// Returns what it has written since its last start.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.as_ref().map(Process::output).unwrap_or_default()
    }

    /// Says whether it has been started and not ended.
    pub fn runs(&mut self) -> bool {
        self.process
            .as_mut()
            .is_some_and(|process| process.exited().is_none())
    }

    /// Changes what it is started with the next time.
    pub fn reconfigure(&mut self, change: impl FnOnce(ServerOptions) -> ServerOptions) {
        self.options = change(std::mem::take(&mut self.options));
    }

    /// Waits until it has ended by itself, and returns how.
    ///
    /// # Panics
    /// When it does not.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut().map(Process::wait)
    }

    /// Kills it as `kill -9` does.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Sends it a signal.
    pub fn signal(&mut self, signal: Signal) {
        if let Some(process) = &mut self.process {
            process.signal(signal);
        }
    }

    /// Asks it to end and returns how it did.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        self.signal(Signal::TERM);
        self.process.take().map(|mut process| process.wait())
    }

    /// Starts it again on the same directory.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn restart(&mut self) {
        if let Err(output) = self.try_restart() {
            fail(&format!("the server does not start:\n{output}"));
        }
    }

    /// Starts it again on the same directory, or returns what it wrote before it gave up.
    ///
    /// # Errors
    /// When it ends instead of serving.
    ///
    /// # Panics
    /// When it neither serves nor ends.
    pub fn try_restart(&mut self) -> Result<(), String> {
        self.kill();
        self.starts += 1;
        let log = self.scratch.join(&format!("server-{}.log", self.starts));
        let config = self.write_config();
        let mut command = Command::new(binary::path());
        command.arg("serve").arg("--config").arg(config);
        command.envs(self.options.variables.iter().cloned());
        let mut process = match &self.options.place {
            Some(place) => place.within(|| Process::start(&mut command, &log)),
            None => Process::start(&mut command, &log),
        };
        let up = wait::until("the server to serve or to end", || {
            match announced(&process.output()) {
                Some(addresses) => Some(Ok(addresses)),
                None => process.exited().map(Err),
            }
        });
        let Ok(addresses) = up else {
            return Err(process.output());
        };
        self.process = Some(process);
        if let Some(addresses) = addresses {
            self.options.pin(&addresses);
            self.access = Some(self.access_at(addresses));
        }
        Ok(())
    }

    /// Runs the administration command with these arguments against it.
    ///
    /// # Panics
    /// When the command hangs.
    #[must_use]
    pub fn administer(&self, arguments: &[&str], input: &str) -> Ended {
        Program::new(binary::path())
            .arguments(["--config".as_ref(), self.config_path().as_os_str()])
            .arguments(arguments)
            .input(input)
            .run()
    }

    fn access_at(&self, addresses: Addresses) -> Access {
        Access {
            imap: addresses.imap,
            imaps: addresses.imaps,
            lmtp: addresses.lmtp,
            user: ACCOUNTS[0].to_owned(),
            other_user: ACCOUNTS[1].to_owned(),
            password: PASSWORD.to_owned(),
            certificates: self.certificates.clone(),
        }
    }

    fn config_path(&self) -> PathBuf {
        self.scratch.join("facteur.toml")
    }

    fn write_config(&self) -> PathBuf {
        let text = self.options.config(&self.data(), &self.certificates);
        self.scratch.file("facteur.toml", text)
    }
}

/// Addresses that a server said it listens on.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// IMAP with STARTTLS.
    pub imap: SocketAddr,
    /// IMAP over TLS.
    pub imaps: SocketAddr,
    /// Delivery.
    pub lmtp: SocketAddr,
}

/// Reads where it can be reached out of the line that the server logs when it is ready; a process that only stores
/// has no such place.
fn announced(output: &str) -> Option<Option<Addresses>> {
    let line = output.lines().find(|line| line.contains(" serving "))?;
    let addresses = || {
        Some(Addresses {
            imap: address(line, " imap: [")?,
            imaps: address(line, " imaps: [")?,
            lmtp: address(line, " lmtp: [")?,
        })
    };
    Some(addresses())
}

fn address(line: &str, name: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(name)?;
    rest.split([',', ']']).next()?.parse().ok()
}

/// Returns a path as the text that goes into settings.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
