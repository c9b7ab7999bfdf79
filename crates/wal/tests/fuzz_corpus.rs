//! The corpus of the `wal_record` fuzz target as an ordinary test.

#[path = "../../../fuzz/checks/wal.rs"]
mod checks;

use std::path::Path;

#[test]
fn the_fuzz_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/wal_record");
    let mut seen = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        checks::record(&std::fs::read(entry.unwrap().path()).unwrap());
        seen += 1;
    }
    assert!(seen >= 8, "the corpus is there");
}

#[test]
fn random_bytes_do_no_harm() {
    let mut state = 1_u64;
    for round in 0..300_usize {
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let [byte, zero, ..] = state.to_be_bytes();
            // Mostly zeros, so that lengths and indexes are often small.
            if zero < 160 { 0 } else { byte }
        })
        .take(round * 4)
        .collect();
        checks::record(&bytes);
    }
}
