//! What content the rows of a replica name.

use std::sync::Arc;

use consensus::{Group, GroupStatus, MailMachine, Role};
use mailstore::command::Subject;
use mailstore::{AccountId, BlobId, GroupId, StoreError, read};

use super::Replicas;
use crate::content::NamedBlobs;
use crate::replication::Replication;
use crate::tables::damaged;

/// Accounts whose names are read at one time.
const PAGE_ACCOUNTS: usize = 256;

impl Replicas {
    /// See [`Replication::named_blobs`].
    pub(super) async fn named_blobs_of(&self, id: GroupId) -> Result<NamedBlobs, StoreError> {
        let unsettled = StoreError::Unavailable("the replica is catching up");
        let group = self.group(id)?;
        if !is_settled(&group.status()) {
            return Err(unsettled);
        }
        let mut named = Vec::new();
        let mut after = None;
        loop {
            let accounts = self.accounts(id, after, PAGE_ACCOUNTS).await?;
            let Some(last) = accounts.last() else {
                break;
            };
            after = Some(*last);
            for account in accounts {
                named.extend(self.named_by(&group, account).await?);
            }
        }
        // A replica whose tables were lost meanwhile has stopped, and another one runs in its place, whose
        // tables may have been read while they were filled.
        let same = Arc::ptr_eq(&group, &self.group(id)?);
        if same && is_settled(&group.status()) {
            Ok(named.into_iter().collect())
        } else {
            Err(unsettled)
        }
    }

    pub(crate) async fn named_by(
        &self,
        group: &Group<MailMachine>,
        account: AccountId,
    ) -> Result<Vec<BlobId>, StoreError> {
        let subject = consensus::mail_subject(&Subject::Account(account));
        let named = group.read(subject, |rows| {
            let mut named = Vec::new();
            read::live_blobs(rows, &mut |blob| named.push(blob)).map(|()| named)
        });
        let named = named.await.map_err(|error| self.store_error(&error))?;
        named.map_err(damaged)
    }
}

/// Tells whether the rows lack nothing that is known to be committed, and whether somebody is there who would
/// tell of more.
fn is_settled(status: &GroupStatus) -> bool {
    let is_led = status.role == Role::Leader || status.leader.is_some();
    status.is_running && is_led && status.committed.is_some() && status.applied >= status.committed
}
