//! How a process of the demo is started, by the demo and by hand.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::super::banner;
use super::member::Member;
use super::place::Place;
use crate::arguments::SettingsArguments;
use crate::exit::{Exit, Failure, OrExit};

/// What every process is started with.
pub struct Launch {
    program: PathBuf,
    lock_file: PathBuf,
    assignments: Vec<(String, String)>,
}

impl Launch {
    /// Starts processes with this program, and with the options that were given to it.
    ///
    /// # Errors
    /// When the program does not know where it lies.
    pub fn new(place: &Place, arguments: &SettingsArguments) -> Result<Self, Failure> {
        Ok(Self {
            program: std::env::current_exe().or_exit(Exit::Software, "path of this program")?,
            lock_file: place.lock_file(),
            assignments: arguments.assignments.clone(),
        })
    }

    /// Starts a process in a process group of its own: Ctrl-C in a terminal goes to the whole group, and the demo ends
    /// its processes one after another. It is killed when the value is dropped.
    ///
    /// # Errors
    /// When its log cannot be written or it cannot be started.
    pub fn start(&self, member: &Member) -> Result<Child, Failure> {
        let log = member.log_file();
        let (output, errors) = open_log(member).or_exit(Exit::CannotCreate, log.display())?;
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments(member))
            // The service manager is told by the process that it started.
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .kill_on_drop(true);
        command.spawn().or_exit(Exit::Software, member.name())
    }

    /// Returns the line that starts a process, for a shell.
    pub fn line(&self, member: &Member) -> String {
        let arguments = self.arguments(member);
        let words =
            std::iter::once(self.program.as_os_str()).chain(arguments.iter().map(OsString::as_os_str));
        words.map(banner::word).collect::<Vec<_>>().join(" ")
    }

    fn arguments(&self, member: &Member) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![
            "serve".into(),
            "--config".into(),
            member.settings_file().into(),
            "--data-dir".into(),
            member.directory.clone().into(),
            "--while-locked".into(),
            self.lock_file.clone().into(),
        ];
        for (key, value) in &self.assignments {
            arguments.push("--set".into());
            arguments.push(format!("{key}={value}").into());
        }
        arguments
    }
}

fn open_log(member: &Member) -> io::Result<(File, File)> {
    let mut options = File::options();
    let log = options
        .create(true)
        .append(true)
        .mode(0o600)
        .open(member.log_file())?;
    Ok((log.try_clone()?, log))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::member::Part;
    use super::*;

    #[test]
    fn the_line_of_a_process_can_be_pasted_into_a_shell() {
        let launch = Launch {
            program: "/usr/bin/facteur".into(),
            lock_file: "/srv/it's here/LOCK".into(),
            assignments: vec![("log.level".to_owned(), "debug".to_owned())],
        };
        let proxies = Member::list(Part::Proxy, 1, Path::new("/srv/it's here"));
        assert_eq!(
            launch.line(&proxies[0]),
            r"/usr/bin/facteur serve --config '/srv/it'\''s here/proxy-1/facteur.toml' --data-dir '/srv/it'\''s here/proxy-1' --while-locked '/srv/it'\''s here/LOCK' --set log.level=debug"
        );
    }
}
