//! An engine that fails by script, wrapped around one that does not.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::engine::{Engine, ShelfCount, ShelfId, ShelfReport, ShelfState, Table, TableId, View};
use crate::guard::guarded;
use crate::range::{Direction, KeyRange, Rows};
use crate::{Batch, KvError, LossCause};

/// The calls that a script can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`Table::apply_batch`].
    ApplyBatch,
    /// [`Table::get`] and [`View::get`].
    Get,
    /// [`Table::range`] and [`View::range`], and each row read from them.
    Range,
    /// [`Table::view`].
    View,
    /// [`Table::checkpoint`].
    Checkpoint,
    /// [`Table::wipe`].
    Wipe,
}

/// What happens to the call that a fault meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It answers [`KvError::Unavailable`] and changes nothing.
    Fail,
    /// The engine panics inside it before anything is changed; the shelf is lost.
    Panic,
    /// The shelf is lost without the call having changed anything.
    LoseBefore,
    /// The call takes effect, then the shelf is lost.
    LoseAfter,
}

/// One fault: the `skip + 1`-th call that matches meets it, once.
#[derive(Debug, Clone)]
pub struct Fault {
    /// How many matching calls pass before.
    pub skip: u64,
    /// Which calls match; `None` for all.
    pub operation: Option<Operation>,
    /// On which shelf; `None` for any.
    pub shelf: Option<ShelfId>,
    /// What happens.
    pub effect: Effect,
}

/// The faults still to come. Clones share one script, so a test keeps a handle and adds to it.
#[derive(Debug, Clone, Default)]
pub struct FaultScript {
    faults: Arc<Mutex<VecDeque<Fault>>>,
}

impl FaultScript {
    /// Returns a script without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault. Each call meets at most the first fault that is due.
    pub fn push(&self, fault: Fault) {
        self.faults.lock().push_back(fault);
    }

    /// Returns how many faults have not happened yet.
    pub fn remaining(&self) -> usize {
        self.faults.lock().len()
    }

    fn meet(&self, operation: Operation, shelf: ShelfId) -> Option<Effect> {
        let mut faults = self.faults.lock();
        let matches = |fault: &Fault| {
            fault.operation.is_none_or(|wanted| wanted == operation)
                && fault.shelf.is_none_or(|wanted| wanted == shelf)
        };
        let due = faults.iter().position(|fault| matches(fault) && fault.skip == 0);
        for fault in faults.iter_mut().filter(|fault| matches(fault)) {
            fault.skip = fault.skip.saturating_sub(1);
        }
        due.and_then(|at| faults.remove(at)).map(|fault| fault.effect)
    }
}

/// Wraps an engine and lets the calls of a [`FaultScript`] fail. Other calls pass through.
pub struct FaultyEngine<E> {
    inner: E,
    weather: Arc<Weather>,
}

impl<E: Engine> FaultyEngine<E> {
    /// Returns `inner` under the faults of `script`.
    pub fn new(inner: E, script: FaultScript) -> Self {
        Self {
            inner,
            weather: Arc::new(Weather {
                script,
                lost: Mutex::default(),
            }),
        }
    }
}

impl<E: Engine> Engine for FaultyEngine<E> {
    fn shelf_count(&self) -> ShelfCount {
        self.inner.shelf_count()
    }

    fn table(&self, id: TableId) -> Arc<dyn Table> {
        Arc::new(FaultyTable {
            inner: self.inner.table(id),
            weather: Arc::clone(&self.weather),
        })
    }

    fn report(&self, shelf: ShelfId) -> Result<ShelfReport, KvError> {
        let report = self.inner.report(shelf)?;
        Ok(match self.weather.lost.lock().get(&shelf) {
            Some(cause) => ShelfReport {
                state: ShelfState::Lost(cause.clone()),
                ..report
            },
            None => report,
        })
    }

    fn wipe_shelf(&self, shelf: ShelfId) -> Result<(), KvError> {
        self.inner.wipe_shelf(shelf)?;
        self.weather.lost.lock().remove(&shelf);
        Ok(())
    }

    fn close(&self) -> Result<(), KvError> {
        self.inner.close()
    }
}

