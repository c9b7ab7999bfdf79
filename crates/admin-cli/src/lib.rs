//! The administrator's commands: `facteur account`, `mailbox`, `quota`, `status`, `session`, `cluster`, `node`,
//! `group` and `layout`.
//!
//! [`AdminCommand`] is the command line, to be flattened into a program's own; [`run()`] carries a command
//! out over the administration service and tells by an [`Exit`] how it went. Answers are tables for
//! people or JSON for programs, written to the [`Console`] that the caller hands over.
//!
//! ```no_run
//! use admin_cli::{AdminCommand, Console, TerminalPrompt};
//! use clap::Parser;
//!
//! #[derive(Parser)]
//! enum Program {
//!     /// Other commands of the program stand beside these.
//!     #[command(flatten)]
//!     Admin(AdminCommand),
//! }
//!
//! async fn run() -> std::process::ExitCode {
//!     let Program::Admin(command) = match Program::try_parse() {
//!         Ok(program) => program,
//!         Err(error) => return admin_cli::usage_exit(&error).into(),
//!     };
//!     let mut console = Console {
//!         input: &mut std::io::stdin().lock(),
//!         output: &mut std::io::stdout().lock(),
//!         errors: &mut std::io::stderr().lock(),
//!         prompt: &mut TerminalPrompt,
//!         bars: std::io::IsTerminal::is_terminal(&std::io::stderr()),
//!     };
//!     let socket = std::path::Path::new("admin.sock");
//!     admin_cli::run(&command, socket, &mut console).await.into()
//! }
//! ```
//!
//! The crate deliberately knows no settings and no storage: it calls
//! [`Administration`](mailstore::ports::Administration) and [`ClusterService`] and nothing else. Start reading at `run.rs`, then
//! `commands/account.rs`.
#![deny(missing_docs)]

mod arguments;
mod cluster_arguments;
mod cluster_service;
mod commands;
mod completions;
mod connection;
mod console;
mod error;
mod json;
mod password;
mod progress;
mod run;
mod size;
mod snapshot;
mod table;
mod views;

pub use arguments::{AdminCommand, CommonArguments, Format};
pub use cluster_service::{ClusterService, Services};
pub use completions::{CompletionsArguments, write_completions};
pub use connection::{Clients, ConnectionArguments};
pub use console::{Console, PasswordPrompt};
pub use error::{CliError, ErrorKind, Exit};
pub use password::TerminalPrompt;
pub use run::{execute, run, usage_exit};
