//! Changes of accounts that have moved, or are about to.

use mailstore::command::Subject;
use mailstore::message::NewMessage;
use mailstore::rows::ReadRows;
use mailstore::slots::SlotState;
use mailstore::{GroupId, Rejection, Slot, StoreError, TableError, read};

use crate::node::Node;

/// Why an account takes no changes for a moment, or is not here yet.
pub(crate) const MOVING: &str = "the account is being moved";

/// Returns the error of the ports for a rejection that came from the header.
pub(crate) fn refusal(
    header: &dyn ReadRows,
    slot: Slot,
    rejection: Rejection,
) -> Result<StoreError, TableError> {
    Ok(match rejection {
        Rejection::SlotMoving => StoreError::Unavailable(MOVING),
        Rejection::WrongGroup => match read::slot_state(header, slot)? {
            Some(SlotState::Released { epoch, to, .. }) => StoreError::WrongGroup { epoch, group: to },
            // It has come back meanwhile.
            _ => StoreError::Unavailable("the account has been moved"),
        },
        other => other.into(),
    })
}

impl Node {
    /// Makes sure that content which new messages name is in the account's group: what was uploaded before the account
    /// moved is in the group that it came from.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it is in neither.
    pub(crate) async fn adopt_content(
        &self,
        group: GroupId,
        slot: Option<Slot>,
        messages: &[NewMessage],
    ) -> Result<(), StoreError> {
        let content = self.content_store();
        let is_absent = |message: &&NewMessage| !content.has(group, message.blob);
        let absent: Vec<_> = messages
            .iter()
            .filter(is_absent)
            .map(|message| message.blob)
            .collect();
        let (Some(slot), false) = (slot, absent.is_empty()) else {
            return Ok(());
        };
        // One that never moved has its content on a majority of this group, whether this replica has it or not.
        let Some(from) = self.origin_of(group, slot).await? else {
            return Ok(());
        };
        for blob in absent {
            if content.repair(group, blob).await.is_err() && content.adopt(group, blob, from).await.is_err() {
                return Err(StoreError::Unavailable("content was lost when the account moved"));
            }
        }
        Ok(())
    }

    async fn origin_of(&self, group: GroupId, slot: Slot) -> Result<Option<GroupId>, StoreError> {
        let state = self.ask_in(group, Subject::Header, move |header| {
            read::slot_state(header, slot).map_err(crate::tables::damaged)
        });
        Ok(match state.await? {
            Some(SlotState::Owned { from, .. }) => from,
            _ => None,
        })
    }
}