/// The script, and the shelves that it has already taken.
struct Weather {
    script: FaultScript,
    lost: Mutex<HashMap<ShelfId, LossCause>>,
}

impl Weather {
    fn run<T>(
        &self,
        operation: Operation,
        shelf: ShelfId,
        call: impl FnOnce() -> Result<T, KvError>,
    ) -> Result<T, KvError> {
        if let Some(cause) = self.lost.lock().get(&shelf) {
            return Err(KvError::ShelfLost {
                shelf,
                cause: cause.clone(),
            });
        }
        let injected = || LossCause::Failed("injected".to_owned());
        match self.script.meet(operation, shelf) {
            None => call(),
            Some(Effect::Fail) => Err(KvError::Unavailable {
                shelf,
                detail: "injected".to_owned(),
            }),
            Some(Effect::LoseBefore) => Err(self.lose(shelf, injected())),
            Some(Effect::LoseAfter) => {
                call()?;
                Err(self.lose(shelf, injected()))
            }
            Some(Effect::Panic) => Err(self.lose(shelf, scripted_panic())),
        }
    }

    fn lose(&self, shelf: ShelfId, cause: LossCause) -> KvError {
        self.lost.lock().insert(shelf, cause.clone());
        KvError::ShelfLost { shelf, cause }
    }
}

/// Panics through the very guard that real engines run behind, so that the guard is tested with them.
#[expect(clippy::panic, reason = "the script asked for a panic of the engine")]
fn scripted_panic() -> LossCause {
    guarded(|| panic!("injected")).map_or_else(|cause| cause, |()| LossCause::Failed("no panic".to_owned()))
}

struct FaultyTable {
    inner: Arc<dyn Table>,
    weather: Arc<Weather>,
}

impl Table for FaultyTable {
    fn shelf(&self) -> ShelfId {
        self.inner.shelf()
    }

    fn apply_batch(&self, batch: &Batch) -> Result<(), KvError> {
        self.weather.run(Operation::ApplyBatch, self.shelf(), || {
            self.inner.apply_batch(batch)
        })
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.weather
            .run(Operation::Get, self.shelf(), || self.inner.get(key))
    }

    fn range(&self, range: &KeyRange, direction: Direction) -> Result<Rows<'_>, KvError> {
        let shelf = self.shelf();
        let rows = self
            .weather
            .run(Operation::Range, shelf, || self.inner.range(range, direction))?;
        Ok(self.weather.rows(shelf, rows))
    }

    fn view(&self) -> Result<Box<dyn View + '_>, KvError> {
        let shelf = self.shelf();
        let inner = self.weather.run(Operation::View, shelf, || self.inner.view())?;
        Ok(Box::new(FaultyView {
            inner,
            shelf,
            weather: &self.weather,
        }))
    }

    fn checkpoint(&self) -> Result<(), KvError> {
        self.weather
            .run(Operation::Checkpoint, self.shelf(), || self.inner.checkpoint())
    }

    fn wipe(&self) -> Result<(), KvError> {
        self.weather
            .run(Operation::Wipe, self.shelf(), || self.inner.wipe())
    }
}

struct FaultyView<'a> {
    inner: Box<dyn View + 'a>,
    shelf: ShelfId,
    weather: &'a Weather,
}

impl View for FaultyView<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.weather
            .run(Operation::Get, self.shelf, || self.inner.get(key))
    }

    fn range(&self, range: &KeyRange, direction: Direction) -> Result<Rows<'_>, KvError> {
        let rows = self.weather.run(Operation::Range, self.shelf, || {
            self.inner.range(range, direction)
        })?;
        Ok(self.weather.rows(self.shelf, rows))
    }
}

impl Weather {
    /// Lets each row of a range meet the script, and ends after the first error.
    fn rows<'a>(&'a self, shelf: ShelfId, rows: Rows<'a>) -> Rows<'a> {
        let mut failed = false;
        Box::new(rows.map_while(move |row| {
            if failed {
                return None;
            }
            let row = self.run(Operation::Range, shelf, || row);
            failed = row.is_err();
            Some(row)
        }))
    }
}
