//! sled 0.34 behind the port, used so that its known faults cost a rebuild and never a row.
//!
//! What is known about it decides the design: `flush` is no fsync, so after a loss of power nothing is
//! believed; it panics on damaged files, so every call is guarded; `flush_async` deadlocks under load, so it
//! is never called; a value of its own cache default is 1 GiB an instance, so the caller must set it.

mod files;
mod marker;
mod shelf;
mod sums;
mod table;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::KvError;
use crate::engine::{Engine, ShelfCount, ShelfId, ShelfReport, Table, TableId};
use shelf::Shelf;
use table::SledTable;

/// Names one run of the kernel. While it lasts, what a process wrote before it was killed is still in the
/// page cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootId(String);

impl BootId {
    /// Returns the id for this text, on Linux the content of `/proc/sys/kernel/random/boot_id`.
    ///
    /// White space is dropped; an empty id equals no other run's, so nothing unclean is believed under it.
    pub fn new(text: &str) -> Self {
        Self(text.split_whitespace().collect())
    }

    /// Returns whether both name the same known run.
    fn is_same_run(&self, other: &Self) -> bool {
        !self.0.is_empty() && self == other
    }
}

/// Where and how shelves are kept.
#[derive(Debug, Clone)]
pub struct SledOptions {
    /// The directory for all shelves; it is created when absent. Nothing else may live in it.
    pub directory: PathBuf,
    /// How many shelves to keep. Changing it rebuilds all of them.
    pub shelves: ShelfCount,
    /// The cache of each shelf in bytes.
    pub cache_bytes_per_shelf: u64,
    /// How often buffered changes are written out without being asked for; `None` for never.
    pub flush_interval: Option<Duration>,
    /// The run of the kernel that this process belongs to.
    pub boot_id: BootId,
}

/// Keeps each shelf in one sled instance with one tree.
pub struct SledEngine {
    options: Arc<SledOptions>,
    shelves: HashMap<ShelfId, Arc<Shelf>>,
    views: Mutex<HashMap<TableId, Arc<RwLock<()>>>>,
}

impl SledEngine {
    /// Opens all shelves. A shelf that cannot be believed or opened is handed out empty, and
    /// [`Engine::report`] says why.
    ///
    /// # Errors
    /// Fails with [`KvError::Open`] when not even an empty shelf can be opened, as with a full disk.
    pub fn open(options: SledOptions) -> Result<Self, KvError> {
        let options = Arc::new(options);
        let open = |id| Ok((id, Arc::new(Shelf::open(id, Arc::clone(&options))?)));
        let shelves = options
            .shelves
            .shelves()
            .map(open)
            .collect::<Result<_, KvError>>()?;
        Ok(Self {
            options,
            shelves,
            views: Mutex::default(),
        })
    }

    fn shelf(&self, id: ShelfId) -> Result<&Arc<Shelf>, KvError> {
        let no_such = || KvError::Open {
            shelf: id,
            detail: "there is no such shelf".to_owned(),
        };
        self.shelves.get(&id).ok_or_else(no_such)
    }
}

impl Engine for SledEngine {
    fn shelf_count(&self) -> ShelfCount {
        self.options.shelves
    }

    fn table(&self, id: TableId) -> Arc<dyn Table> {
        let shelf = self.shelf(id.shelf(self.options.shelves));
        let shelf = Arc::clone(shelf.expect("invariant: tables are only mapped to shelves that exist"));
        let views = Arc::clone(self.views.lock().entry(id).or_default());
        Arc::new(SledTable::new(id, shelf, views))
    }

    fn report(&self, shelf: ShelfId) -> Result<ShelfReport, KvError> {
        self.shelf(shelf)?.report()
    }

    fn wipe_shelf(&self, shelf: ShelfId) -> Result<(), KvError> {
        self.shelf(shelf)?.wipe()
    }

    fn close(&self) -> Result<(), KvError> {
        let mut outcome = Ok(());
        for shelf in self.shelves.values() {
            outcome = outcome.and(shelf.close());
        }
        outcome
    }
}
