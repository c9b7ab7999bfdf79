//! Errors are types (CODE-STYLE §5): below layer 4 no `anyhow`, no `Box<dyn Error>`, no catch-all string.

use super::Finding;
use super::layers;
use super::source::Source;
use crate::repo::{Package, Repo};

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repo.packages.iter().filter(|package| is_library(package)) {
        let path = format!("{}/Cargo.toml", package.folder);
        for used in package
            .dependencies
            .iter()
            .filter(|used| ["anyhow", "eyre"].contains(&used.as_str()))
        {
            findings.push(Finding::new(
                &path,
                0,
                format!("`{used}` below layer 4: use one `thiserror` enum"),
            ));
        }
    }
    for (file, source, _) in repo
        .product_sources()
        .filter(|(_, _, package)| is_library(package))
    {
        let mut item = "";
        for at in 0..source.tokens.len() {
            if source.is(at, "enum") {
                item = source.text(at + 1);
            }
            let line = source.tokens.get(at).map_or(0, |token| token.line);
            if let Some(text) = fault_at(source, at, item)
                .filter(|_| !file.is_test_line(line) && !is_build_script(&file.path))
            {
                findings.push(Finding::new(&file.path, line, text));
            }
        }
    }
    findings
}

fn is_library(package: &Package) -> bool {
    layers::find(&package.name).is_some_and(|row| row.layer < 4)
}

/// A build script fails into cargo's output, where any words do.
fn is_build_script(path: &str) -> bool {
    path.ends_with("/build.rs")
}

/// `item` is the enum that was declared last.
fn fault_at(source: &Source, at: usize, item: &str) -> Option<&'static str> {
    let follows = |words: &[&str]| {
        words
            .iter()
            .enumerate()
            .all(|(offset, word)| source.is(at + offset, word))
    };
    if follows(&["Box", "<", "dyn"]) && names_error(source, at + 3) {
        return Some("`Box<dyn Error>` below layer 4: use one `thiserror` enum");
    }
    if item.ends_with("Error") && follows(&["Other", "(", "String", ")"]) {
        return Some("`Other(String)` says nothing: name the variant for what went wrong");
    }
    None
}

/// Says whether the path at `at` is `Error`, however it is qualified.
fn names_error(source: &Source, mut at: usize) -> bool {
    while source.is(at, ":") || source.is(at + 1, ":") {
        at += 1;
    }
    source.is(at, "Error")
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
    fn shapeless_errors_are_refused_in_libraries() {
        case("proxy", "type E = Box<dyn Error>;", &["Box<dyn Error>"]);
        case(
            "proxy",
            "type E = Box<dyn std::error::Error + Send>;",
            &["Box<dyn Error>"],
        );
        case("proxy", "enum WireError { Other(String) }", &["Other(String)"]);
        case(
            "proxy",
            "type E = Box<dyn Fn()>; enum FError { Other(Code) } enum Charset { Other(String) }",
            &[],
        );
        case("server", "type E = Box<dyn Error>;", &[]);
        case(
            "proxy",
            "#[cfg(test)]\nmod tests { type E = Box<dyn Error>; }",
            &[],
        );
    }

    #[test]
    fn anyhow_belongs_to_the_binary() {
        let text = manifest("proxy", &["anyhow"], &[]);
        expect(
            check,
            &[("crates/proxy/Cargo.toml", &text)],
            &["`anyhow` below layer 4"],
        );
        let text = manifest("server", &["anyhow"], &["anyhow"]);
        expect(check, &[("crates/server/Cargo.toml", &text)], &[]);
    }
}
