//! Layer 0 touches nothing outside itself (CODE-STYLE §1): every replica must compute the same result from the
//! same command, and a parser must be usable anywhere.

use super::Finding;
use super::layers;
use crate::repo::{Package, Repo};

/// Paths that reach out of the process or differ between two runs. Addresses (`IpAddr`) are plain values.
const IMPURE_PATHS: &[&str] = &[
    "std::fs",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::env",
    "std::process",
    "std::thread",
    "std::io::stdin",
    "std::io::stdout",
    "std::time::SystemTime",
    "std::time::Instant",
    "SystemTime",
    "Instant",
    "tokio",
    "rand",
    "getrandom",
];

const IMPURE_DEPENDENCIES: &[&str] = &[
    "tokio",
    "tokio-util",
    "async-std",
    "smol",
    "rand",
    "getrandom",
    "rustix",
    "libc",
    "socket2",
    "tracing",
];

/// Where a replica applies commands even the order of a map would show.
const UNORDERED: &[&str] = &[
    "std::collections::HashMap",
    "std::collections::HashSet",
    "RandomState",
];

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repo.packages.iter().filter(|package| is_pure(package)) {
        for used in &package.dependencies {
            if IMPURE_DEPENDENCIES.contains(&used.as_str()) {
                let text = format!("layer 0 may not depend on `{used}`");
                findings.push(Finding::new(format!("{}/Cargo.toml", package.folder), 0, text));
            }
        }
    }
    for (file, source, _) in repo.product_sources().filter(|(_, _, package)| is_pure(package)) {
        for path in source.paths() {
            let unordered = file.path.contains("mailstore/src/apply")
                && UNORDERED.iter().any(|item| path.starts_with(item));
            let impure = IMPURE_PATHS.iter().any(|item| path.starts_with(item)) || unordered;
            if impure && !file.is_test_line(path.line) {
                findings.push(Finding::new(
                    &file.path,
                    path.line,
                    format!("layer 0 may not name `{path}`"),
                ));
            }
        }
    }
    findings
}

fn is_pure(package: &Package) -> bool {
    layers::find(&package.name).is_some_and(|row| row.layer == 0)
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
    fn clocks_files_sockets_and_randomness_are_refused() {
        case("mailstore", "use std::fs;", &["`std::fs`"]);
        case(
            "imap-wire",
            "use std::{env, fmt, net::{IpAddr, TcpStream}};",
            &["`std::env`", "`std::net::TcpStream`"],
        );
        case(
            "lmtp-wire",
            "fn f() { let t = SystemTime::now(); }",
            &["`SystemTime::now`"],
        );
        case(
            "mail-message",
            "fn f() { tokio::spawn(g()); rand::random() }",
            &["rand::random", "tokio::spawn"],
        );
    }

    #[test]
    fn tests_comments_and_other_layers_are_free() {
        case(
            "mailstore",
            "// std::fs\nconst A: &str = \"std::net\"; use std::fmt;",
            &[],
        );
        case("mailstore", "#[cfg(test)]\nmod tests { use std::fs; }", &[]);
        case("mailstore", "use std::collections::HashMap;", &[]);
        case("wal", "use std::fs;", &[]);
    }

    #[test]
    fn apply_knows_no_map_without_an_order() {
        let manifest = manifest("mailstore", &[], &[]);
        let manifest = ("crates/mailstore/Cargo.toml", manifest.as_str());
        let text = "use std::collections::{BTreeMap, HashMap};";
        expect(
            check,
            &[manifest, ("crates/mailstore/src/apply/store.rs", text)],
            &["HashMap"],
        );
        expect(check, &[manifest, ("crates/mailstore/src/read.rs", text)], &[]);
    }

    #[test]
    fn impure_dependencies_are_refused() {
        let text = manifest("mailstore", &["tokio", "bytes"], &["rand"]);
        expect(
            check,
            &[("crates/mailstore/Cargo.toml", &text)],
            &["layer 0 may not depend on `tokio`"],
        );
    }
}
