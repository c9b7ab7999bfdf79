//! Content of one group for questions that read rows and content together.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use mailstore::{BlobId, GroupId, StoreError};
use parking_lot::Mutex;

use crate::node::Node;
use crate::search::ContentReader;

/// The content of one group. Notes what it lacks.
#[derive(Clone)]
pub(super) struct GroupContent {
    node: Node,
    group: GroupId,
    lacking: Arc<Mutex<BTreeSet<BlobId>>>,
}

impl GroupContent {
    fn found(&self, blob: BlobId, read: Result<Bytes, StoreError>) -> Result<Bytes, StoreError> {
        if read == Err(StoreError::ContentUnavailable) {
            self.lacking.lock().insert(blob);
        }
        read
    }
}

impl ContentReader for GroupContent {
    fn summary(&self, blob: BlobId) -> Result<Bytes, StoreError> {
        self.found(blob, self.node.content_store().summary(self.group, blob))
    }

    fn read(&self, blob: BlobId, offset: u32, length: u32) -> Result<Bytes, StoreError> {
        let read = self.node.content_store().read(self.group, blob, offset, length);
        self.found(blob, read)
    }
}

/// Asks a question that reads content. What it lacks is fetched from another replica, and the question asked
/// again, as long as that brings it further.
///
/// # Errors
/// Those of the question; [`StoreError::ContentUnavailable`] when no replica has what it needs.
pub(super) async fn with_content<T, F>(
    node: &Node,
    group: GroupId,
    mut ask: impl FnMut(GroupContent) -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut fetched = BTreeSet::new();
    loop {
        let lacking = Arc::new(Mutex::new(BTreeSet::new()));
        let content = GroupContent {
            node: node.clone(),
            group,
            lacking: Arc::clone(&lacking),
        };
        let answer = ask(content).await;
        let lacking = std::mem::take(&mut *lacking.lock());
        let helps = !lacking.is_empty() && lacking.is_disjoint(&fetched);
        if !helps || !matches!(answer, Err(StoreError::ContentUnavailable)) {
            return answer;
        }
        for blob in &lacking {
            node.content_store().repair(group, *blob).await?;
        }
        fetched.extend(lacking);
    }
}
