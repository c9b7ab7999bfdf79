//! openraft's own storage suite on our log and state machine.

use std::sync::Arc;

use disk::{Disk, RealDisk};
use kv::{BootId, ShelfCount, SledEngine, SledOptions};
use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use tempfile::TempDir;
use wal::{Log, Wal};

use crate::Blocking;
use crate::log_store::LogStore;
use crate::state_machine::StateMachine;
use crate::testing::{Parts, Registers, path, wal_options};
use crate::types::TypeConfig;

/// Everything simulated and in memory.
struct InMemory;

impl StoreBuilder<TypeConfig, LogStore, StateMachine<Registers>, Log> for InMemory {
    async fn build(&self) -> Result<(Log, LogStore, StateMachine<Registers>), StorageError<TypeConfig>> {
        let Parts {
            log,
            log_store,
            machine,
        } = Parts::in_memory();
        Ok((log, log_store, machine))
    }
}

/// A real directory, sled, a writer thread and a pool.
struct OnDisk;

impl StoreBuilder<TypeConfig, LogStore, StateMachine<Registers>, (Log, TempDir)> for OnDisk {
    async fn build(
        &self,
    ) -> Result<((Log, TempDir), LogStore, StateMachine<Registers>), StorageError<TypeConfig>> {
        let directory = TempDir::new().expect("a temporary directory");
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&directory.path().join("disk")).expect("a disk"));
        let options = SledOptions {
            directory: directory.path().join("tables"),
            shelves: ShelfCount::new(1).expect("one shelf"),
            cache_bytes_per_shelf: 1 << 20,
            flush_interval: None,
            boot_id: BootId::new("boot"),
        };
        let engine = SledEngine::open(options).expect("an empty engine");
        let wal = Wal::open(Arc::clone(&disk), path("wal"), wal_options()).expect("an empty log");
        let log = Log::spawn(wal).expect("a writer");
        let Parts {
            log,
            log_store,
            machine,
        } = Parts::new(disk, &engine, log, Blocking::threads(4));
        Ok(((log, directory), log_store, machine))
    }
}

#[tokio::test(start_paused = true)]
async fn openraft_suite_passes_in_memory() {
    Suite::test_all(InMemory).await.expect("the suite passes");
}

#[tokio::test(start_paused = true)]
async fn openraft_suite_passes_on_sled_and_a_real_disk() {
    Suite::test_all(OnDisk).await.expect("the suite passes");
}
