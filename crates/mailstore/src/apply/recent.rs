//! `\Recent`.

use super::Stop;
use super::workspace::Workspace;
use crate::ids::{MailboxId, Uid};
use crate::reply::Reply;
use crate::uid_set::UidSet;

/// Takes the `\Recent` messages for one read-write session; no other gets them (RFC 3501 §2.3.2).
pub(super) fn claim(work: &mut Workspace<'_>, id: MailboxId, below: Option<Uid>) -> Result<Reply, Stop> {
    let mailbox = &work.mailbox(id)?.mailbox;
    let nothing = Ok(Reply::RecentClaimed { first: None });
    let Some(first) = mailbox.first_recent_uid.filter(|_| mailbox.recent > 0) else {
        return nothing;
    };
    let end = match (below, mailbox.uid_next) {
        (Some(below), Some(next)) => Some(below.min(next)),
        (below, next) => below.or(next),
    };
    if end.is_some_and(|end| end <= first) {
        return nothing;
    }
    let left = if end == mailbox.uid_next {
        0
    } else {
        let rest = end.map_or_else(UidSet::new, |end| UidSet::range(end, Uid::MAX));
        u32::try_from(work.select(id, &rest)?.len()).unwrap_or(u32::MAX)
    };
    let mailbox = &mut work.mailbox_mut(id)?.mailbox;
    mailbox.first_recent_uid = end;
    mailbox.recent = left;
    Ok(Reply::RecentClaimed { first: Some(first) })
}
