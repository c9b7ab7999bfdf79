//! EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1).

use imap_wire::response::ResponseCode;
use imap_wire::types::MessageSet;
use mailstore::Reply;
use mailstore::command::MessageCommand;

use super::message_set::{self, Numbering};
use crate::answer::{Answer, CommandResult};
use crate::connection::Connection;
use crate::convert;
use crate::session::selected::Expunges;

/// Removes messages with `\Deleted`: all of them, or those of a set of UIDs.
pub(super) async fn expunge(connection: &mut Connection, set: Option<&MessageSet>) -> CommandResult {
    let mailbox = connection.writable()?.mailbox;
    let uids = match set {
        Some(set) => Some(message_set::resolve(connection.login()?, set, Numbering::Uid)?),
        None => None,
    };
    let command = MessageCommand::Expunge { mailbox, uids };
    let Reply::Expunged(_) = connection.store()?.change_messages(command).await? else {
        return Err(super::unexpected_reply());
    };
    connection.sync(Expunges::Told).await?;
    let answer = Answer::ok("Expunged");
    if !connection.session.enabled.qresync {
        return Ok(answer);
    }
    // RFC 7162 §3.2.7, §3.2.9: everything up to this has been told just now.
    let highest = convert::wire_modseq(connection.selected()?.complete_modseq());
    Ok(answer.with_plain(ResponseCode::HighestModSeq(highest)))
}
