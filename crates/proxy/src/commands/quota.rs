//! GETQUOTA and GETQUOTAROOT (RFC 9208 §4.1).

use imap_wire::response::{self, QuotaResource, QuotaUsage, ResponseCode};
use imap_wire::types::MailboxName;
use mailstore::Rejection;
use mailstore::query::Quota;

use crate::answer::{Answer, CommandResult, Failure};
use crate::connection::Connection;
use crate::convert;

/// The one quota root, to which all mailboxes of an account belong.
const ROOT: &str = "";

pub(super) async fn get_quota(connection: &mut Connection, root: &[u8]) -> CommandResult {
    if root != ROOT.as_bytes() {
        return Ok(Answer::no(ResponseCode::NonExistent, "No such quota root"));
    }
    tell_quota(connection).await?;
    Ok(Answer::ok("Listed"))
}

pub(super) async fn get_quota_root(connection: &mut Connection, mailbox: &MailboxName) -> CommandResult {
    let name = convert::mailbox_name(mailbox)?;
    let tree = connection.store()?.mailbox_tree().await?;
    let exists = |entry: &mailstore::query::TreeEntry| entry.name == name && entry.mailbox.is_some();
    if !tree.entries.iter().any(exists) {
        return Err(Rejection::NoSuchMailbox.into());
    }
    let names = connection.session.enabled.names();
    response::quota_root(connection.out(), mailbox, &[ROOT], names);
    tell_quota(connection).await?;
    Ok(Answer::ok("Listed"))
}

async fn tell_quota(connection: &mut Connection) -> Result<(), Failure> {
    let quota = connection.store()?.quota().await?;
    response::quota(connection.out(), ROOT, &usages(&quota));
    Ok(())
}

/// Lists the resources that are limited; the others are not mentioned (RFC 9208 §4.2.1).
fn usages(quota: &Quota) -> Vec<QuotaUsage> {
    let storage = quota.limits.storage_bytes.map(|limit| QuotaUsage {
        resource: QuotaResource::Storage,
        // RFC 9208 §5.1: units of 1024 octets.
        used: quota.usage.storage_bytes.div_ceil(1024),
        limit: limit / 1024,
    });
    let messages = quota.limits.messages.map(|limit| QuotaUsage {
        resource: QuotaResource::Message,
        used: quota.usage.messages,
        limit,
    });
    storage.into_iter().chain(messages).collect()
}

#[cfg(test)]
mod tests {
    use mailstore::account::{QuotaLimits, QuotaUsage as Usage};

    use super::*;

    #[test]
    fn storage_is_counted_in_units_of_1024_octets() {
        let quota = Quota {
            limits: QuotaLimits {
                storage_bytes: Some(10_240),
                messages: None,
            },
            usage: Usage {
                storage_bytes: 1025,
                messages: 3,
            },
        };
        let expected = QuotaUsage {
            resource: QuotaResource::Storage,
            used: 2,
            limit: 10,
        };
        assert_eq!(usages(&quota), [expected]);
    }
}
