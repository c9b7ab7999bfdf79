//! What concerns all rows of a subject.

use xxhash_rust::xxh3::Xxh3;

use super::ReadError;
use super::changes::scan;
use crate::ids::BlobId;
use crate::layout::fixed::{FixedBlock, decode_removed};
use crate::layout::key;
use crate::rows::ReadRows;

/// Calls `visit` with the blob of every message of the account, once a message, also of those expunged
/// ones that sessions may still ask for. A blob that is not among these may go.
///
/// # Errors
/// When the tables fail.
pub fn live_blobs(rows: &dyn ReadRows, visit: &mut dyn FnMut(BlobId)) -> Result<(), ReadError> {
    scan(rows, &key::all_fixed(), &mut |key, value| {
        let block = FixedBlock::decode(key::block_in(key)?, value)?;
        block.records.iter().for_each(|record| visit(record.blob));
        Ok(true)
    })?;
    scan(rows, &key::all_expunged(), &mut |_, value| {
        let removed = decode_removed(value)?;
        removed.iter().for_each(|message| visit(message.record.blob));
        Ok(true)
    })
}

/// Returns a hash over all rows of the subject in the order of their keys. Equal on all replicas that
/// have applied the subject's entries up to the same one.
///
/// # Errors
/// When the tables fail.
pub fn state_hash(rows: &dyn ReadRows) -> Result<u128, ReadError> {
    let mut hash = Xxh3::new();
    scan(rows, &key::everything(), &mut |key, value| {
        for part in [key, value.as_ref()] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Ok(true)
    })?;
    Ok(hash.digest128())
}
