//! One sled instance: when it is believed, how it is lost, wiped and closed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use parking_lot::RwLock;

use super::files;
use super::marker::{Ending, Found, Marker};
use super::{BootId, SledOptions, sums};
use crate::engine::{RebuildReason, ShelfCount, ShelfId, ShelfReport, ShelfState};
use crate::guard::{guarded, message};
use crate::{KvError, LossCause};

/// A shelf, whatever state it is in.
pub(super) struct Shelf {
    id: ShelfId,
    options: Arc<SledOptions>,
    slot: RwLock<Slot>,
}

enum Slot {
    Open {
        instance: Arc<Instance>,
        state: ShelfState,
    },
    Lost {
        cause: LossCause,
        generation: u64,
    },
    Closed,
}

/// Files of one generation, open.
pub(super) struct Instance {
    pub(super) db: sled::Db,
    generation: u64,
}

/// Whether the rows are added up when a shelf is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// The files are known to be those that were closed.
    Unneeded,
    /// The last run was cut off.
    AddUp,
}

/// What the last run left behind.
enum Legacy {
    Believed { generation: u64, check: Check },
    Discarded { generation: u64, reason: RebuildReason },
}

impl Shelf {
    /// Opens the shelf, empty if what it holds cannot be believed.
    pub(super) fn open(id: ShelfId, options: Arc<SledOptions>) -> Result<Self, KvError> {
        let directory = shelf_directory(&options, id);
        let failed = |error: io::Error| KvError::Open {
            shelf: id,
            detail: error.to_string(),
        };
        fs::create_dir_all(&directory).map_err(failed)?;
        let slot = match judge(&directory, options.shelves, &options.boot_id).map_err(failed)? {
            Legacy::Discarded { generation, reason } => open_empty(id, &options, generation, reason)?,
            Legacy::Believed { generation, check } => match open_db(id, &options, generation, check) {
                Ok(instance) => Slot::Open {
                    instance,
                    state: ShelfState::Believed,
                },
                Err(cause) => open_empty(id, &options, generation, RebuildReason::OpenFailed(cause))?,
            },
        };
        Ok(Self {
            id,
            options,
            slot: RwLock::new(slot),
        })
    }

    pub(super) fn id(&self) -> ShelfId {
        self.id
    }

    /// Returns the open instance, for reading.
    pub(super) fn instance(&self) -> Result<Arc<Instance>, KvError> {
        match &*self.slot.read() {
            Slot::Open { instance, .. } => Ok(Arc::clone(instance)),
            Slot::Lost { cause, .. } => Err(KvError::ShelfLost {
                shelf: self.id,
                cause: cause.clone(),
            }),
            Slot::Closed => Err(KvError::Closed),
        }
    }

    /// Runs a read. Any error or panic loses the shelf.
    pub(super) fn read<T>(
        &self,
        instance: &Instance,
        call: impl FnOnce(&sled::Db) -> sled::Result<T>,
    ) -> Result<T, KvError> {
        flatten(guarded(|| call(&instance.db))).map_err(|cause| self.lose(instance.generation, cause))
    }

