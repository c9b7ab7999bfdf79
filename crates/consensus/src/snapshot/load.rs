//! Filling the tables from a snapshot.

use kv::Batch;

use super::SnapshotError;
use super::manifest::{Manifest, Section};
use super::pack;
use super::store::SnapshotStore;
use crate::machine::Subject;
use crate::tables::{self, GroupTables};

/// Replaces all rows of the group by those of the snapshot.
///
/// What is applied is written last, so that tables that were left half filled say that nothing is applied and
/// are filled again.
pub(crate) fn load(
    store: &SnapshotStore,
    manifest: &Manifest,
    tables: &GroupTables,
) -> Result<(), SnapshotError> {
    tables.reset()?;
    for (subject, section) in &manifest.sections {
        load_section(store, subject, section, tables)?;
    }
    let mut batch = Batch::new();
    let header = Subject::header();
    for (key, value) in &manifest.header.rows {
        tables::put_row(&mut batch, &header, key, value.clone());
    }
    if let Some(index) = manifest.header.index {
        tables::put_subject_index(&mut batch, &header, index);
    }
    tables::put_applied(&mut batch, &manifest.state);
    Ok(tables.commit(&batch)?)
}

fn load_section(
    store: &SnapshotStore,
    subject: &Subject,
    section: &Section,
    tables: &GroupTables,
) -> Result<(), SnapshotError> {
    for part in &section.parts {
        let bytes = store.read_part(part)?;
        let rows = pack::decode_rows(subject, bytes).map_err(|detail| store.damaged(part, detail))?;
        let mut batch = Batch::new();
        for (key, value) in rows {
            tables::put_row(&mut batch, subject, &key, value);
        }
        tables.commit(&batch)?;
    }
    let mut batch = Batch::new();
    tables::put_subject_index(&mut batch, subject, section.index);
    Ok(tables.commit(&batch)?)
}
