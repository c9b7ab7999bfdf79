//! Tables whose batches are gathered in memory and written to another engine a few times a second.
//!
//! Nothing in a table is durable before [`Engine::close`] anyway, so writing every batch at once buys nothing
//! and costs much: an engine like sled wakes its threads for each of them. Gathered, a hundred batches become
//! one, and a row that each of them changes is written once. What is lost with the process are a few more
//! entries of the log to apply again.
//!
//! ```text
//! apply_batch -> fresh -> leaving -> the engine
//! ```
//!
//! Readers see `fresh` over `leaving` over the engine. Batches that move down together are applied together,
//! so the engine only ever holds whole batches, in their order.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex, RwLock};

use crate::KvError;
use crate::batch::{Batch, Pending};
use crate::engine::{Engine, ShelfCount, ShelfId, ShelfReport, Table, TableId, View};
use crate::layers::Layers;
use crate::range::{Direction, KeyRange, Rows};

/// How long and how much is gathered.
#[derive(Debug, Clone, Copy)]
pub struct BufferOptions {
    /// A batch is written out this long after it was applied, or a little later.
    pub interval: Duration,
    /// A table that has gathered as many bytes writes them out before its next batch is answered.
    pub table_bytes_max: usize,
}

impl Default for BufferOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(100),
            table_bytes_max: 1024 * 1024,
        }
    }
}

/// Gathers batches before an engine.
pub struct BufferedEngine {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    engine: Arc<dyn Engine>,
    options: BufferOptions,
    tables: Mutex<HashMap<TableId, Arc<BufferedTable>>>,
    signal: Arc<Signal>,
}

impl BufferedEngine {
    /// Puts a buffer before `engine` and starts the thread that writes it out.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(engine: Arc<dyn Engine>, options: BufferOptions) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            engine,
            options,
            tables: Mutex::default(),
            signal: Arc::default(),
        });
        let writing = Arc::clone(&shared);
        let writer = thread::Builder::new()
            .name("table-writer".to_owned())
            .spawn(move || writing.write_out_until_stopped())?;
        Ok(Self {
            shared,
            writer: Mutex::new(Some(writer)),
        })
    }

    fn stop(&self) {
        self.shared.signal.stop();
        if let Some(writer) = self.writer.lock().take() {
            // A writer that panicked has written less, which is what a crash does.
            let _ = writer.join();
        }
    }
}

impl Drop for BufferedEngine {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Engine for BufferedEngine {
    fn shelf_count(&self) -> ShelfCount {
        self.shared.engine.shelf_count()
    }

    fn table(&self, id: TableId) -> Arc<dyn Table> {
        let new = || {
            Arc::new(BufferedTable {
                inner: self.shared.engine.table(id),
                bytes_max: self.shared.options.table_bytes_max,
                signal: Arc::clone(&self.shared.signal),
                buffer: RwLock::default(),
                writing_out: Mutex::default(),
            })
        };
        Arc::clone(self.shared.tables.lock().entry(id).or_insert_with(new)) as Arc<dyn Table>
    }

    fn report(&self, shelf: ShelfId) -> Result<ShelfReport, KvError> {
        self.shared.engine.report(shelf)
    }

    fn wipe_shelf(&self, shelf: ShelfId) -> Result<(), KvError> {
        let tables: Vec<_> = self
            .shared
            .tables()
            .into_iter()
            .filter(|table| table.shelf() == shelf)
            .collect();
        let _nobody_writes: Vec<_> = tables.iter().map(|table| table.writing_out.lock()).collect();
        self.shared.engine.wipe_shelf(shelf)?;
        for table in &tables {
            *table.buffer.write() = Buffer::default();
        }
        Ok(())
    }

    fn close(&self) -> Result<(), KvError> {
        self.stop();
        let mut outcome = Ok(());
        for table in self.shared.tables() {
            // A shelf that is lost has nothing to write; the engine marks it as such.
            let written = table
                .write_out()
                .or_else(|error| error.lost_shelf().map(|_| ()).ok_or(error));
            outcome = outcome.and(written);
            table.buffer.write().failure = Some(KvError::Closed);
        }
        outcome.and(self.shared.engine.close())
    }
}

impl Shared {
    fn tables(&self) -> Vec<Arc<BufferedTable>> {
        self.tables.lock().values().cloned().collect()
    }

    fn write_out_until_stopped(&self) {
        while self.signal.wait(self.options.interval) {
            for table in self.tables() {
                // A table remembers what failed and answers the next call with it.
                let _ = table.write_out();
            }
        }
    }
}

/// Tells the writer that there is something to do.
#[derive(Default)]
struct Signal {
    state: Mutex<SignalState>,
    changed: Condvar,
}

#[derive(Default)]
struct SignalState {
    has_work: bool,
    is_stopped: bool,
}

impl Signal {
    fn work(&self) {
        let mut state = self.state.lock();
        if !state.has_work {
            state.has_work = true;
            self.changed.notify_one();
        }
    }

    fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.changed.notify_one();
    }

