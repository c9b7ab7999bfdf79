//! DELETE (RFC 3501 §6.3.4).

use imap_wire::types::MailboxName;
use mailstore::command::MailboxCommand;

use crate::answer::{Answer, CommandResult};
use crate::connection::Connection;
use crate::convert;

/// Deletes a mailbox. Where the session has it selected it is no longer selected afterwards: there is
/// nothing left that its numbers could mean.
pub(super) async fn delete(connection: &mut Connection, mailbox: &MailboxName) -> CommandResult {
    let name = convert::mailbox_name(mailbox)?;
    let selected = connection
        .session
        .selected()
        .is_some_and(|selected| selected.name == name);
    let command = MailboxCommand::Delete { name };
    connection.store()?.change_mailboxes(command).await?;
    if selected {
        connection.login_mut()?.selected = None;
    }
    Ok(Answer::ok("Deleted"))
}
