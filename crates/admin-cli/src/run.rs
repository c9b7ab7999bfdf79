//! The way of a command.

use std::io;
use std::path::Path;

use clap::error::ErrorKind as ClapErrorKind;

use crate::arguments::AdminCommand;
use crate::cluster_service::Services;
use crate::commands::{account, cluster, group, layout, mailbox, node, quota, session, status};
use crate::console::Console;
use crate::error::{CliError, Exit};

/// Connects, to `socket` when the command line does not say where to, and carries the command out. What
/// goes wrong is told in one line.
pub async fn run(command: &AdminCommand, socket: &Path, console: &mut Console<'_>) -> Exit {
    let outcome = async {
        let clients = command.common().connection.connect(socket).await?;
        execute(command, clients.services(), console).await
    };
    let outcome = outcome.await;
    report(outcome, console)
}

/// Carries the command out.
///
/// # Errors
/// When the service refuses it or fails, or the answer cannot be written.
pub async fn execute(
    command: &AdminCommand,
    services: Services<'_>,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let format = command.common().output;
    let (service, cluster) = (services.administration, services.cluster);
    match command {
        AdminCommand::Account(family) => account::run(&family.command, format, service, console).await?,
        AdminCommand::Mailbox(family) => mailbox::run(&family.command, format, service, console).await?,
        AdminCommand::Quota(family) => quota::run(&family.command, format, service, console).await?,
        AdminCommand::Session(family) => session::run(&family.command, format, service, console).await?,
        AdminCommand::Cluster(family) => cluster::run(&family.command, format, cluster, console).await?,
        AdminCommand::Node(family) => node::run(&family.command, format, cluster, console).await?,
        AdminCommand::Group(family) => group::run(&family.command, format, cluster, console).await?,
        AdminCommand::Layout(family) => layout::run(&family.command, format, cluster, console).await?,
        AdminCommand::Status(_) => status::run(format, service, console).await?,
    }
    Ok(console.output.flush()?)
}

fn report(outcome: Result<(), CliError>, console: &mut Console<'_>) -> Exit {
    match outcome {
        Ok(()) => Exit::Success,
        // Whoever reads the answer has enough of it, as `head` has.
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success,
        Err(error) => {
            // When even this cannot be written, the exit code must do.
            let _ = writeln!(console.errors, "facteur: {}", error.line());
            error.exit()
        }
    }
}

/// Returns the exit code for a command line that was not understood, or that asked for help.
#[must_use]
pub fn usage_exit(error: &clap::Error) -> Exit {
    match error.kind() {
        ClapErrorKind::DisplayHelp | ClapErrorKind::DisplayVersion => Exit::Success,
        _ => Exit::Usage,
    }
}

#[cfg(test)]
mod tests;
