//! SEARCH.

use std::sync::Arc;

use mailstore::ids::{MailboxId, ModSeq};
use mailstore::message::MessageState;
use mailstore::query::MailboxRef;
use mailstore::rows::ReadRows;
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::{AccountId, GroupId, StoreError, UidSet, read};

use super::content::{GroupContent, with_content};
use crate::node::Node;
use crate::search::{Candidate, Matcher};
use crate::tables::{self, damaged};

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
    let (program, budget) = (Arc::new(program), node.options().search_budget);
    let search = |content: GroupContent| {
        let program = Arc::clone(&program);
        node.read_account(account, move |rows| {
            let now = tables::changes(rows, &MailboxRef::Id(mailbox), ModSeq::ZERO)?;
            let matcher = Matcher::new(&program.key, &now.mailbox.keywords, budget);
            let mut states = now.changed;
            states.retain(|state| program.within.contains(state.uid) && !matcher.excludes(state));
            let mut result = SearchResult::default();
            for batch in states.chunks(BATCH_MESSAGES) {
                search_batch(rows, mailbox, batch, (&matcher, &content), &mut result)?;
            }
            Ok(result)
        })
    };
    with_content(node, group, search).await
}

fn search_batch(
    rows: &dyn ReadRows,
    mailbox: MailboxId,
    batch: &[MessageState],
    (matcher, reader): (&Matcher, &GroupContent),
    result: &mut SearchResult,
) -> Result<(), StoreError> {
    let mut found = |state: MessageState| {
        result.uids.insert(state.uid);
        result.highest_modseq = result.highest_modseq.max(Some(state.modseq));
    };
    let (certain, open): (Vec<_>, Vec<_>) = batch.iter().partition(|state| matcher.includes(state));
    certain.into_iter().for_each(&mut found);
    let uids: UidSet = open.iter().map(|state: &MessageState| state.uid).collect();
    for record in read::messages(rows, mailbox, &uids, BATCH_MESSAGES).map_err(damaged)? {
        let Some(state) = state_of(batch, record.uid) else {
            continue;
        };
        if matcher.matches(&mut Candidate::new(state, record, reader))? {
            found(state);
        }
    }
    Ok(())
}

fn state_of(batch: &[MessageState], uid: mailstore::Uid) -> Option<MessageState> {
    let index = batch.binary_search_by_key(&uid, |state| state.uid).ok()?;
    batch.get(index).copied()
}
