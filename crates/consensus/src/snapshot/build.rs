//! Building a snapshot in small steps, while entries go on being applied.

use std::collections::VecDeque;
use std::sync::Arc;

use super::manifest::{Header, Manifest, Part, Section};
use super::pack::{self, PackWriter};
use super::store::{SnapshotStore, StoredSnapshot};
use super::{PART_BYTES, SnapshotError};
use crate::machine::Subject;
use crate::tables::GroupTables;

/// A snapshot that is being built. Whoever drives it calls [`SnapshotBuild::step`] until it is finished.
pub(crate) struct SnapshotBuild {
    store: Arc<SnapshotStore>,
    tables: Arc<GroupTables>,
    previous: Option<Arc<StoredSnapshot>>,
    manifest: Manifest,
    todo: VecDeque<Todo>,
    running: Option<(Subject, Section)>,
    pack: Option<PackWriter>,
    written_bytes: u64,
}

/// How a subject gets into the snapshot.
enum Todo {
    /// Its rows are read from the tables.
    Capture(Subject),
    /// Its parts are copied from a pack that is mostly garbage.
    Copy(Subject, Section),
}

impl SnapshotBuild {
    /// Fixes the position of the snapshot and decides what must be written.
    pub(crate) fn begin(store: Arc<SnapshotStore>, tables: Arc<GroupTables>) -> Result<Self, SnapshotError> {
        let previous = store.current();
        let (state, index, rows) = tables.capture_header()?;
        let rows = rows.into_iter().map(|row| (row.key, row.value)).collect();
        let mut manifest = Manifest {
            state,
            header: Header { index, rows },
            ..Manifest::default()
        };
        let mut todo = VecDeque::new();
        for (subject, index) in tables.subjects()? {
            let known = previous
                .as_ref()
                .and_then(|previous| previous.manifest.sections.get(&subject));
            match known {
                Some(section) if section.index == index => {
                    manifest.sections.insert(subject, section.clone());
                }
                Some(_) | None => todo.push_back(Todo::Capture(subject)),
            }
        }
        let mut build = Self {
            store,
            tables,
            previous,
            manifest,
            todo,
            running: None,
            pack: None,
            written_bytes: 0,
        };
        build.plan_copies()?;
        Ok(build)
    }

    /// Returns how many bytes of parts were written, for when the next snapshot should be.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Does a bounded amount of work. Returns the snapshot once it is durable.
    pub(crate) fn step(&mut self) -> Result<Option<Arc<StoredSnapshot>>, SnapshotError> {
        if self.running.is_some() {
            return self.capture_more().map(|()| None);
        }
        match self.todo.pop_front() {
            Some(Todo::Capture(subject)) => {
                // A subject that has gone meanwhile is left out: replay removes it again.
                if let Some(index) = self.tables.begin_capture(&subject)? {
                    self.running = Some((
                        subject,
                        Section {
                            index,
                            parts: Vec::new(),
                        },
                    ));
                }
                Ok(None)
            }
            Some(Todo::Copy(subject, section)) => self.copy(subject, section).map(|()| None),
            None => self.finish().map(Some),
        }
    }

    /// Plans to move the living parts out of packs that are less than half alive.
    fn plan_copies(&mut self) -> Result<(), SnapshotError> {
        for (pack, live) in SnapshotStore::live_bytes(&self.manifest) {
            if live.saturating_mul(2) >= self.store.pack_bytes(pack)? {
                continue;
            }
            let lies_there = |section: &Section| section.parts.iter().any(|part| part.pack == pack);
            let moving = self
                .manifest
                .sections
                .extract_if(.., |_, section| lies_there(section));
            self.todo
                .extend(moving.map(|(subject, section)| Todo::Copy(subject, section)));
        }
        Ok(())
    }

    fn capture_more(&mut self) -> Result<(), SnapshotError> {
        let replaced = || SnapshotError::Incomplete {
            detail: "the tables were replaced meanwhile".to_owned(),
        };
        let captured = self.tables.captured_rows(PART_BYTES)?.ok_or_else(replaced)?;
        let Some((subject, mut section)) = self.running.take() else {
            return Ok(());
        };
        if !captured.rows.is_empty() {
            section
                .parts
                .push(self.write(&pack::encode_rows(&subject, captured.rows))?);
        }
        if !captured.is_last {
            self.running = Some((subject, section));
        } else if !section.parts.is_empty() || self.is_ahead(&section) {
            self.manifest.sections.insert(subject, section);
        }
        Ok(())
    }

    /// Tells whether a subject is held as of a later entry than the snapshot's position. Even one without rows must
    /// say so then: replay would apply entries to what was there no longer, with other results than the first time.
    fn is_ahead(&self, section: &Section) -> bool {
        Some(section.index) > self.manifest.state.last.map(|last| last.index)
    }

    fn copy(&mut self, subject: Subject, section: Section) -> Result<(), SnapshotError> {
        let mut parts = Vec::with_capacity(section.parts.len());
        for part in &section.parts {
            let bytes = self.store.read_part(part)?;
            parts.push(self.write(&bytes)?);
        }
        self.manifest.sections.insert(
            subject,
            Section {
                index: section.index,
                parts,
            },
        );
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<Part, SnapshotError> {
        self.written_bytes += bytes.len() as u64;
        let pack = match &mut self.pack {
            Some(pack) => pack,
            none => none.insert(self.store.create_pack()?),
        };
        pack.add(bytes)
    }

    fn finish(&mut self) -> Result<Arc<StoredSnapshot>, SnapshotError> {
        let pack = self.pack.take();
        let id = pack.as_ref().map_or(0, PackWriter::id);
        pack.map_or(Ok(()), PackWriter::finish)?;
        // Until now the previous snapshot was held because sections refer to its packs; from here on the store
        // keeps those that the new manifest names.
        self.previous = None;
        self.store.publish(std::mem::take(&mut self.manifest), id)
    }
}

impl Drop for SnapshotBuild {
    fn drop(&mut self) {
        // A build that failed or was given up leaves a pack that the next collection removes.
        if let Some(pack) = &self.pack {
            self.store.abandon_pack(pack.id());
        }
    }
}
