//! The program under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Returns the path of the `facteur` program.
///
/// `FACTEUR_BINARY` names it when `cargo xtask` has built it once for all tests. Otherwise cargo is asked to bring it
/// up to date, so that a test never runs an older one.
///
/// # Panics
/// When it does not build.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match std::env::var_os("FACTEUR_BINARY") {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

/// Returns the root of the repository.
///
/// # Panics
/// Never: this package is a folder in it.
#[must_use]
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("invariant: tests/ is in the repository")
}

/// Returns the directory of build output that the running test lies in.
///
/// # Panics
/// When a test does not lie where cargo puts it.
#[must_use]
pub fn target_directory() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.parent().and_then(Path::parent);
    let target = profile.and_then(Path::parent);
    target.expect("target/PROFILE/deps/TEST").to_owned()
}

fn build() -> PathBuf {
    let target = target_directory();
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--package",
            "server",
            "--bin",
            "facteur",
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(repository())
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "`cargo build -p server --bin facteur` fails"
    );
    target.join("debug").join("facteur")
}
