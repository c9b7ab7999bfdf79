//! SEARCH.

use std::sync::Arc;

use mailstore::ids::{MailboxId, ModSeq};
use mailstore::message::{MessageRecord, MessageState};
use mailstore::query::MailboxRef;
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::{AccountId, GroupId, StoreError, UidSet, read};

use super::content::{GroupContent, with_content};
use crate::node::Node;
use crate::search::{Candidate, Matcher};
use crate::tables::{self, damaged};

/// Messages that are looked at between two looks at the rows.
const BATCH_MESSAGES: usize = 1024;

/// A search that is under way.
struct Search<'a> {
    node: &'a Node,
    group: GroupId,
    account: AccountId,
    mailbox: MailboxId,
}

/// Finds messages of one mailbox: those that were in it when the search began.
pub(super) async fn search(
    node: &Node,
    group: GroupId,
    account: AccountId,
    mailbox: MailboxId,
    program: SearchProgram,
) -> Result<SearchResult, StoreError> {
    let search = Search {
        node,
        group,
        account,
        mailbox,
    };
    let (matcher, states) = search.begin(program).await?;
    let mut result = SearchResult::default();
    for batch in states.chunks(BATCH_MESSAGES) {
        search.batch(&matcher, batch, &mut result).await?;
    }
    Ok(result)
}

impl Search<'_> {
    /// Prepares the program and returns the messages that flags and UIDs do not rule out, ascending by UID.
    async fn begin(&self, program: SearchProgram) -> Result<(Arc<Matcher>, Vec<MessageState>), StoreError> {
        let (mailbox, budget) = (self.mailbox, self.node.options().search_budget);
        let question = self.node.read_account(self.account, move |rows| {
            let now = tables::changes(rows, &MailboxRef::Id(mailbox), ModSeq::ZERO)?;
            let matcher = Matcher::new(&program.key, &now.mailbox.keywords, budget);
            let mut states = now.changed;
            states.retain(|state| program.within.contains(state.uid) && !matcher.excludes(state));
            Ok((Arc::new(matcher), states))
        });
        question.await
    }

    /// Adds what matches of these messages to the result.
    async fn batch(
        &self,
        matcher: &Arc<Matcher>,
        batch: &[MessageState],
        result: &mut SearchResult,
    ) -> Result<(), StoreError> {
        let mut found = |state: MessageState| {
            result.uids.insert(state.uid);
            result.highest_modseq = result.highest_modseq.max(Some(state.modseq));
        };
        let (certain, open): (Vec<MessageState>, Vec<_>) =
            batch.iter().copied().partition(|state| matcher.includes(state));
        certain.into_iter().for_each(&mut found);
        if open.is_empty() {
            return Ok(());
        }
        let (open, matcher) = (Arc::new(self.with_records(open).await?), Arc::clone(matcher));
        let look = move |content: &GroupContent| matching(&matcher, &open, content);
        let matched = with_content(self.node, self.group, look).await?;
        matched.into_iter().for_each(found);
        Ok(())
    }

    /// Reads the records of messages. Those that are forgotten meanwhile are left out.
    async fn with_records(
        &self,
        states: Vec<MessageState>,
    ) -> Result<Vec<(MessageState, MessageRecord)>, StoreError> {
        let (mailbox, limit) = (self.mailbox, states.len());
        let question = self.node.read_account(self.account, move |rows| {
            let uids: UidSet = states.iter().map(|state| state.uid).collect();
            let records = read::messages(rows, mailbox, &uids, limit).map_err(damaged)?;
            let with_state = |record: MessageRecord| {
                let index = states.binary_search_by_key(&record.uid, |state| state.uid).ok()?;
                Some((*states.get(index)?, record))
            };
            Ok(records.into_iter().filter_map(with_state).collect())
        });
        question.await
    }
}

/// Returns those messages that match.
fn matching(
    matcher: &Matcher,
    messages: &[(MessageState, MessageRecord)],
    content: &GroupContent,
) -> Result<Vec<MessageState>, StoreError> {
    let mut matched = Vec::new();
    for (state, record) in messages {
        if matcher.matches(&mut Candidate::new(*state, *record, content))? {
            matched.push(*state);
        }
    }
    Ok(matched)
}
