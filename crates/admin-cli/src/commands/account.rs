//! `facteur account`.

use std::time::Duration;

use futures::StreamExt;
use mailstore::StoreError;
use mailstore::account::QuotaLimits;
use mailstore::address::Address;
use mailstore::ports::{AccountAdd, AccountSelector, Administration, BoxStream};
use mailstore::query::AccountInfo;
use serde_json::json;

use super::quota::{changed, write_quota_cells};
use super::{confirm, named};
use crate::arguments::{AccountCommand, Format, LimitArguments, SecretArguments};
use crate::console::Console;
use crate::error::CliError;
use crate::json::{self, ArrayWriter};
use crate::password;
use crate::table::{Align, Column, TableWriter, write_fields};
use crate::views::{AccountView, time};

const COLUMNS: [Column; 9] = [
    ("ADDRESS", Align::Left),
    ("STATE", Align::Left),
    ("STORAGE", Align::Right),
    ("LIMIT", Align::Right),
    ("MESSAGES", Align::Right),
    ("LIMIT", Align::Right),
    ("MAILBOXES", Align::Right),
    ("CREATED", Align::Left),
    ("ID", Align::Left),
];

pub(crate) async fn run(
    command: &AccountCommand,
    format: Format,
    service: &dyn Administration,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        AccountCommand::Add {
            address,
            secret,
            limits,
        } => {
            let account = new_account(address, secret, limits, console)?;
            add(account, format, service, console).await
        }
        AccountCommand::List => list(format, service, console).await,
        AccountCommand::Show(argument) => {
            let info = service.account_show(&argument.account).await?;
            show(&AccountView::from(&info), format, console)
        }
        AccountCommand::Passwd { account, secret } => {
            let secret = password::secret(secret, console)?;
            service.account_set_secret(&account.account, secret).await?;
            let name = named(&account.account);
            confirm(format, console, &format!("Changed the password of {name}."))
        }
        AccountCommand::Suspend(argument) => {
            suspend(&argument.account, true, format, (service, console)).await
        }
        AccountCommand::Resume(argument) => {
            suspend(&argument.account, false, format, (service, console)).await
        }
        AccountCommand::Rename { account, address } => {
            service.account_rename(&account.account, address.clone()).await?;
            let name = named(&account.account);
            confirm(format, console, &format!("Renamed {name} to {address}."))
        }
        AccountCommand::Remove { account, keep } => {
            remove(&account.account, *keep, format, (service, console)).await
        }
        AccountCommand::Restore(argument) => {
            service.account_restore(&argument.account).await?;
            let name = named(&argument.account);
            confirm(format, console, &format!("Restored {name}."))
        }
    }
}

/// A service and where to tell what it answers.
type Way<'a, 'b, 'c> = (&'a dyn Administration, &'b mut Console<'c>);

fn new_account(
    address: &Address,
    secret: &SecretArguments,
    limits: &LimitArguments,
    console: &mut Console<'_>,
) -> Result<AccountAdd, CliError> {
    let given = limits.storage.is_some() || limits.messages.is_some();
    Ok(AccountAdd {
        address: address.clone(),
        secret: password::secret(secret, console)?,
        limits: given.then(|| changed(QuotaLimits::default(), limits)),
    })
}

async fn add(
    account: AccountAdd,
    format: Format,
    service: &dyn Administration,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let address = account.address.clone();
    let id = service.account_add(account).await?;
    match format {
        Format::Table => writeln!(console.output, "Added {address} as {id}.")?,
        Format::Json => {
            let value = json!({ "id": id.to_string(), "address": address.as_str() });
            json::write_value(console.output, &value)?;
        }
    }
    Ok(())
}

/// Shows accounts as they come, since there may be millions.
async fn list(
    format: Format,
    service: &dyn Administration,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    let accounts = service.account_list().await?;
    match format {
        Format::Table => list_table(accounts, console).await,
        Format::Json => list_array(accounts, console).await,
    }
}

type Accounts = BoxStream<Result<AccountInfo, StoreError>>;

async fn list_table(mut accounts: Accounts, console: &mut Console<'_>) -> Result<(), CliError> {
    let mut table = TableWriter::begin(console.output, COLUMNS);
    let mut outcome = Ok(());
    while let Some(info) = accounts.next().await {
        match info {
            Ok(info) => table.push(row(AccountView::from(&info)))?,
            Err(error) => outcome = Err(error),
        }
    }
    // What came before a failure is worth showing.
    table.finish()?;
    Ok(outcome?)
}

async fn list_array(mut accounts: Accounts, console: &mut Console<'_>) -> Result<(), CliError> {
    let mut array = ArrayWriter::begin(console.output);
    while let Some(info) = accounts.next().await {
        match info {
            Ok(info) => array.push(&AccountView::from(&info))?,
            Err(error) => {
                array.abandon()?;
                return Err(error.into());
            }
        }
    }
    Ok(array.finish()?)
}

fn row(account: AccountView) -> [String; 9] {
    let [storage, storage_limit, messages, messages_limit] = write_quota_cells(&account.quota);
    [
        account.address,
        account.state.to_owned(),
        storage,
        storage_limit,
        messages,
        messages_limit,
        account.mailboxes.to_string(),
        account.created,
        account.id,
    ]
}

fn show(account: &AccountView, format: Format, console: &mut Console<'_>) -> Result<(), CliError> {
    if format == Format::Json {
        return Ok(json::write_value(console.output, account)?);
    }
    let [storage, storage_limit, messages, messages_limit] = write_quota_cells(&account.quota);
    let mut fields = vec![
        ("Address", account.address.clone()),
        ("Id", account.id.clone()),
        ("State", account.state.to_owned()),
    ];
    if let Some(purge_after) = &account.purge_after {
        fields.push(("Kept until", purge_after.clone()));
    }
    fields.extend([
        ("Storage", format!("{storage} (limit {storage_limit})")),
        ("Messages", format!("{messages} (limit {messages_limit})")),
        ("Mailboxes", account.mailboxes.to_string()),
        ("Created", account.created.clone()),
    ]);
    Ok(write_fields(console.output, &fields)?)
}

async fn suspend(
    account: &AccountSelector,
    suspended: bool,
    format: Format,
    (service, console): Way<'_, '_, '_>,
) -> Result<(), CliError> {
    service.account_suspend(account, suspended).await?;
    let done = if suspended { "Suspended" } else { "Resumed" };
    confirm(format, console, &format!("{done} {}.", named(account)))
}

async fn remove(
    account: &AccountSelector,
    keep: Option<Duration>,
    format: Format,
    (service, console): Way<'_, '_, '_>,
) -> Result<(), CliError> {
    let purge_after = time(service.account_remove(account, keep).await?);
    match format {
        Format::Table => {
            let name = named(account);
            writeln!(
                console.output,
                "Removed {name}; it can be restored until {purge_after}."
            )?;
        }
        Format::Json => json::write_value(console.output, &json!({ "purge_after": purge_after }))?,
    }
    Ok(())
}
