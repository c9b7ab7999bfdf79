//! `facteur session`.

use mailstore::SessionId;
use mailstore::ports::{AccountSelector, Administration, SessionInfo};
use serde_json::json;

use super::named;
use crate::arguments::{Format, SessionCommand};
use crate::console::Console;
use crate::error::CliError;
use crate::json::{self, ArrayWriter};
use crate::table::{Align, Column, TableWriter};
use crate::views::SessionView;

const COLUMNS: [Column; 6] = [
    ("ADDRESS", Align::Left),
    ("PROTOCOL", Align::Left),
    ("FROM", Align::Left),
    ("PROXY", Align::Left),
    ("SINCE", Align::Left),
    ("ID", Align::Left),
];

pub(crate) async fn run(
    command: &SessionCommand,
    format: Format,
    service: &dyn Administration,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        SessionCommand::List { account } => {
            let sessions = service.session_list(account.as_ref()).await?;
            list(&sessions, format, console)
        }
        SessionCommand::Kick { account, session } => {
            kick((&account.account, *session), format, service, console).await
        }
    }
}

fn list(sessions: &[SessionInfo], format: Format, console: &mut Console<'_>) -> Result<(), CliError> {
    let views = sessions.iter().map(SessionView::from);
    match format {
        Format::Table => {
            let mut table = TableWriter::begin(console.output, COLUMNS);
            for view in views {
                table.push([
                    view.address,
                    view.protocol,
                    view.peer,
                    view.proxy,
                    view.since,
                    view.id,
                ])?;
            }
            table.finish()?;
        }
        Format::Json => {
            let mut array = ArrayWriter::begin(console.output);
            for view in views {
                array.push(&view)?;
            }
            array.finish()?;
        }
    }
    Ok(())
}

async fn kick(
    (account, session): (&AccountSelector, Option<SessionId>),
    format: Format,
    service: &dyn Administration,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let ended = service.session_kick(account, session).await?;
    match format {
        Format::Table => {
            let sessions = if ended == 1 { "session" } else { "sessions" };
            writeln!(console.output, "Ended {ended} {sessions} of {}.", named(account))?;
        }
        Format::Json => json::write_value(console.output, &json!({ "ended": ended }))?,
    }
    Ok(())
}
