//! A program that is run to its end.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::wait;

/// A program with its arguments, as in `Program::new("curl").arguments(["-V"]).run()`.
#[derive(Debug)]
pub struct Program {
    command: Command,
    input: Vec<u8>,
}

/// How a program ended and what it wrote.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The command line, for messages.
    pub command: String,
    /// Its status.
    pub status: ExitStatus,
    /// Its standard output.
    pub output: Vec<u8>,
    /// Its standard error.
    pub errors: String,
}

impl Program {
    /// Names a program.
    #[must_use]
    pub fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(name);
        // Messages in one language, and no settings of whoever runs the tests.
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        Self {
            command,
            input: Vec::new(),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn arguments<T: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Gives it a home directory, in which it also runs.
    #[must_use]
    pub fn home(mut self, folder: &Path) -> Self {
        self.command.env("HOME", folder).current_dir(folder);
        self
    }

    /// Gives it something to read.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Runs it to its end, whatever that is.
    ///
    /// # Panics
    /// When it is not installed, or does not end.
    pub fn run(mut self) -> Ended {
        let command = format!("{:?}", self.command);
        let mut child = self.start();
        let writer = feed(&mut child, std::mem::take(&mut self.input));
        let output = collect(child.stdout.take());
        let errors = collect(child.stderr.take());
        let status = wait::within(wait::LIMIT, || child.try_wait().expect("the state of a child"));
        if status.is_none() {
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        }
        drop(writer.join());
        let output = output.join().unwrap_or_default();
        let errors = String::from_utf8_lossy(&errors.join().unwrap_or_default()).into_owned();
        assert!(
            status.is_some(),
            "{command} hangs\n{}\n{errors}",
            String::from_utf8_lossy(&output)
        );
        Ended {
            command,
            status: status.expect("invariant: asserted above"),
            output,
            errors,
        }
    }

    /// Runs it to its end and returns its output.
    ///
    /// # Panics
    /// When it is not installed, does not end, or reports failure.
    pub fn succeed(self) -> String {
        let ended = self.run();
        assert!(ended.status.success(), "{ended}");
        ended.text()
    }

    fn start(&mut self) -> Child {
        let child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn();
        let name = self.command.get_program().to_string_lossy();
        assert!(
            child.is_ok(),
            "cannot start {name}: {:?}; `bash .ci/install` brings what tests drive",
            child.as_ref().err()
        );
        child.expect("invariant: asserted above")
    }
}

impl Ended {
    /// Returns its output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} ended with {}\n--- output ---\n{}\n--- errors ---\n{}",
            self.command,
            self.status,
            self.text(),
            self.errors
        )
    }
}

fn feed(child: &mut Child, input: Vec<u8>) -> JoinHandle<()> {
    let pipe = child.stdin.take();
    std::thread::spawn(move || {
        // A program need not read what it is offered.
        if let Some(mut pipe) = pipe {
            drop(pipe.write_all(&input));
        }
    })
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            drop(pipe.read_to_end(&mut bytes));
        }
        bytes
    })
}