    /// Runs a write. It holds off [`Shelf::close`], so that nothing is written behind the last fsync.
    pub(super) fn write<T>(&self, call: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, KvError> {
        let slot = self.slot.read();
        let (outcome, generation) = match &*slot {
            Slot::Open { instance, .. } => (flatten(guarded(|| call(&instance.db))), instance.generation),
            Slot::Lost { cause, generation } => (Err(cause.clone()), *generation),
            Slot::Closed => return Err(KvError::Closed),
        };
        drop(slot);
        outcome.map_err(|cause| self.lose(generation, cause))
    }

    pub(super) fn report(&self) -> Result<ShelfReport, KvError> {
        let state = match &*self.slot.read() {
            Slot::Open { state, .. } => state.clone(),
            Slot::Lost { cause, .. } => ShelfState::Lost(cause.clone()),
            Slot::Closed => return Err(KvError::Closed),
        };
        let bytes_on_disk = files::bytes_below(&shelf_directory(&self.options, self.id));
        Ok(ShelfReport {
            shelf: self.id,
            state,
            bytes_on_disk,
        })
    }

    /// Moves the shelf on to an empty generation of files.
    pub(super) fn wipe(&self) -> Result<(), KvError> {
        let mut slot = self.slot.write();
        let generation = match &*slot {
            Slot::Open { instance, .. } => instance.generation,
            Slot::Lost { generation, .. } => *generation,
            Slot::Closed => return Err(KvError::Closed),
        };
        let fresh = open_empty(self.id, &self.options, generation, RebuildReason::Wiped)?;
        if let Slot::Open { instance, .. } = std::mem::replace(&mut *slot, fresh) {
            bury(instance);
        }
        Ok(())
    }

    /// Closes the instance, makes its files durable, and only then marks it as clean.
    pub(super) fn close(&self) -> Result<(), KvError> {
        let mut slot = self.slot.write();
        let Slot::Open { instance, .. } = std::mem::replace(&mut *slot, Slot::Closed) else {
            return Ok(());
        };
        let shelf = self.id;
        let Instance { db, generation } = Arc::into_inner(instance).ok_or(KvError::InUse { shelf })?;
        let flushed = guarded(|| {
            let outcome = db.flush().map(|_| ());
            drop(db);
            outcome
        });
        flatten(flushed).map_err(|cause| KvError::ShelfLost { shelf, cause })?;
        self.mark_clean(generation).map_err(|error| KvError::Unavailable {
            shelf,
            detail: error.to_string(),
        })
    }

    fn mark_clean(&self, generation: u64) -> io::Result<()> {
        let directory = shelf_directory(&self.options, self.id);
        let fingerprint = files::seal(&generation_directory(&directory, generation))?;
        let running = Marker::running(generation, self.options.shelves, &self.options.boot_id);
        Marker {
            ending: Ending::Clean { fingerprint },
            ..running
        }
        .write(&directory)
    }

    /// Gives the shelf up, unless what failed is a reader of files that have been wiped since.
    pub(super) fn lose_instance(&self, instance: &Instance, cause: LossCause) -> KvError {
        self.lose(instance.generation, cause)
    }

    fn lose(&self, failed: u64, cause: LossCause) -> KvError {
        let mut slot = self.slot.write();
        if matches!(&*slot, Slot::Open { instance, .. } if instance.generation == failed) {
            let lost = Slot::Lost {
                cause: cause.clone(),
                generation: failed,
            };
            if let Slot::Open { instance, .. } = std::mem::replace(&mut *slot, lost) {
                bury(instance);
            }
        }
        KvError::ShelfLost {
            shelf: self.id,
            cause,
        }
    }
}

fn flatten<T>(outcome: Result<sled::Result<T>, LossCause>) -> Result<T, LossCause> {
    outcome.and_then(|inner| inner.map_err(|error| LossCause::Failed(error.to_string())))
}

/// Decides whether the files of a shelf may be believed.
fn judge(directory: &Path, shelves: ShelfCount, boot_id: &BootId) -> io::Result<Legacy> {
    let marker = match Marker::read(directory)? {
        Found::Marker(marker) => marker,
        Found::Nothing | Found::Damaged => {
            let generation = newest_generation(directory)?;
            let reason = if generation == 0 {
                RebuildReason::New
            } else {
                RebuildReason::MarkerDamaged
            };
            return Ok(Legacy::Discarded { generation, reason });
        }
    };
    let generation = marker.generation;
    match distrust(directory, &marker, shelves, boot_id)? {
        None => {
            let clean = matches!(marker.ending, Ending::Clean { .. });
            let check = if clean { Check::Unneeded } else { Check::AddUp };
            Ok(Legacy::Believed { generation, check })
        }
        Some(reason) => {
            let generation = generation.max(newest_generation(directory)?);
            Ok(Legacy::Discarded { generation, reason })
        }
    }
}

/// Returns why the files beside `marker` may not be believed.
fn distrust(
    directory: &Path,
    marker: &Marker,
    shelves: ShelfCount,
    boot_id: &BootId,
) -> io::Result<Option<RebuildReason>> {
    let files = generation_directory(directory, marker.generation);
    if marker.shelves != shelves.get() {
        return Ok(Some(RebuildReason::ShelfCountChanged));
    }
    if !files.is_dir() {
        return Ok(Some(RebuildReason::FilesDamaged));
    }
    match marker.ending {
        Ending::Clean { fingerprint } => {
            let whole = files::fingerprint(&files)? == fingerprint;
            Ok((!whole).then_some(RebuildReason::FilesDamaged))
        }
        Ending::Running if marker.boot_id.is_same_run(boot_id) => Ok(None),
        Ending::Running => Ok(Some(RebuildReason::UncleanShutdown)),
    }
}

/// Opens the generation after `last` and removes all others.
fn open_empty(id: ShelfId, options: &SledOptions, last: u64, reason: RebuildReason) -> Result<Slot, KvError> {
    let directory = shelf_directory(options, id);
    let generation = last.saturating_add(1);
    // Older files go first, so that a disk filled by a bloated shelf has room for its successor. A stray
    // thread of a lost instance may still create files in them: what cannot be removed is left for the
    // next start and never opened again.
    for (_, old) in generations(&directory).unwrap_or_default() {
        drop(fs::remove_dir_all(old));
    }
    let instance = open_db(id, options, generation, Check::Unneeded).map_err(|cause| KvError::Open {
        shelf: id,
        detail: cause.to_string(),
    })?;
    Ok(Slot::Open {
        instance,
        state: ShelfState::Rebuild(reason),
    })
}

/// Marks the shelf as running and opens one generation in a thread of its own, where a panic is contained
/// together with whatever sled keeps per thread.
fn open_db(
    id: ShelfId,
    options: &SledOptions,
    generation: u64,
    check: Check,
) -> Result<Arc<Instance>, LossCause> {
    let directory = shelf_directory(options, id);
    let failed = |error: io::Error| LossCause::Failed(error.to_string());
    fs::create_dir_all(generation_directory(&directory, generation)).map_err(failed)?;
    Marker::running(generation, options.shelves, &options.boot_id)
        .write(&directory)
        .map_err(failed)?;
    let config = sled::Config::new()
        .path(generation_directory(&directory, generation))
        .cache_capacity(options.cache_bytes_per_shelf)
        .flush_every_ms(
            options
                .flush_interval
                .map(|every| u64::try_from(every.as_millis()).unwrap_or(u64::MAX)),
        );
    let opener = thread::Builder::new()
        .name(format!("open-shelf-{id}"))
        .spawn(move || {
            let db = config.open()?;
            if check == Check::AddUp && !sums::hold(&db)? {
                return Err(sled::Error::ReportableBug("the rows do not add up".to_owned()));
            }
            Ok(db)
        });
    match opener.map_err(failed)?.join() {
        Ok(Ok(db)) => Ok(Arc::new(Instance { db, generation })),
        Ok(Err(error)) => Err(LossCause::Failed(error.to_string())),
        Err(payload) => Err(LossCause::Panicked(message(payload.as_ref()))),
    }
}

/// Drops an instance that is not believed any more, away from the caller: sled flushes and joins threads
/// when dropped, which after a failure may panic or take long.
fn bury(instance: Arc<Instance>) {
    let burial = thread::Builder::new()
        .name("bury-shelf".to_owned())
        .spawn(|| guarded(|| drop(instance)));
    // Without a thread the closure, and so the instance, has been dropped here instead.
    drop(burial);
}

fn shelf_directory(options: &SledOptions, id: ShelfId) -> PathBuf {
    options.directory.join(format!("shelf-{:02}", id.get()))
}

fn generation_directory(shelf: &Path, generation: u64) -> PathBuf {
    shelf.join(format!("generation-{generation}"))
}

fn generations(shelf: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(shelf)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix("generation-"))
            .map(str::parse);
        if let Some(Ok(generation)) = number {
            found.push((generation, entry.path()));
        }
    }
    Ok(found)
}

fn newest_generation(shelf: &Path) -> io::Result<u64> {
    Ok(generations(shelf)?
        .into_iter()
        .map(|(generation, _)| generation)
        .max()
        .unwrap_or(0))
}
