//! Names that say nothing (CODE-STYLE §1 and §2): packages called `util`, types called `..Manager`.

use super::Finding;
use super::source::Source;
use crate::repo::{File, Repo, TEST_PACKAGES};

/// Words without a meaning of their own, and well-known crates that ours must not be mistaken for.
const PACKAGES_BANNED: &[&str] = &[
    "common",
    "util",
    "utils",
    "core",
    "shared",
    "misc",
    "helpers",
    "base",
    "lib",
    "types",
    "imap-proto",
    "config",
    "imap-codec",
    "imap-types",
    "raft",
    "storage",
];

const TYPE_ENDINGS_BANNED: &[&str] = &["Manager", "Helper"];
const FUNCTION_STARTS_BANNED: &[&str] = &["do_", "process_"];

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &repo.packages {
        let path = format!("{}/Cargo.toml", package.folder);
        let folder = package.folder.rsplit('/').next().unwrap_or_default();
        if PACKAGES_BANNED.contains(&package.name.as_str()) {
            findings.push(Finding::new(
                &path,
                0,
                format!("`{}` is no name for a crate of ours", package.name),
            ));
        }
        if folder != package.name && !TEST_PACKAGES.contains(&package.name.as_str()) {
            findings.push(Finding::new(
                &path,
                0,
                format!("folder `{folder}` holds `{}`", package.name),
            ));
        }
    }
    for (file, source, _) in repo.product_sources() {
        check_items(file, source, &mut findings);
    }
    findings
}

/// Looks at the word behind each keyword that declares something.
fn check_items(file: &File, source: &Source, findings: &mut Vec<Finding>) {
    for (keyword, name) in source.tokens.iter().zip(source.tokens.iter().skip(1)) {
        let ends_badly = || {
            TYPE_ENDINGS_BANNED
                .iter()
                .any(|ending| name.text.ends_with(ending))
        };
        let starts_badly = || {
            FUNCTION_STARTS_BANNED
                .iter()
                .any(|start| name.text.starts_with(start))
        };
        let banned = match keyword.text.as_str() {
            "struct" | "enum" | "trait" | "type" => ends_badly(),
            "fn" => starts_badly(),
            _ => false,
        };
        if banned {
            let text = format!("`{}`: use the noun or verb of the domain", name.text);
            findings.push(Finding::new(&file.path, name.line, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{expect, manifest};
    use super::*;

    #[test]
    fn packages_are_called_what_they_are() {
        let case = |folder: &str, name: &str, expected: &[&str]| {
            expect(
                check,
                &[(&format!("crates/{folder}/Cargo.toml"), &manifest(name, &[], &[]))],
                expected,
            );
        };
        case("proxy", "proxy", &[]);
        case("util", "util", &["`util` is no name"]);
        case("a", "proxy", &["folder `a` holds `proxy`"]);
    }

    #[test]
    fn empty_words_are_refused() {
        let case = |text: &str, expected: &[&str]| {
            let manifest = manifest("proxy", &[], &[]);
            expect(
                check,
                &[
                    ("crates/proxy/Cargo.toml", &manifest),
                    ("crates/proxy/src/a.rs", text),
                ],
                expected,
            );
        };
        case("struct SessionManager;", &["`SessionManager`"]);
        case(
            "fn process_line() {} fn do_it() {}",
            &["`do_it`", "`process_line`"],
        );
        case("struct Session; fn dock() {} // struct FooManager", &[]);
    }
}
