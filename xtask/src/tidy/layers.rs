//! Who may use whom (CODE-STYLE §1): the table of layers, the longest chain, and the test crates' isolation.

use std::collections::BTreeMap;

use super::Finding;
use crate::repo::{Package, Repo, TEST_PACKAGES};

/// One row of the table of layers.
pub struct Row {
    pub layer: u8,
    pub name: &'static str,
    /// Our crates that this one may depend on.
    pub may_use: &'static [&'static str],
}

const fn row(layer: u8, name: &'static str, may_use: &'static [&'static str]) -> Row {
    Row { layer, name, may_use }
}

/// The table of CODE-STYLE §1. A crate that is not in it fails, so that adding one is a decision.
pub const TABLE: &[Row] = &[
    row(0, "mailstore", &[]),
    row(0, "imap-wire", &[]),
    row(0, "lmtp-wire", &[]),
    row(0, "mail-message", &["imap-wire"]),
    row(0, "directory", &["mailstore"]),
    row(1, "disk", &[]),
    row(1, "wal", &["disk"]),
    row(1, "kv", &["disk"]),
    row(1, "blobstore", &["disk"]),
    row(1, "tls", &[]),
    row(1, "rpc", &["mailstore", "tls"]),
    row(2, "auth", &["mailstore"]),
    row(2, "cluster", &["rpc", "mailstore", "directory"]),
    row(
        2,
        "consensus",
        &["wal", "kv", "rpc", "mailstore", "disk", "directory"],
    ),
    row(
        3,
        "proxy",
        &["mailstore", "imap-wire", "mail-message", "auth", "tls"],
    ),
    row(
        3,
        "storage-node",
        &[
            "cluster",
            "directory",
            "consensus",
            "blobstore",
            "wal",
            "rpc",
            "kv",
            "mailstore",
            "mail-message",
            "auth",
            "tls",
            "disk",
        ],
    ),
    row(3, "lmtp", &["mailstore", "auth", "tls", "lmtp-wire"]),
    row(3, "admin-cli", &["rpc", "mailstore", "directory"]),
    row(3, "settings", &[]),
    row(3, "observability", &[]),
    row(
        4,
        "server",
        &[
            "mailstore",
            "imap-wire",
            "lmtp-wire",
            "mail-message",
            "disk",
            "wal",
            "kv",
            "blobstore",
            "tls",
            "rpc",
            "auth",
            "cluster",
            "directory",
            "consensus",
            "proxy",
            "storage-node",
            "lmtp",
            "admin-cli",
            "settings",
            "observability",
        ],
    ),
];

/// Crates in the longest chain of dependencies that the design allows.
const CHAIN_MAX: usize = 5;

/// Returns the table's row of a crate.
pub fn find(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}

fn is_ours(name: &str) -> bool {
    find(name).is_some() || TEST_PACKAGES.contains(&name)
}

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &repo.packages {
        check_package(package, &mut findings);
    }
    if let Some(chain) = longest_chain(&repo.packages).filter(|chain| chain.len() > CHAIN_MAX) {
        let text = format!(
            "the chain {} is longer than {CHAIN_MAX} crates",
            chain.join(" → ")
        );
        findings.push(Finding::new("Cargo.toml", 0, text));
    }
    findings
}

fn check_package(package: &Package, findings: &mut Vec<Finding>) {
    if TEST_PACKAGES.contains(&package.name.as_str()) {
        return;
    }
    let path = format!("{}/Cargo.toml", package.folder);
    let Some(row) = find(&package.name) else {
        findings.push(Finding::new(
            path,
            0,
            format!("`{}` is not in the table of layers", package.name),
        ));
        return;
    };
    for used in package
        .dependencies
        .iter()
        .chain(&package.build_dependencies)
        .filter(|name| is_ours(name))
    {
        if TEST_PACKAGES.contains(&used.as_str()) {
            findings.push(Finding::new(
                &path,
                0,
                format!("products never use the test crate `{used}`"),
            ));
        } else if !row.may_use.contains(&used.as_str()) {
            let text = format!("`{}` (layer {}) may not use `{used}`", row.name, row.layer);
            findings.push(Finding::new(&path, 0, text));
        }
    }
    // A test may put a crate together with anything beneath it, and with the test crates.
    for used in &package.dev_dependencies {
        let lower = find(used).is_some_and(|used| used.layer < row.layer || row.may_use.contains(&used.name));
        if find(used).is_some() && !lower {
            let text = format!(
                "tests of `{}` (layer {}) may not use `{used}`",
                row.name, row.layer
            );
            findings.push(Finding::new(&path, 0, text));
        }
    }
}

