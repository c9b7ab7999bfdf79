//! `facteur account`, `mailbox`, `quota`, `session` and `status`: the commands of `admin-cli`, pointed at the server
//! that these settings describe.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use admin_cli::{AdminCommand, Console, TerminalPrompt};

use crate::arguments::SettingsArguments;
use crate::commands;
use crate::exit::{Exit, Failure, OrExit};

/// Carries the command out and returns the exit code.
///
/// # Errors
/// When the settings are wrong. What the service refuses is reported by the command itself.
pub fn run(arguments: &SettingsArguments, command: &AdminCommand) -> Result<ExitCode, Failure> {
    let settings = commands::load(arguments, None)?;
    let socket = settings
        .listen
        .admin_socket
        .unwrap_or_else(|| "admin.sock".into());
    let socket = settings.server.data_dir.join(socket);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.or_exit(Exit::Software, "runtime")?;
    let mut console = Console {
        input: &mut io::stdin().lock(),
        output: &mut io::stdout().lock(),
        errors: &mut io::stderr().lock(),
        prompt: &mut TerminalPrompt,
        bars: io::stderr().is_terminal(),
    };
    let exit = runtime.block_on(Box::pin(admin_cli::run(command, &socket, &mut console)));
    Ok(exit.into())
}
