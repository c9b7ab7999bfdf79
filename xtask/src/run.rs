//! Runs other programs and finds the pinned tools.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Writes one line to standard error; reports are for people, standard output stays free for data.
pub fn say(line: &str) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Runs `program` in `root` and fails unless it exits with zero.
pub fn run(root: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    run_with(root, program, arguments, &[])
}

/// Runs `program` in `root` with extra environment variables and fails unless it exits with zero.
pub fn run_with(root: &Path, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    say(&format!("$ {program} {}", arguments.join(" ")));
    let status = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .env("PATH", search_path()?)
        .current_dir(root)
        .status()
        .with_context(|| format!("`{program}` does not start"))?;
    if !status.success() {
        bail!("`{program} {}` failed: {status}", arguments.join(" "));
    }
    Ok(())
}

/// Returns the standard output of `program`, which must exit with zero.
pub fn output(root: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", search_path()?)
        .current_dir(root)
        .output()
        .with_context(|| format!("`{program}` does not start"))?;
    if !output.status.success() {
        bail!(
            "`{program} {}` failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{program}` did not print UTF-8"))
}

/// Says whether a program of this name can be started.
pub fn exists(program: &str) -> bool {
    let Ok(path) = search_path() else { return false };
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Fails, naming the script that helps, unless `program` is there in the version that `.ci/tools` pins.
pub fn require_tool(root: &Path, program: &str) -> Result<()> {
    let pins = std::fs::read_to_string(root.join(".ci/tools")).context("reading .ci/tools")?;
    let wanted =
        pinned_version(&pins, program).with_context(|| format!("`{program}` is not in .ci/tools"))?;
    if !exists(program) {
        bail!("`{program}` {wanted} is missing: run `bash .ci/install`");
    }
    let printed = output(root, program, &["--version"])?;
    if !printed.split_whitespace().any(|word| word == wanted) {
        bail!(
            "`{program}` must be {wanted} but is {}: run `bash .ci/install`",
            printed.trim()
        );
    }
    Ok(())
}

/// Returns the version of `program` in the text of `.ci/tools`: lines of name and version.
fn pinned_version<'a>(pins: &'a str, program: &str) -> Option<&'a str> {
    pins.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let (name, version) = line.split_once(' ')?;
            (name == program).then(|| version.trim())
        })
}

/// The pinned tools come before what the machine happens to have.
fn search_path() -> Result<OsString> {
    let mut directories = vec![tools_directory().join("bin")];
    directories.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    Ok(std::env::join_paths(directories)?)
}

/// Where `.ci/install` puts the tools; outside `target/`, so that a fresh clone need not build them again.
fn tools_directory() -> PathBuf {
    if let Some(chosen) = std::env::var_os("FACTEUR_TOOLS") {
        return PathBuf::from(chosen);
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    home.join(".cache").join("facteur-tools")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_found_by_name_and_comments_are_skipped() {
        let pins = "# typos 9.9.9\ntypos 1.2.3\ncargo-deny 4.5.6\n";
        assert_eq!(pinned_version(pins, "typos"), Some("1.2.3"));
        assert_eq!(pinned_version(pins, "cargo-deny"), Some("4.5.6"));
        assert_eq!(pinned_version(pins, "cargo-nextest"), None);
    }

    #[test]
    fn a_failing_program_is_an_error() {
        assert!(run(Path::new("."), "false", &[]).is_err());
        assert!(run(Path::new("."), "true", &[]).is_ok());
        assert!(run(Path::new("."), "no-such-program-anywhere", &[]).is_err());
    }
}
