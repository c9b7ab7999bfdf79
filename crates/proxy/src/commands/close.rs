//! CLOSE (RFC 3501 §6.4.2) and UNSELECT (RFC 3691).

use mailstore::Reply;
use mailstore::command::MessageCommand;

use crate::answer::{Answer, CommandResult};
use crate::connection::Connection;

/// Removes messages with `\Deleted` without telling of it, and leaves the mailbox.
pub(super) async fn close(connection: &mut Connection) -> CommandResult {
    let selected = connection.selected()?;
    if selected.is_read_write() {
        let command = MessageCommand::Expunge {
            mailbox: selected.mailbox,
            uids: None,
        };
        // RFC 7162 §3.2.8 would let us tell HIGHESTMODSEQ. It could cover expunges of other sessions
        // that this one was not told of, and is left out.
        let Reply::Expunged(_) = connection.store()?.change_messages(command).await? else {
            return Err(super::unexpected_reply());
        };
    }
    connection.login_mut()?.selected = None;
    Ok(Answer::ok("Closed"))
}

pub(super) fn unselect(connection: &mut Connection) -> CommandResult {
    connection.login_mut()?.selected = None;
    Ok(Answer::ok("Unselected"))
}
