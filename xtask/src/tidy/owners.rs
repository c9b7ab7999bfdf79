//! One crate names each big dependency (CODE-STYLE §1), so that replacing it touches one crate.

use super::Finding;
use super::layers;
use crate::repo::Repo;

/// A dependency and the crates whose manifests may name it. Test crates are free.
const OWNERS: &[(&[&str], &[&str])] = &[
    (&["nom"], &["imap-wire", "lmtp-wire", "pop3-wire", "sieve"]),
    (&["mail-parser"], &["mail-message"]),
    (&["sled", "fjall"], &["kv"]),
    (&["openraft"], &["consensus"]),
    (&["tonic", "tonic-prost", "tonic-prost-build"], &["rpc"]),
    (
        &[
            "rustls",
            "tokio-rustls",
            "rustls-pki-types",
            "rcgen",
            "x509-parser",
        ],
        &["tls"],
    ),
    (
        &[
            "opentelemetry_sdk",
            "opentelemetry-otlp",
            "opentelemetry-prometheus",
            "tracing-subscriber",
            "prometheus",
        ],
        &["observability"],
    ),
    (&["rsasl", "argon2", "sha-crypt", "pbkdf2"], &["auth"]),
    (&["clap", "clap_complete"], &["server", "admin-cli"]),
    (&["toml"], &["settings"]),
];

/// What tests may name beyond that: the receiver that observability's exporter is tested against is tonic's.
const IN_TESTS: &[(&str, &str)] = &[("observability", "tonic")];

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repo
        .packages
        .iter()
        .filter(|package| layers::find(&package.name).is_some())
    {
        let path = format!("{}/Cargo.toml", package.folder);
        let shipped = package.dependencies.iter().chain(&package.build_dependencies);
        let tested = package.dev_dependencies.iter();
        let tested = tested.filter(|used| !IN_TESTS.contains(&(package.name.as_str(), used.as_str())));
        for used in shipped.chain(tested) {
            if let Some(owners) = owners_of(used).filter(|owners| !owners.contains(&package.name.as_str())) {
                let text = format!("`{used}` is named by {} only", owners.join(", "));
                findings.push(Finding::new(&path, 0, text));
            }
        }
    }
    findings
}

fn owners_of(dependency: &str) -> Option<&'static [&'static str]> {
    OWNERS
        .iter()
        .find(|(names, _)| names.contains(&dependency))
        .map(|(_, owners)| *owners)
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
    fn big_dependencies_have_one_owner() {
        case("kv", &["sled"], &[], &[]);
        case("consensus", &["sled"], &[], &["`sled` is named by kv only"]);
        case("proxy", &["nom", "tokio"], &[], &["`nom` is named by imap-wire"]);
        case("storage-node", &["opentelemetry"], &[], &[]);
    }

    #[test]
    fn tests_are_bound_too_but_for_the_named_exceptions() {
        case("proxy", &[], &["rustls"], &["`rustls` is named by tls only"]);
        case("observability", &[], &["tonic"], &[]);
        case(
            "observability",
            &["tonic"],
            &[],
            &["`tonic` is named by rpc only"],
        );
        case("testkit", &["sled"], &[], &[]);
    }
}
