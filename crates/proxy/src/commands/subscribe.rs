//! SUBSCRIBE and UNSUBSCRIBE (RFC 3501 §6.3.6, §6.3.7).

use imap_wire::types::MailboxName;
use mailstore::command::MailboxCommand;

use crate::answer::{Answer, CommandResult};
use crate::connection::Connection;
use crate::convert;

/// A name can be subscribed whether a mailbox of that name exists or not, so that a subscription
/// survives a mailbox that comes and goes (RFC 3501 §6.3.6).
pub(super) async fn subscribe(
    connection: &mut Connection,
    mailbox: &MailboxName,
    subscribed: bool,
) -> CommandResult {
    let name = convert::mailbox_name(mailbox)?;
    let command = MailboxCommand::Subscribe { name, subscribed };
    connection.store()?.change_mailboxes(command).await?;
    Ok(Answer::ok(if subscribed { "Subscribed" } else { "Unsubscribed" }))
}
