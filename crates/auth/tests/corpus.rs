//! The corpus of the `sasl` fuzz target as an ordinary test.

#[path = "../../../fuzz/checks/sasl.rs"]
mod sasl;

use std::path::Path;

#[test]
fn the_fuzz_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/sasl");
    let mut seen = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        sasl::exchange(&std::fs::read(entry.unwrap().path()).unwrap());
        seen += 1;
    }
    assert!(seen >= 12, "the corpus is there");
}
