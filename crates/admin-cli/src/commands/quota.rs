//! `facteur quota`.

use mailstore::account::QuotaLimits;
use mailstore::ports::{AccountSelector, Administration};

use super::{confirm, named};
use crate::arguments::{Format, LimitArguments, QuotaCommand};
use crate::console::Console;
use crate::error::CliError;
use crate::json;
use crate::size::human;
use crate::table::{Align, Column, TableWriter};
use crate::views::QuotaView;

const COLUMNS: [Column; 3] = [
    ("RESOURCE", Align::Left),
    ("USED", Align::Right),
    ("LIMIT", Align::Right),
];

pub(crate) async fn run(
    command: &QuotaCommand,
    format: Format,
    service: &dyn Administration,
    console: &mut Console<'_>,
) -> Result<(), CliError> {
    match command {
        QuotaCommand::Show(argument) => {
            let account = service.account_show(&argument.account).await?.account;
            show(&QuotaView::new(account.limits, account.usage), format, console)
        }
        QuotaCommand::Set { account, limits } => {
            set(&account.account, limits, service).await?;
            let name = named(&account.account);
            confirm(format, console, &format!("Changed the limits of {name}."))
        }
    }
}

fn show(quota: &QuotaView, format: Format, console: &mut Console<'_>) -> Result<(), CliError> {
    if format == Format::Json {
        return Ok(json::write_value(console.output, quota)?);
    }
    let [storage, storage_limit, messages, messages_limit] = write_quota_cells(quota);
    let mut table = TableWriter::begin(console.output, COLUMNS);
    table.push(["storage".to_owned(), storage, storage_limit])?;
    table.push(["messages".to_owned(), messages, messages_limit])?;
    Ok(table.finish()?)
}

async fn set(
    account: &AccountSelector,
    limits: &LimitArguments,
    service: &dyn Administration,
) -> Result<(), CliError> {
    let before = match (limits.storage, limits.messages) {
        (None, None) => return Err(CliError::NothingToSet),
        (Some(_), Some(_)) => QuotaLimits::default(),
        (Some(_), None) | (None, Some(_)) => service.account_show(account).await?.account.limits,
    };
    service
        .account_set_limits(account, changed(before, limits))
        .await?;
    Ok(())
}

/// Returns the limits with those replaced that were given.
pub(super) fn changed(before: QuotaLimits, given: &LimitArguments) -> QuotaLimits {
    QuotaLimits {
        storage_bytes: given.storage.map_or(before.storage_bytes, |limit| limit.0),
        messages: given.messages.map_or(before.messages, |limit| limit.0),
    }
}

/// Returns storage used and its limit, messages and their limit.
pub(super) fn write_quota_cells(quota: &QuotaView) -> [String; 4] {
    let none = || "none".to_owned();
    [
        human(quota.storage_bytes),
        quota.storage_bytes_limit.map_or_else(none, human),
        quota.messages.to_string(),
        quota.messages_limit.map_or_else(none, |limit| limit.to_string()),
    ]
}
