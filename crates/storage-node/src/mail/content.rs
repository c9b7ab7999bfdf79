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
    fn new(node: &Node, group: GroupId) -> Self {
        Self {
            node: node.clone(),
            group,
            lacking: Arc::default(),
        }
    }

    fn found(&self, blob: BlobId, read: Result<Bytes, StoreError>) -> Result<Bytes, StoreError> {
        if read == Err(StoreError::ContentUnavailable) {
            self.lacking.lock().insert(blob);
        }
        read
    }

    /// Fetches from other replicas what was lacking and is not in `tried`. Returns whether that brought anything.
    async fn fetch(&self, tried: &mut BTreeSet<BlobId>) -> bool {
        let lacking = std::mem::take(&mut *self.lacking.lock());
        let mut brought = false;
        for blob in lacking {
            if !tried.insert(blob) {
                continue;
            }
            match self.node.content_store().repair(self.group, blob).await {
                Ok(()) => brought = true,
                Err(error) => {
                    tracing::error!(group = self.group.0, %blob, %error, "content is on no replica")
                }
            }
        }
        brought
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

/// Reads content on the threads for it: never inside a question to rows, which keeps entries from being
/// applied. What is lacking is fetched from another replica, and `read` called again, as long as that brings it
/// further.
///
/// # Errors
/// Those of `read`, and [`StoreError::Overloaded`].
pub(super) async fn with_content<T, R>(node: &Node, group: GroupId, read: R) -> Result<T, StoreError>
where
    T: Send + 'static,
    R: Fn(&GroupContent) -> Result<T, StoreError> + Clone + Send + 'static,
{
    let mut tried = BTreeSet::new();
    loop {
        let content = GroupContent::new(node, group);
        let (reader, call) = (content.clone(), read.clone());
        let answer = node.content_pool().run(move || call(&reader)).await?;
        if !content.fetch(&mut tried).await {
            return answer;
        }
    }
}
