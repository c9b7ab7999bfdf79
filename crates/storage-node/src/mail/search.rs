//! SEARCH.

use mailstore::command::Subject;
use mailstore::ids::{MailboxId, ModSeq};
use mailstore::message::MessageState;
use mailstore::query::MailboxRef;
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::{AccountId, BlobId, GroupId, StoreError, UidSet};

use crate::node::Node;
use crate::search::{Candidate, ContentReader, Matcher};

/// Messages whose records are read at one time.
const BATCH_MESSAGES: usize = 256;

/// Finds messages of one mailbox.
pub(super) async fn search(
    node: &Node,
    group: GroupId,
    account: AccountId,
    mailbox: MailboxId,
    program: SearchProgram,
) -> Result<SearchResult, StoreError> {
    let searcher = node.clone();
    node.blocking(move || {
        let rows = searcher.replication().rows(group, &Subject::Account(account));
        let now = mailstore::read::changes(&*rows, &MailboxRef::Id(mailbox), ModSeq::ZERO)?;
        let matcher = Matcher::new(&program.key, &now.mailbox.keywords, searcher.options().search_budget);
        let mut states = now.changed;
        states.retain(|state| program.within.contains(state.uid) && !matcher.excludes(state));
        let reader = GroupContent { node: &searcher, group };
        let mut result = SearchResult::default();
        for batch in states.chunks(BATCH_MESSAGES) {
            let uids: UidSet = batch.iter().map(|state| state.uid).collect();
            let records = mailstore::read::messages(&*rows, mailbox, &uids, BATCH_MESSAGES)?;
            for record in records {
                let Some(state) = state_of(batch, record.uid) else { continue };
                if matcher.matches(&mut Candidate::new(state, record, &reader))? {
                    result.uids.insert(state.uid);
                    result.highest_modseq = result.highest_modseq.max(Some(state.modseq));
                }
            }
        }
        Ok(result)
    })
    .await
}

fn state_of(batch: &[MessageState], uid: mailstore::Uid) -> Option<MessageState> {
    let index = batch.binary_search_by_key(&uid, |state| state.uid).ok()?;
    batch.get(index).copied()
}

/// The content of one group.
struct GroupContent<'a> {
    node: &'a Node,
    group: GroupId,
}

impl ContentReader for GroupContent<'_> {
    fn summary(&self, blob: BlobId) -> Result<bytes::Bytes, StoreError> {
        self.node.content_store().summary(self.group, blob)
    }

    fn read(&self, blob: BlobId, offset: u32, length: u32) -> Result<bytes::Bytes, StoreError> {
        self.node.content_store().read(self.group, blob, offset, length)
    }
}
