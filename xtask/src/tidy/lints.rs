//! Lints live once in the workspace and every crate opts in (CODE-STYLE §8).

use super::Finding;
use crate::repo::Repo;

/// Lints that the rules rely on, so that nobody relaxes them in passing.
const DENIED: &[(&str, &str)] = &[
    ("rust", "unsafe_code"),
    ("clippy", "unwrap_used"),
    ("clippy", "panic"),
    ("clippy", "todo"),
    ("clippy", "dbg_macro"),
    ("clippy", "print_stdout"),
    ("clippy", "too_many_lines"),
    ("clippy", "await_holding_lock"),
    ("clippy", "cast_possible_truncation"),
    ("clippy", "allow_attributes_without_reason"),
    ("clippy", "disallowed_methods"),
];

/// Limits of `clippy.toml` that CODE-STYLE §3 names.
const THRESHOLDS: &[(&str, i64)] = &[
    ("too-many-lines-threshold", 70),
    ("too-many-arguments-threshold", 5),
];

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Fuzz targets are a workspace of their own, for a toolchain of their own.
    let ours = repo.packages.iter().filter(|package| package.folder != "fuzz");
    for package in ours.filter(|package| !package.inherits_lints) {
        let path = format!("{}/Cargo.toml", package.folder);
        findings.push(Finding::new(path, 0, "lacks `[lints] workspace = true`"));
    }
    check_levels(repo, &mut findings);
    check_thresholds(repo, &mut findings);
    findings
}

fn table(repo: &Repo, path: &str) -> Option<toml::Table> {
    repo.file(path)?.text.parse().ok()
}

fn check_levels(repo: &Repo, findings: &mut Vec<Finding>) {
    let manifest = table(repo, "Cargo.toml").unwrap_or_default();
    let lints = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("lints"));
    for (tool, lint) in DENIED {
        let level = lints
            .and_then(|lints| lints.get(tool))
            .and_then(|tool| tool.get(lint));
        if !matches!(level.and_then(toml::Value::as_str), Some("deny" | "forbid")) {
            findings.push(Finding::new(
                "Cargo.toml",
                0,
                format!("the lint {tool}::{lint} must be denied"),
            ));
        }
    }
}

fn check_thresholds(repo: &Repo, findings: &mut Vec<Finding>) {
    let limits = table(repo, "clippy.toml").unwrap_or_default();
    for (name, value) in THRESHOLDS {
        if limits.get(*name).and_then(toml::Value::as_integer) != Some(*value) {
            findings.push(Finding::new("clippy.toml", 0, format!("{name} must be {value}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{expect, manifest};
    use super::*;

    const LIMITS: &str = "too-many-lines-threshold = 70\ntoo-many-arguments-threshold = 5\n";

    fn workspace() -> String {
        let lines = |tool: &str| {
            let of_tool = DENIED.iter().filter(|(of, _)| *of == tool);
            of_tool
                .map(|(_, lint)| format!("{lint} = \"deny\"\n"))
                .collect::<String>()
        };
        format!(
            "[workspace.lints.rust]\n{}[workspace.lints.clippy]\n{}",
            lines("rust"),
            lines("clippy")
        )
    }

    #[test]
    fn a_lint_that_is_not_denied_is_found() {
        let good = workspace();
        expect(check, &[("Cargo.toml", &good), ("clippy.toml", LIMITS)], &[]);
        let weak = good
            .replace("panic = \"deny\"", "panic = \"warn\"")
            .replace("todo = \"deny\"\n", "");
        expect(
            check,
            &[("Cargo.toml", &weak), ("clippy.toml", LIMITS)],
            &["clippy::panic", "clippy::todo"],
        );
    }

    #[test]
    fn limits_are_those_of_the_style() {
        let loose = LIMITS.replace("70", "700");
        expect(
            check,
            &[("Cargo.toml", &workspace()), ("clippy.toml", &loose)],
            &["too-many-lines-threshold"],
        );
    }

    #[test]
    fn every_crate_opts_in() {
        let lax = manifest("proxy", &[], &[]).replace("workspace = true\n[dep", "workspace = false\n[dep");
        let files = [
            ("Cargo.toml", &*workspace()),
            ("clippy.toml", LIMITS),
            ("crates/proxy/Cargo.toml", &lax),
        ];
        expect(check, &files, &["lacks `[lints] workspace = true`"]);
    }
}
