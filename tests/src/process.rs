//! A process that runs while a test does.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::{log, wait};

/// A server that was started; it is killed with its children when the value goes.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program in a process group of its own. Both its outputs are appended to a file.
    ///
    /// # Panics
    /// When it is not installed or the file cannot be written.
    #[must_use]
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let output = File::options().create(true).append(true).open(log);
        let output = output.expect("a file for the output");
        let errors = output.try_clone().expect("a second handle of the file");
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn();
        assert!(
            child.is_ok(),
            "cannot start {name}: {:?}; `bash .ci/install` brings what tests drive",
            child.as_ref().err()
        );
        Self {
            name,
            child: child.expect("invariant: asserted above"),
            log: log.to_owned(),
        }
    }

    /// Returns what it has written so far.
    #[must_use]
    pub fn output(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns its number.
    ///
    /// # Panics
    /// Never: a child has a number.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal to it alone. One that has ended gets none.
    pub fn signal(&mut self, signal: Signal) {
        if self.exited().is_none() {
            let _ = kill_process(self.pid(), signal);
        }
    }

    /// Says how it ended, or nothing while it runs.
    ///
    /// # Panics
    /// When the machine does not know its own child.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the state of a child")
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end.
    pub fn wait(&mut self) -> ExitStatus {
        let name = self.name.clone();
        wait::until(&format!("the end of {name}"), || self.exited())
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The group outlives its leader while children run.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        drop(self.child.wait());
        if std::thread::panicking() {
            log::note(&format!(
                "--- output of {} ---\n{}",
                self.name,
                tail(&self.output())
            ));
        }
    }
}

/// Returns the last lines of an output.
fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let start = lines.len().saturating_sub(80);
    lines.get(start..).unwrap_or_default().join("\n")
}
