//! Runs every file of the fuzz corpora through the checks of its target.

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/checks/imap.rs"]
mod imap;

fn check_corpus(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("corpus folder") {
        let path = entry.expect("folder entry").path();
        check(&fs::read(&path).expect("seed"));
        count += 1;
    }
    assert!(count > 0, "{} holds no seeds", folder.display());
}

#[test]
fn command_corpus() {
    check_corpus("imap_command", imap::command);
}

#[test]
fn framing_corpus() {
    check_corpus("imap_framing", imap::framing);
}

#[test]
fn mutf7_corpus() {
    check_corpus("imap_mutf7", imap::mutf7);
}
