//! RENAME (RFC 3501 §6.3.5).

use imap_wire::types::MailboxName;
use mailstore::command::MailboxCommand;

use crate::answer::{Answer, CommandResult};
use crate::connection::Connection;
use crate::convert;

pub(super) async fn rename(
    connection: &mut Connection,
    from: &MailboxName,
    to: &MailboxName,
) -> CommandResult {
    let (from, to) = (convert::mailbox_name(from)?, convert::mailbox_name(to)?);
    let command = MailboxCommand::Rename {
        from: from.clone(),
        to: to.clone(),
    };
    connection.store()?.change_mailboxes(command).await?;
    // The selected mailbox keeps its id under its new name (RFC 8474 §4). INBOX does not move.
    if let Some(selected) = connection.session.selected_mut()
        && !from.is_inbox()
        && let Some(name) = selected.name.rebased(&from, &to)
    {
        selected.name = name;
    }
    Ok(Answer::ok("Renamed"))
}
