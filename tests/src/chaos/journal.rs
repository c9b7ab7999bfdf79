//! The clock of a run and what was recorded.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use history::Record;

/// What all threads of a run share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    begin: Instant,
    records: Mutex<Vec<Record>>,
    answered: AtomicU64,
    /// Whether clients are to stop after the command that they are at.
    resting: AtomicBool,
}

impl Journal {
    pub fn begin() -> Self {
        Self {
            shared: Arc::new(Shared {
                begin: Instant::now(),
                records: Mutex::new(Vec::new()),
                answered: AtomicU64::new(0),
                resting: AtomicBool::new(false),
            }),
        }
    }

    /// Returns microseconds since the beginning.
    pub fn now(&self) -> u64 {
        u64::try_from(self.shared.begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub fn add(&self, record: Record) {
        self.shared.answered.fetch_add(1, Ordering::Relaxed);
        let mut records = self.shared.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.push(record);
    }

    /// Counts the records of all rounds.
    pub fn count(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    pub fn rest(&self, resting: bool) {
        self.shared.resting.store(resting, Ordering::SeqCst);
    }

    pub fn is_resting(&self) -> bool {
        self.shared.resting.load(Ordering::SeqCst)
    }

    /// Takes what was recorded since the last time.
    pub fn take(&self) -> Vec<Record> {
        let mut records = self.shared.records.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut records)
    }
}

/// Writes records as JSON lines.
pub fn keep(records: &[Record], path: &Path) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for record in records {
        file.write_all(history::write(record).as_bytes())?;
    }
    file.flush()
}
