//! Docs and comments (CODE-STYLE §4): every crate introduces itself, layers 0 and 1 document every public item,
//! and a note of unfinished work names its issue.

use super::Finding;
use super::layers;
use crate::repo::{File, Repo};

/// Markers of unfinished work, put together so that this file does not contain them.
const MARKERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("HA", "CK"),
];

/// Lines that a crate needs to say what it does, what it does not know and where to start.
const INTRODUCTION_LINES_MIN: usize = 3;

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &repo.packages {
        let lib = format!("{}/src/lib.rs", package.folder);
        let Some(file) = repo.file(&lib).filter(|file| !is_placeholder(file)) else {
            continue;
        };
        check_introduction(file, &mut findings);
        let strict = layers::find(&package.name).is_some_and(|row| row.layer <= 1);
        if strict && !denies_missing_docs(file) {
            findings.push(Finding::new(
                &lib,
                0,
                "layers 0 and 1 say `#![deny(missing_docs)]`",
            ));
        }
    }
    for file in &repo.files {
        check_markers(file, &mut findings);
    }
    findings
}

/// A crate that is laid out but holds no code yet.
fn is_placeholder(file: &File) -> bool {
    file.source
        .as_ref()
        .is_some_and(|source| source.tokens.is_empty())
        && file.text.lines().count() < 2
}

fn check_introduction(file: &File, findings: &mut Vec<Finding>) {
    let lines = file
        .text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .count();
    if lines < INTRODUCTION_LINES_MIN {
        let text = "begins with `//!` docs: what the crate does, what it does not know, where to start";
        findings.push(Finding::new(&file.path, 1, text));
    }
}

fn denies_missing_docs(file: &File) -> bool {
    let Some(source) = &file.source else { return false };
    source.tokens.iter().enumerate().any(|(at, token)| {
        let level = source.text(at.wrapping_sub(2));
        token.text == "missing_docs" && (level == "deny" || level == "forbid")
    })
}

fn check_markers(file: &File, findings: &mut Vec<Finding>) {
    let Some(source) = &file.source else { return };
    for comment in &source.comments {
        for (offset, line) in comment.text.lines().enumerate() {
            if MARKERS.iter().any(|marker| has_bare_marker(line, marker)) {
                let text = "unfinished work names its issue, as in `(#12)` behind the word";
                findings.push(Finding::new(&file.path, comment.line + offset, text));
            }
        }
    }
}

/// Finds the marker as a whole word that no issue number in parentheses follows.
fn has_bare_marker(line: &str, marker: &str) -> bool {
    line.match_indices(marker).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + marker.len()..).unwrap_or_default();
        let whole = !before.is_some_and(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric);
        let number = after.strip_prefix("(#").and_then(|rest| rest.split_once(')'));
        whole
            && !number
                .is_some_and(|(digits, _)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{expect, manifest};
    use super::*;

    fn case(name: &str, text: &str, expected: &[&str]) {
        let manifest = manifest(name, &[], &[]);
        let lib = format!("crates/{name}/src/lib.rs");
        expect(
            check,
            &[(&format!("crates/{name}/Cargo.toml"), &manifest), (&lib, text)],
            expected,
        );
    }

    #[test]
    fn every_crate_introduces_itself() {
        case("proxy", "//! One.\n//!\n//! Two.\nmod a;", &[]);
        case("proxy", "//! One.\nmod a;", &["begins with `//!` docs"]);
        case("proxy", "mod a;", &["begins with `//!` docs"]);
        case("proxy", "//! Placeholder.\n", &[]);
    }

    #[test]
    fn the_lower_layers_deny_missing_docs() {
        let docs = "//! One.\n//!\n//! Two.\n";
        case("wal", &format!("{docs}mod a;"), &["`#![deny(missing_docs)]`"]);
        case("wal", &format!("{docs}#![deny(missing_docs)]\nmod a;"), &[]);
        case(
            "wal",
            &format!("{docs}#![warn(missing_docs)]\nmod a;"),
            &["`#![deny(missing_docs)]`"],
        );
    }

    #[test]
    fn unfinished_work_names_an_issue() {
        let marker = MARKERS[0];
        let case = |text: &str, expected: &[&str]| expect(check, &[("tests/src/a.rs", text)], expected);
        case(&format!("// {marker}: later"), &["names its issue"]);
        case(&format!("/* a\n{marker} b */"), &["a.rs:2: unfinished"]);
        case(&format!("// {marker}(#12): later"), &[]);
        case(
            &format!("// {marker}S and \"{marker}\" in code"),
            &["names its issue"],
        );
        case(&format!("const A: &str = \"{marker}\";"), &[]);
    }
}
