//! `facteur mailbox`.

use mailstore::mailbox::SpecialUse;
use mailstore::name::MailboxName;
use mailstore::ports::{AccountSelector, Administration};
use mailstore::query::MailboxTree;
use serde_json::json;

use super::{confirm, named};
use crate::arguments::{Format, MailboxCommand};
use crate::console::Console;
use crate::error::CliError;
use crate::json::{self, ArrayWriter};
use crate::size::human;
use crate::table::{Align, Column, TableWriter};
use crate::views::MailboxView;

const COLUMNS: [Column; 6] = [
    ("NAME", Align::Left),
    ("MESSAGES", Align::Right),
    ("UNSEEN", Align::Right),
    ("SIZE", Align::Right),
    ("SUBSCRIBED", Align::Left),
    ("SPECIAL USE", Align::Left),
];

pub(crate) async fn run(
    command: &MailboxCommand,
    format: Format,
    service: &dyn Administration,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        MailboxCommand::List(argument) => {
            let tree = service.mailbox_list(&argument.account).await?;
            list(&tree, format, console)
        }
        MailboxCommand::Create {
            account,
            name,
            special_use,
        } => {
            let uses = special_use.iter().map(|name| name.special_use());
            let uses = SpecialUse(uses.fold(0, |bits, special_use| bits | special_use.0));
            create((&account.account, name, uses), format, service, console).await
        }
        MailboxCommand::Delete { account, name } => {
            service.mailbox_delete(&account.account, name.clone()).await?;
            let owner = named(&account.account);
            confirm(format, console, &format!("Deleted {name} of {owner}."))
        }
    }
}

fn list(tree: &MailboxTree, format: Format, console: &mut Console<'_>) -> Result<(), CliError> {
    let views = tree.entries.iter().map(MailboxView::from);
    match format {
        Format::Table => {
            let mut table = TableWriter::begin(console.output, COLUMNS);
            for view in views {
                table.push(row(view))?;
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

/// A name that is only subscribed has no numbers.
fn row(mailbox: MailboxView) -> [String; 6] {
    let counted = |text: String| mailbox.id.map_or_else(|| "-".to_owned(), |_| text);
    [
        mailbox.name.clone(),
        counted(mailbox.messages.to_string()),
        counted(mailbox.unseen.to_string()),
        counted(human(mailbox.size_bytes)),
        if mailbox.subscribed { "yes" } else { "no" }.to_owned(),
        mailbox.special_use.join(", "),
    ]
}

async fn create(
    (account, name, uses): (&AccountSelector, &MailboxName, SpecialUse),
    format: Format,
    service: &dyn Administration,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let id = service.mailbox_create(account, name.clone(), uses).await?;
    match format {
        Format::Table => writeln!(console.output, "Created {name} for {}.", named(account))?,
        Format::Json => {
            let value = json!({ "id": id.0, "name": name.as_str() });
            json::write_value(console.output, &value)?;
        }
    }
    Ok(())
}
