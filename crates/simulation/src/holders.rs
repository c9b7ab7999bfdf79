//! Which running machines hold content, looked at from outside.

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::Layout;
use mailstore::{AccountId, BlobId};
use parking_lot::Mutex;
use storage_node::{Content, StoredContent};

/// The content of the machines that run. Cheap to clone.
#[derive(Clone)]
pub struct Holders {
    layout: Layout,
    running: Arc<Mutex<BTreeMap<String, StoredContent>>>,
}

impl Holders {
    pub(crate) fn new(layout: &Layout) -> Self {
        Self {
            layout: layout.clone(),
            running: Arc::default(),
        }
    }

    pub(crate) fn started(&self, name: &str, content: &StoredContent) {
        self.running.lock().insert(name.to_owned(), content.clone());
    }

    pub(crate) fn gone(&self, name: &str) {
        self.running.lock().remove(name);
    }

    /// Checks that content that was acknowledged just now is on a majority of its group's replicas (DESIGN §3.1). Says
    /// nothing while one of them is away, which may hold it.
    ///
    /// # Errors
    /// When it is on too few.
    pub(crate) fn check(&self, account: AccountId, blob: BlobId) -> Result<(), String> {
        let group = self.layout.slots().group_of(account.slot());
        let replicas = self.layout.replicas(group);
        let running = self.running.lock();
        let Some(contents) = replicas
            .iter()
            .map(|name| running.get(name))
            .collect::<Option<Vec<_>>>()
        else {
            return Ok(());
        };
        let holding = contents.iter().filter(|content| content.read(group, blob, 0, 1).is_ok());
        let holding = holding.count();
        match holding > replicas.len() / 2 {
            true => Ok(()),
            false => Err(format!("{blob} is acknowledged and on {holding} of {} replicas", replicas.len())),
        }
    }
}
