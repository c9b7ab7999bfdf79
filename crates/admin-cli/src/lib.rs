//! The administrator's commands: `facteur account`, `mailbox`, `quota`, `status` and `session`.
//!
//! [`AdminCommand`] is the command line, to be flattened into a program's own; [`run`] carries a command
//! out over the administration service and tells by an [`Exit`] how it went. Answers are tables for
//! people or JSON for programs, written to the [`Console`] that the caller hands over.
//!
//! The crate deliberately knows no settings and no storage: it calls
//! [`Administration`](mailstore::ports::Administration) and nothing else. Start reading at `run.rs`, then
//! `commands/account.rs`.
#![deny(missing_docs)]

mod arguments;
mod commands;
mod completions;
mod connection;
mod console;
mod error;
mod json;
mod password;
mod run;
mod size;
mod table;
mod views;

pub use arguments::{AdminCommand, CommonArguments, Format};
pub use completions::{CompletionsArguments, write_completions};
pub use connection::ConnectionArguments;
pub use console::{Console, PasswordPrompt};
pub use error::{CliError, ErrorKind, Exit};
pub use password::TerminalPrompt;
pub use run::{execute, run, usage_exit};
