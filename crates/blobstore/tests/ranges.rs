//! Any part of any blob, uploaded in any pieces.
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use blobstore::{BlobId, GroupId, UnixSeconds};
use disk::SimDisk;
use proptest::prelude::*;
use support::{noise, open, text};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_range_reads_as_the_slice(
        len in 0..400_000_usize,
        compressible in any::<bool>(),
        piece in 1..200_000_usize,
        range in (0..450_000_usize, 0..450_000_usize),
    ) {
        let bytes = if compressible { text(len) } else { noise(len) };
        let store = open(&SimDisk::new(1));
        let mut upload = store.begin(GroupId(1));
        bytes.chunks(piece).for_each(|piece| upload.push(piece).unwrap());
        let blob = upload.finish(UnixSeconds(1)).unwrap();
        prop_assert_eq!(blob, BlobId::of(&bytes));
        let expected = bytes.get(range.0.min(len)..range.1.min(len)).unwrap_or_default();
        let read = store.read(GroupId(1), &blob, range.0 as u64..range.1 as u64).unwrap();
        prop_assert!(read == expected);
        let chunks = store.reader(GroupId(1), &blob, range.0 as u64..range.1 as u64).unwrap();
        prop_assert!(chunks.map(|chunk| chunk.unwrap().len()).all(|len| len <= blobstore::CHUNK_BYTES));
    }
}
