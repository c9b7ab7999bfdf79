//! COPY (RFC 3501 §6.4.7) and MOVE (RFC 6851), with COPYUID (RFC 4315 §3).

use imap_wire::command::CopyOrMove;
use imap_wire::response::{Condition, ResponseCode, Status};
use mailstore::command::MessageCommand;
use mailstore::reply::Copied;
use mailstore::{MailboxId, Rejection, Reply, StoreError, UidSet};

use super::message_set;
use crate::answer::{Answer, Code, CommandResult, Failure};
use crate::connection::Connection;
use crate::convert;
use crate::session::selected::Expunges;
use crate::status;

pub(super) async fn copy(connection: &mut Connection, copy: CopyOrMove) -> CommandResult {
    let (mailbox, uids, target) = arguments(connection, &copy)?;
    let command = MessageCommand::Copy {
        mailbox,
        uids,
        target,
    };
    let copied = submit(connection, command).await?;
    let answer = Answer::ok("Copied");
    Ok(match copied {
        copied if copied.uids.is_empty() => answer,
        copied => answer.with(copy_uid(&copied)),
    })
}

/// Moves messages by one atomic change. COPYUID comes untagged before the messages are told as gone
/// (RFC 6851 §4.3).
pub(super) async fn move_messages(connection: &mut Connection, copy: CopyOrMove) -> CommandResult {
    connection.writable()?;
    let (mailbox, uids, target) = arguments(connection, &copy)?;
    let command = MessageCommand::Move {
        mailbox,
        uids,
        target,
    };
    let moved = submit(connection, command).await?;
    if !moved.uids.is_empty() {
        let (from, to) = (ranges(&moved.source), ranges(&moved.uids));
        let status = Status {
            tag: None,
            condition: Condition::Ok,
            code: Some(ResponseCode::CopyUid(
                convert::wire_uid_validity(moved.uid_validity),
                &from,
                &to,
            )),
            text: "Moved",
        };
        status.encode(connection.out());
    }
    connection.sync(Expunges::Told).await?;
    let answer = Answer::ok("Moved");
    if !connection.session.enabled.qresync {
        return Ok(answer);
    }
    // RFC 7162 §3.2.10.2 and RFC 6851 §4.4: as for EXPUNGE.
    let highest = convert::wire_modseq(connection.selected()?.complete_modseq());
    Ok(answer.with_plain(ResponseCode::HighestModSeq(highest)))
}

fn arguments(
    connection: &Connection,
    copy: &CopyOrMove,
) -> Result<(MailboxId, UidSet, mailstore::name::MailboxName), Failure> {
    let target = convert::mailbox_name(&copy.mailbox)?;
    let uids = message_set::resolve(connection.login()?, &copy.set, copy.addressing.into())?;
    Ok((connection.selected()?.mailbox, uids, target))
}

/// A target that is missing may be created (RFC 3501 §6.4.7); of a source that is gone the client is told as
/// by every other command.
async fn submit(connection: &mut Connection, command: MessageCommand) -> Result<Copied, Failure> {
    let store = connection.store()?;
    match store.change_messages(command).await {
        Ok(Reply::Copied(copied)) => Ok(copied),
        Ok(_) => Err(super::unexpected_reply()),
        Err(error) => {
            if matches!(error, StoreError::Rejected(Rejection::NoSuchMailbox)) {
                connection.sync(Expunges::Held).await?;
            }
            Err(status::for_target(error))
        }
    }
}

fn copy_uid(copied: &Copied) -> Code {
    let validity = convert::wire_uid_validity(copied.uid_validity);
    Code::CopyUid(validity, ranges(&copied.source), ranges(&copied.uids))
}

fn ranges(uids: &UidSet) -> Vec<imap_wire::response::NumberRange> {
    convert::wire_ranges(uids).collect()
}
