//! What the tests of this crate share: a small machine and a node's parts in memory.

mod cluster;

use std::sync::Arc;

use bytes::Bytes;
use disk::{Disk, DiskPath, SimDisk};
use kv::{Engine, MemoryEngine, ShelfCount, TableId};
use parking_lot::Mutex;
use wal::{Log, Wal, WalOptions};

use crate::hold::Holds;
use crate::log_store::LogStore;
use crate::machine::{Applied, Machine, MachineError, Subject};
use crate::snapshot::SnapshotStore;
use crate::state_machine::{Applier, StateMachine};
use crate::tables::{GroupTables, SubjectRows};
use crate::{Blocking, LogPosition};
pub(crate) use cluster::{Cluster, GROUP, LATENCY};

/// A register per subject and key. An entry is `subject key value` in text; the reply is the old value.
#[derive(Debug, Default)]
pub(crate) struct Registers {
    pub(crate) published: Mutex<Vec<String>>,
}

impl Registers {
    pub(crate) fn set(subject: &str, key: &str, value: &str) -> Bytes {
        format!("{subject} {key} {value}").into()
    }
}

fn words(entry: &Bytes) -> Result<[&str; 3], MachineError> {
    let unknown = || MachineError::UnknownEntry("not three words".into());
    let text = std::str::from_utf8(entry).map_err(|_| unknown())?;
    let words: Vec<_> = text.splitn(3, ' ').collect();
    words.try_into().map_err(|_| unknown())
}

impl Machine for Registers {
    type Reply = Option<String>;
    type Event = String;

    fn subject(&self, entry: &Bytes) -> Result<Subject, MachineError> {
        let [subject, ..] = words(entry)?;
        Ok(Subject::new(subject.to_owned()).unwrap_or_else(Subject::header))
    }

    fn apply(
        &self,
        _: LogPosition,
        entry: &Bytes,
        rows: &mut SubjectRows<'_>,
    ) -> Result<Applied<Option<String>, String>, MachineError> {
        let [_, key, value] = words(entry)?;
        let old = rows
            .get(key.as_bytes())?
            .map(|old| String::from_utf8_lossy(&old).into_owned());
        match value {
            "" => rows.delete(key.as_bytes()),
            _ => rows.put(key.as_bytes(), Bytes::from(value.to_owned())),
        }
        Ok(Applied {
            reply: old,
            events: vec![key.to_owned()],
        })
    }

    fn publish(&self, events: Vec<String>) {
        self.published.lock().extend(events);
    }
}

pub(crate) fn path(text: &str) -> DiskPath {
    DiskPath::new(text).expect("a plain path")
}

pub(crate) fn wal_options() -> WalOptions {
    WalOptions {
        segment_bytes: 1 << 20,
        grow_bytes: 1 << 16,
        reserve_bytes: 0,
        ..WalOptions::default()
    }
}

/// Log and state machine of one group on a simulated disk.
pub(crate) struct Parts {
    pub(crate) log: Log,
    pub(crate) log_store: LogStore,
    pub(crate) machine: StateMachine<Registers>,
}

impl Parts {
    pub(crate) fn new(disk: Arc<dyn Disk>, engine: &dyn Engine, log: Log, blocking: Blocking) -> Self {
        let tables = Arc::new(GroupTables::new(engine.table(TableId::new(1))));
        let applier = Applier::open(Arc::default(), tables, u64::MAX).expect("the tables are readable");
        let snapshots = SnapshotStore::open(disk, path("snapshots/1")).expect("the snapshots are readable");
        let log_store = LogStore::new(
            log.group(wal::GroupId(1)),
            blocking.clone(),
            Holds::default().hold(),
        );
        let machine = StateMachine {
            applier: Arc::new(applier),
            snapshots: Arc::new(snapshots),
            blocking,
            hold: None,
        };
        Self {
            log,
            log_store,
            machine,
        }
    }

    pub(crate) fn in_memory() -> Self {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
        let engine = MemoryEngine::new(ShelfCount::new(1).expect("one shelf"));
        let wal = Wal::open(Arc::clone(&disk), path("wal"), wal_options()).expect("an empty log");
        Self::new(disk, &engine, Log::inline(wal), Blocking::Inline)
    }
}