    /// Waits for work, and then for more of it to gather. Returns `false` when the engine ends.
    fn wait(&self, interval: Duration) -> bool {
        let mut state = self.state.lock();
        self.changed
            .wait_while(&mut state, |state| !state.has_work && !state.is_stopped);
        self.changed
            .wait_while_for(&mut state, |state| !state.is_stopped, interval);
        state.has_work = false;
        !state.is_stopped
    }
}

struct BufferedTable {
    inner: Arc<dyn Table>,
    bytes_max: usize,
    signal: Arc<Signal>,
    buffer: RwLock<Buffer>,
    // Held while batches are on their way to the engine, so that they arrive in their order.
    writing_out: Mutex<()>,
}

/// What a table has gathered. Batches are copied when they change while somebody still reads them.
#[derive(Clone, Default)]
struct Buffer {
    fresh: Arc<Batch>,
    leaving: Arc<Batch>,
    failure: Option<KvError>,
}

impl Buffer {
    fn check(&self) -> Result<(), KvError> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.leaving.is_empty()
    }

    fn lookup(&self, key: &[u8]) -> Pending {
        Layers::new(&[&self.fresh, &self.leaving]).lookup(key)
    }

    fn over<'r>(&self, range: &KeyRange, direction: Direction, rows: Rows<'r>) -> Rows<'r> {
        if self.is_empty() {
            return rows;
        }
        Layers::new(&[&self.fresh, &self.leaving]).over(range, direction, rows)
    }
}

impl BufferedTable {
    /// Returns what is gathered now.
    fn buffer(&self) -> Result<Buffer, KvError> {
        let buffer = self.buffer.read();
        buffer.check()?;
        Ok(buffer.clone())
    }

    /// Gathers a batch. Returns whether there is enough to be written out.
    fn gather(&self, batch: &Batch) -> Result<bool, KvError> {
        let mut buffer = self.buffer.write();
        buffer.check()?;
        let fresh = Arc::make_mut(&mut buffer.fresh);
        fresh.append(batch.clone());
        Ok(fresh.bytes() >= self.bytes_max)
    }

    /// Gives the engine all that is gathered.
    fn write_out(&self) -> Result<(), KvError> {
        let _in_order = self.writing_out.lock();
        // What could not be written before goes first.
        while let Some(leaving) = self.next_leaving()? {
            let outcome = self.inner.apply_batch(&leaving);
            let mut buffer = self.buffer.write();
            match outcome {
                Ok(()) => buffer.leaving = Arc::default(),
                Err(error) => {
                    if !error.is_retryable() {
                        buffer.failure = Some(error.clone());
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn next_leaving(&self) -> Result<Option<Arc<Batch>>, KvError> {
        let mut buffer = self.buffer.write();
        buffer.check()?;
        if buffer.leaving.is_empty() {
            buffer.leaving = std::mem::take(&mut buffer.fresh);
        }
        Ok((!buffer.leaving.is_empty()).then(|| Arc::clone(&buffer.leaving)))
    }
}

impl Table for BufferedTable {
    fn shelf(&self) -> ShelfId {
        self.inner.shelf()
    }

    fn apply_batch(&self, batch: &Batch) -> Result<(), KvError> {
        batch.check()?;
        if self.gather(batch)? {
            return self.write_out();
        }
        self.signal.work();
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let buffer = self.buffer.read();
        buffer.check()?;
        let pending = buffer.lookup(key);
        drop(buffer);
        match pending {
            Pending::Put(value) => Ok(Some(value)),
            Pending::Deleted => Ok(None),
            Pending::Untouched => self.inner.get(key),
        }
    }

    fn range(&self, range: &KeyRange, direction: Direction) -> Result<Rows<'_>, KvError> {
        // The buffer first: what leaves it meanwhile is then seen in both places rather than in none.
        let buffer = self.buffer()?;
        Ok(buffer.over(range, direction, self.inner.range(range, direction)?))
    }

    fn view(&self) -> Result<Box<dyn View + '_>, KvError> {
        loop {
            let before = self.buffer()?;
            let inner = self.inner.view()?;
            let buffer = self.buffer()?;
            // Had a batch reached the engine and left the buffer in between, the view might show it in neither.
            if Arc::ptr_eq(&before.leaving, &buffer.leaving) {
                return Ok(Box::new(BufferedView { inner, buffer }));
            }
        }
    }

    fn checkpoint(&self) -> Result<(), KvError> {
        self.write_out()?;
        self.inner.checkpoint()
    }

    fn wipe(&self) -> Result<(), KvError> {
        // Rows whose absence was only gathered must be gone before the others are.
        self.write_out()?;
        let _nobody_writes = self.writing_out.lock();
        self.inner.wipe()
    }
}

struct BufferedView<'a> {
    inner: Box<dyn View + 'a>,
    buffer: Buffer,
}

impl View for BufferedView<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        match self.buffer.lookup(key) {
            Pending::Put(value) => Ok(Some(value)),
            Pending::Deleted => Ok(None),
            Pending::Untouched => self.inner.get(key),
        }
    }

    fn range(&self, range: &KeyRange, direction: Direction) -> Result<Rows<'_>, KvError> {
        Ok(self
            .buffer
            .over(range, direction, self.inner.range(range, direction)?))
    }
}
