//! `cargo xtask fix`: the task that edits.

use std::path::Path;

use anyhow::Result;

use crate::{generated, run};

/// Writes generated files, applies clippy's suggestions, then formats.
pub fn fix(root: &Path) -> Result<()> {
    generated::write(root)?;
    let clippy = [
        "clippy",
        "--fix",
        "--allow-dirty",
        "--allow-staged",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    run::run(root, "cargo", &clippy)?;
    run::run(root, "cargo", &["fmt", "--all"])
}
