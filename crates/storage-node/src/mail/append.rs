//! What comes before an APPEND is committed.

use mailstore::name::MailboxName;
use mailstore::ports::BlobUpload;
use mailstore::{AccountId, GroupId, Rejection, StoreError};

use crate::node::Node;
use crate::tables;

/// Checks that a message of this size may be added now.
pub(super) async fn check(
    node: &Node,
    account: AccountId,
    mailbox: &MailboxName,
    size: u64,
) -> Result<(), StoreError> {
    check_room(node, size)?;
    let mailbox = mailbox.clone();
    node.read_account(account, move |rows| tables::check_append(rows, &mailbox, size))
        .await
}

/// Checks that the account takes mail of this size now.
pub(crate) async fn check_delivery(node: &Node, account: AccountId, size: u64) -> Result<(), StoreError> {
    check(node, account, &MailboxName::inbox(), size).await
}

/// Starts to store content.
pub(crate) async fn upload(
    node: &Node,
    group: GroupId,
    size: u64,
) -> Result<Box<dyn BlobUpload>, StoreError> {
    check_room(node, size)?;
    node.content_store().begin(group, size).await
}

/// Checks what does not depend on the account.
fn check_room(node: &Node, size: u64) -> Result<(), StoreError> {
    if size > node.options().message_bytes_max {
        return Err(Rejection::MessageTooLarge.into());
    }
    if node.content_store().is_full() {
        return Err(StoreError::NoSpace);
    }
    Ok(())
}