/// Returns the longest chain of product crates, top first; cargo itself refuses cycles.
fn longest_chain(packages: &[Package]) -> Option<Vec<String>> {
    let products: BTreeMap<&str, &Package> = packages
        .iter()
        .filter(|p| find(&p.name).is_some())
        .map(|p| (p.name.as_str(), p))
        .collect();
    let mut memory = BTreeMap::new();
    products
        .keys()
        .map(|name| chain_from(name, &products, &mut memory, 0))
        .max_by_key(Vec::len)
}

fn chain_from(
    name: &str,
    products: &BTreeMap<&str, &Package>,
    memory: &mut BTreeMap<String, Vec<String>>,
    depth: usize,
) -> Vec<String> {
    if let Some(known) = memory.get(name) {
        return known.clone();
    }
    let used = products
        .get(name)
        .map_or(&[][..], |package| package.dependencies.as_slice());
    // The depth bound only matters for manifests that cargo would refuse.
    let below = used
        .iter()
        .filter(|name| products.contains_key(name.as_str()) && depth < products.len());
    let longest = below
        .map(|name| chain_from(name, products, memory, depth + 1))
        .max_by_key(Vec::len);
    let mut chain = vec![name.to_owned()];
    chain.extend(longest.unwrap_or_default());
    memory.insert(name.to_owned(), chain.clone());
    chain
}

#[cfg(test)]
mod tests {
    use super::super::{expect, manifest};
    use super::*;

    fn case(name: &str, dependencies: &[&str], dev: &[&str], expected: &[&str]) {
        let text = manifest(name, dependencies, dev);
        expect(check, &[(&format!("crates/{name}/Cargo.toml"), &text)], expected);
    }

    #[test]
    fn dependencies_follow_the_table() {
        case("proxy", &["mailstore", "imap-wire", "tokio"], &[], &[]);
        case(
            "proxy",
            &["storage-node"],
            &[],
            &["`proxy` (layer 3) may not use `storage-node`"],
        );
        case("mailstore", &["imap-wire"], &[], &["may not use `imap-wire`"]);
        case("util", &[], &[], &["`util` is not in the table of layers"]);
    }

    #[test]
    fn products_never_use_test_crates_but_their_tests_do() {
        case(
            "proxy",
            &["testkit"],
            &[],
            &["products never use the test crate `testkit`"],
        );
        case("proxy", &[], &["testkit", "cluster"], &[]);
        case(
            "cluster",
            &[],
            &["proxy"],
            &["tests of `cluster` (layer 2) may not use `proxy`"],
        );
        case("testkit", &["proxy", "storage-node"], &[], &[]);
    }

    #[test]
    fn a_chain_of_more_than_five_is_found() {
        let links = [
            ("server", "storage-node"),
            ("storage-node", "consensus"),
            ("consensus", "rpc"),
            ("rpc", "tls"),
            ("tls", "disk"),
        ];
        let mut texts: Vec<(String, String)> = links
            .iter()
            .map(|(from, to)| (format!("crates/{from}/Cargo.toml"), manifest(from, &[to], &[])))
            .collect();
        texts.push(("crates/disk/Cargo.toml".into(), manifest("disk", &[], &[])));
        let files: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let chain = "server → storage-node → consensus → rpc → tls → disk is longer";
        expect(check, &files, &[chain, "`tls` (layer 1) may not use `disk`"]);
    }

    #[test]
    fn the_table_itself_points_down() {
        for row in TABLE {
            for used in row.may_use {
                let below = find(used).expect("invariant: every crate named is in the table");
                let beside = matches!(
                    (row.name, *used),
                    (_, "disk" | "tls" | "imap-wire") | ("server", _) | ("directory", "mailstore")
                );
                assert!(below.layer < row.layer || beside, "{} → {used}", row.name);
            }
        }
    }
}
