//! The corpus (see `corpus/README.md`).

use std::path::{Path, PathBuf};

/// Returns the corpus directory.
pub fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// Returns all messages of the corpus by name, in order.
pub fn messages() -> Vec<(String, Vec<u8>)> {
    let directory = std::fs::read_dir(corpus().join("messages")).expect("the corpus is committed");
    let mut found: Vec<(String, Vec<u8>)> = directory
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .map(|path| {
            let name = path.file_stem().expect("named").to_string_lossy().into_owned();
            (name, std::fs::read(path).expect("readable"))
        })
        .collect();
    found.sort();
    assert!(found.len() >= 120, "the corpus has shrunk");
    found
}
