//! CREATE (RFC 3501 §6.3.3), with special uses (RFC 6154 §3).

use imap_wire::types::{MailboxName, SpecialUse};
use mailstore::Reply;
use mailstore::command::MailboxCommand;

use crate::answer::{Answer, Code, CommandResult};
use crate::connection::Connection;
use crate::convert;

pub(super) async fn create(
    connection: &mut Connection,
    mailbox: &MailboxName,
    special_uses: &[SpecialUse],
) -> CommandResult {
    let command = MailboxCommand::Create {
        name: convert::mailbox_name(mailbox)?,
        special_use: convert::special_use(special_uses),
    };
    let answer = Answer::ok("Created");
    match connection.store()?.change_mailboxes(command).await? {
        // RFC 8474 §4.2.
        Reply::Created { mailbox } => Ok(answer.with(Code::MailboxId(convert::mailbox_id(mailbox)))),
        _ => Ok(answer),
    }
}
