//! Files that are made from code and committed, so that people can read them without building anything.

use std::path::Path;

use anyhow::{Context, Result};

/// A committed file and the function that makes its text.
struct Generated {
    path: &'static str,
    make: fn() -> String,
}

const FILES: &[Generated] = &[
    Generated {
        path: "docs/configuration.md",
        make: settings::reference,
    },
    Generated {
        path: "docs/metrics.md",
        make: crate::catalog::reference,
    },
    Generated {
        path: "deploy/facteur.toml",
        make: settings::sample,
    },
];

/// Returns the paths whose text differs from what the code makes now.
pub fn stale(root: &Path) -> Result<Vec<&'static str>> {
    stale_among(root, FILES)
}

/// Writes every generated file.
pub fn write(root: &Path) -> Result<()> {
    write_all(root, FILES)
}

fn stale_among(root: &Path, files: &[Generated]) -> Result<Vec<&'static str>> {
    let mut stale = Vec::new();
    for file in files {
        let path = root.join(file.path);
        let current = std::fs::read_to_string(&path).unwrap_or_default();
        if current != (file.make)() {
            stale.push(file.path);
        }
    }
    Ok(stale)
}

fn write_all(root: &Path, files: &[Generated]) -> Result<()> {
    for file in files {
        let path = root.join(file.path);
        let folder = path.parent().context("generated files lie in a folder")?;
        std::fs::create_dir_all(folder)?;
        std::fs::write(&path, (file.make)()).with_context(|| format!("writing {}", file.path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_stale_until_written_and_after_an_edit() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let files = [Generated {
            path: "docs/a.md",
            make: || "text\n".to_owned(),
        }];
        assert_eq!(stale_among(root.path(), &files).expect("readable"), ["docs/a.md"]);
        write_all(root.path(), &files).expect("writable");
        assert!(stale_among(root.path(), &files).expect("readable").is_empty());
        std::fs::write(root.path().join("docs/a.md"), "edited\n").expect("writable");
        assert_eq!(stale_among(root.path(), &files).expect("readable"), ["docs/a.md"]);
    }
}
