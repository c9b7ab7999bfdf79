//! Cutting a blob into chunks that are compressed and checked each on its own.

/// A blob is stored in chunks of this many bytes, the last one shorter; a range read touches only the chunks
/// that it needs.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// Level 1 is the fastest that still halves mail text; the disk is rarely the bottleneck.
const COMPRESSION_LEVEL: i32 = 1;

/// One chunk as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredChunk {
    pub(crate) bytes: Vec<u8>,
    pub(crate) compressed: bool,
    pub(crate) crc: u32,
    pub(crate) raw_len: u32,
}

/// Compresses a chunk if that saves more than a tenth.
pub(crate) fn store(raw: &[u8]) -> StoredChunk {
    let raw_len = u32::try_from(raw.len()).expect("invariant: a chunk is at most 64 KiB");
    let packed = zstd::bulk::compress(raw, COMPRESSION_LEVEL)
        .ok()
        .filter(|packed| packed.len() * 10 < raw.len() * 9);
    let compressed = packed.is_some();
    let bytes = packed.unwrap_or_else(|| raw.to_vec());
    let crc = crc32c::crc32c(&bytes);
    StoredChunk {
        bytes,
        compressed,
        crc,
        raw_len,
    }
}

/// Gives back the bytes of a chunk, or `None` if they are not what was stored.
pub(crate) fn load(stored: Vec<u8>, compressed: bool, crc: u32, raw_len: usize) -> Option<Vec<u8>> {
    if crc32c::crc32c(&stored) != crc {
        return None;
    }
    let raw = if compressed {
        zstd::bulk::decompress(&stored, raw_len).ok()?
    } else {
        stored
    };
    (raw.len() == raw_len).then_some(raw)
}

/// Returns how many chunks a blob has. An empty one has none.
pub(crate) fn count(len: u64) -> usize {
    usize::try_from(len.div_ceil(CHUNK_BYTES as u64)).unwrap_or(usize::MAX)
}

/// Returns the length of one chunk of a blob.
pub(crate) fn len_of(blob_len: u64, chunk: usize) -> usize {
    let start = (chunk as u64).saturating_mul(CHUNK_BYTES as u64);
    let rest = blob_len.saturating_sub(start);
    usize::try_from(rest).unwrap_or(usize::MAX).min(CHUNK_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_shrinks_is_compressed() {
        let text = b"Received: from a by b; ".repeat(100);
        let noise: Vec<u8> = (0..4000_u32)
            .flat_map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes())
            .collect();
        for (raw, compressed) in [
            (text, true),
            (noise, false),
            (b"x".to_vec(), false),
            (vec![], false),
        ] {
            let stored = store(&raw);
            assert_eq!(stored.compressed, compressed);
            let back = load(stored.bytes, stored.compressed, stored.crc, raw.len());
            assert_eq!(back, Some(raw));
        }
    }

    #[test]
    fn damaged_chunks_do_not_load() {
        let stored = store(b"some bytes that are worth keeping");
        let mut bad = stored.bytes.clone();
        bad[3] ^= 1;
        assert_eq!(load(bad, stored.compressed, stored.crc, 33), None);
        assert_eq!(load(stored.bytes, stored.compressed, stored.crc, 32), None);
    }
}
