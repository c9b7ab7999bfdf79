//! Command lines with their whole output and exit codes, in `cases/`.
//!
//! A case is `$ command line`, then `<` a line of standard input or `?` a line typed when asked, then
//! what is written, lines of the error stream behind `! `, and the exit code in brackets unless it is 0.
//! The cases of a file share one service. `BLESS=1` rewrites them.

#[path = "fake.rs"]
mod fake;
#[path = "fake_cluster.rs"]
mod fake_cluster;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use clap::{CommandFactory, Parser};

use self::fake::Fake;
use self::fake_cluster::FakeCluster;
use super::{execute, report, run, usage_exit};
use crate::arguments::AdminCommand;
use crate::cluster_service::Services;
use crate::completions::{CompletionsArguments, write_completions};
use crate::console::{Console, PasswordPrompt};
use crate::error::Exit;

#[derive(Parser)]
#[command(name = "facteur")]
struct Program {
    #[command(subcommand)]
    command: AdminCommand,
}

/// A person who types what is prepared.
struct Typist(VecDeque<String>);

impl PasswordPrompt for Typist {
    fn ask(&mut self, _: &str) -> io::Result<String> {
        self.0
            .pop_front()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no terminal"))
    }

    fn ask_openly(&mut self, question: &str) -> io::Result<String> {
        self.ask(question)
    }
}

#[derive(Default)]
struct Case {
    command: String,
    input: Vec<String>,
    typed: Vec<String>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            cases.push(Case {
                command: command.to_owned(),
                ..Case::default()
            });
        }
        let Some(case) = cases.last_mut() else { continue };
        if let Some(input) = line.strip_prefix("< ") {
            case.input.push(input.to_owned());
        } else if let Some(typed) = line.strip_prefix("? ") {
            case.typed.push(typed.to_owned());
        }
    }
    cases
}

/// Carries a case out and returns it with what was written.
async fn played(case: &Case, services: Services<'_>) -> String {
    let words = std::iter::once("facteur").chain(case.command.split(' '));
    let mut text = format!("$ {}\n", case.command);
    for line in &case.input {
        writeln!(text, "< {line}").expect("memory");
    }
    for line in &case.typed {
        writeln!(text, "? {line}").expect("memory");
    }
    let program = match Program::try_parse_from(words) {
        Ok(program) => program,
        Err(error) => {
            let first = error.to_string().lines().next().unwrap_or_default().to_owned();
            writeln!(text, "! {first}\n[{}]", usage_exit(&error) as u8).expect("memory");
            return text;
        }
    };
    let input = case.input.join("\n");
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut console = Console {
        input: &mut input.as_bytes(),
        output: &mut output,
        errors: &mut errors,
        prompt: &mut Typist(case.typed.clone().into()),
        bars: false,
    };
    let outcome = execute(&program.command, services, &mut console).await;
    let exit = report(outcome, &mut console);
    text.push_str(&String::from_utf8(output).expect("text"));
    for line in String::from_utf8(errors).expect("text").lines() {
        writeln!(text, "! {line}").expect("memory");
    }
    if exit != Exit::Success {
        writeln!(text, "[{}]", exit as u8).expect("memory");
    }
    text
}

async fn check(name: &str) -> Fake {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/run/cases/{name}.txt"));
    let expected = std::fs::read_to_string(&path).expect("the cases");
    let (service, cluster) = (Fake::default(), FakeCluster::default());
    let services = Services {
        administration: &service,
        cluster: &cluster,
    };
    let mut texts = Vec::new();
    for case in cases(&expected) {
        texts.push(played(&case, services).await);
    }
    let actual = texts.join("\n");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &actual).expect("writable");
    } else {
        assert_eq!(actual, expected, "{name}");
    }
    service
}

#[tokio::test]
async fn accounts() {
    let service = check("account").await;
    assert_eq!(
        service.secrets(),
        [
            "password from standard input",
            "password typed twice",
            "hash $6$salt$hash"
        ]
    );
}

#[tokio::test]
async fn a_list_that_breaks_off() {
    check("broken_list").await;
}

#[tokio::test]
async fn mailboxes() {
    check("mailbox").await;
}

#[tokio::test]
async fn quota() {
    check("quota").await;
}

#[tokio::test]
async fn sessions_and_status() {
    check("session").await;
}

#[tokio::test(start_paused = true)]
async fn clusters() {
    check("cluster").await;
}

#[tokio::test(start_paused = true)]
async fn nodes() {
    check("node").await;
}

#[tokio::test(start_paused = true)]
async fn groups_and_layout() {
    check("layout").await;
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable() {
    let program = Program::try_parse_from(["facteur", "status"]).expect("a command");
    let mut errors = Vec::new();
    let mut console = Console {
        input: &mut io::empty(),
        output: &mut io::sink(),
        errors: &mut errors,
        prompt: &mut Typist(VecDeque::new()),
        bars: false,
    };
    let exit = run(
        &program.command,
        Path::new("/nonexistent/admin.sock"),
        &mut console,
    )
    .await;
    assert_eq!(exit, Exit::Unavailable);
    let errors = String::from_utf8(errors).expect("text");
    assert!(
        errors.starts_with("facteur: cannot connect to the administration service: socket: No such file"),
        "{errors}"
    );
    assert_eq!(errors.lines().count(), 1);
}

#[tokio::test]
async fn a_server_needs_certificate_files() {
    let words = ["facteur", "status", "--server", "mail.example.org:1"];
    let program = Program::try_parse_from(words).expect("a command");
    let connection = &program.command.common().connection;
    let error = connection
        .connect(Path::new("unused"))
        .await
        .err()
        .expect("an error");
    assert_eq!(error.exit(), Exit::Usage);
}

/// A reader that went away, as `head` does, is no failure; a full disk is.
#[tokio::test]
async fn output_that_cannot_be_written() {
    struct Broken(io::ErrorKind);
    impl io::Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for (kind, expected) in [
        (io::ErrorKind::BrokenPipe, Exit::Success),
        (io::ErrorKind::StorageFull, Exit::InputOutput),
    ] {
        for format in ["table", "json"] {
            let program = Program::try_parse_from(["facteur", "status", "-o", format]).expect("a command");
            let mut console = Console {
                input: &mut io::empty(),
                output: &mut Broken(kind),
                errors: &mut io::sink(),
                prompt: &mut Typist(VecDeque::new()),
                bars: false,
            };
            let services = Services {
                administration: &Fake::default(),
                cluster: &FakeCluster::default(),
            };
            let outcome = execute(&program.command, services, &mut console).await;
            assert_eq!(report(outcome, &mut console), expected, "{kind} {format}");
        }
    }
}

#[test]
fn the_command_line_is_consistent() {
    Program::command().debug_assert();
}

#[test]
fn completions_know_the_commands() {
    for shell in [
        clap_complete::Shell::Bash,
        clap_complete::Shell::Zsh,
        clap_complete::Shell::Fish,
    ] {
        let mut output = Vec::new();
        let arguments = CompletionsArguments { shell };
        write_completions(&arguments, &mut Program::command(), &mut output).expect("memory");
        let text = String::from_utf8(output).expect("text");
        assert!(
            text.contains("passwd") && text.contains("password-stdin"),
            "{shell}"
        );
    }
}
