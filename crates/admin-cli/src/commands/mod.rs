//! The commands, one file a subject: each calls the service and shows the answer.

pub(crate) mod account;
pub(crate) mod cluster;
pub(crate) mod group;
pub(crate) mod layout;
pub(crate) mod mailbox;
pub(crate) mod node;
pub(crate) mod quota;
pub(crate) mod session;
pub(crate) mod status;

use mailstore::ports::AccountSelector;
use serde_json::{Map, Value};

use crate::arguments::Format;
use crate::console::Console;
use crate::error::CliError;
use crate::json;

/// Tells that a change was made: a sentence for people, an object without members for programs.
fn confirm(format: Format, console: &mut Console<'_>, sentence: &str) -> Result<(), CliError> {
    match format {
        Format::Table => writeln!(console.output, "{sentence}")?,
        Format::Json => json::write_value(console.output, &Value::Object(Map::new()))?,
    }
    Ok(())
}

/// Returns the account as it was named.
fn named(account: &AccountSelector) -> String {
    match account {
        AccountSelector::Address(address) => address.to_string(),
        AccountSelector::Id(id) => id.to_string(),
    }
}
