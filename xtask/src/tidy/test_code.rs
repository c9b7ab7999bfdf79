//! What tests may not do (CODE-STYLE §7): be skipped anywhere; sleep, read the clock or use the network in `crates/`.

use super::Finding;
use super::source::Source;
use crate::repo::{File, Repo};

/// Banned in the tests of `crates/`. Sockets of the file system and in-memory pipes are neither network nor port.
const BANNED: &[(&str, &str)] = &[
    ("thread::sleep", "tests do not sleep; wait for the condition"),
    (
        "thread::park_timeout",
        "tests do not sleep; wait for the condition",
    ),
    ("SystemTime::now", "tests do not read the clock"),
    ("Instant::now", "tests do not read the clock"),
    (
        "TcpListener::bind",
        "tests in crates/ do not use the network; use an in-memory pipe",
    ),
    (
        "TcpStream::connect",
        "tests in crates/ do not use the network; use an in-memory pipe",
    ),
    (
        "TcpSocket::new_v4",
        "tests in crates/ do not use the network; use an in-memory pipe",
    ),
    (
        "TcpSocket::new_v6",
        "tests in crates/ do not use the network; use an in-memory pipe",
    ),
    (
        "UdpSocket::bind",
        "tests in crates/ do not use the network; use an in-memory pipe",
    ),
];

/// Allowed only where time is simulated: with `start_paused` tokio's clock moves when every task waits.
const NEEDS_PAUSED_TIME: &[&str] = &[
    "time::sleep",
    "time::sleep_until",
    "time::interval",
    "time::Instant::now",
];

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &repo.files {
        let Some(source) = &file.source else { continue };
        check_ignored(file, source, &mut findings);
    }
    for (file, source, package) in repo.product_sources() {
        // The simulator's code is a test of whole clusters on simulated time and network.
        if package.name != "simulation" {
            check_determinism(file, source, &mut findings);
        }
    }
    findings
}

fn check_ignored(file: &File, source: &Source, findings: &mut Vec<Finding>) {
    for (at, token) in source.tokens.iter().enumerate() {
        let inside_attribute = source.is(at.wrapping_sub(1), "[") && source.is(at.wrapping_sub(2), "#");
        if token.text == "ignore" && inside_attribute {
            findings.push(Finding::new(
                &file.path,
                token.line,
                "`#[ignore]`: a test runs or is deleted",
            ));
        }
    }
}

fn check_determinism(file: &File, source: &Source, findings: &mut Vec<Finding>) {
    let paused = source
        .tokens
        .iter()
        .any(|token| token.text == "start_paused" || token.text == "turmoil");
    for path in source.paths().iter().filter(|path| file.is_test_line(path.line)) {
        let tokio_time = NEEDS_PAUSED_TIME.iter().any(|item| path.ends_with(item));
        if tokio_time && paused {
            continue;
        }
        let banned = BANNED
            .iter()
            .find(|(banned, _)| path.ends_with(banned))
            .map(|(_, reason)| *reason);
        let reason =
            banned.or_else(|| tokio_time.then_some("real time in a test; use `start_paused = true`"));
        if let Some(reason) = reason {
            findings.push(Finding::new(&file.path, path.line, format!("`{path}`: {reason}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{expect, manifest};
    use super::*;

    fn case(path: &str, text: &str, expected: &[&str]) {
        let proxy = manifest("proxy", &[], &[]);
        let cluster_tests = manifest("cluster-tests", &[], &[]);
        let manifests = [
            ("crates/proxy/Cargo.toml", proxy.as_str()),
            ("tests/Cargo.toml", &cluster_tests),
        ];
        expect(check, &[manifests[0], manifests[1], (path, text)], expected);
    }

    #[test]
    fn skipped_tests_are_refused_everywhere() {
        let text = format!("#[test]\n#[{}]\nfn f() {{}}", "ignore");
        case("crates/proxy/src/a.rs", &text, &["a.rs:2: `#[ignore]`"]);
        case(
            "tests/src/a.rs",
            &text.replace("ignore", "ignore = \"slow\""),
            &["a.rs:2: `#[ignore]`"],
        );
        case("crates/proxy/src/a.rs", "let ignore = [ignore];", &[]);
    }

    #[test]
    fn tests_of_crates_do_not_sleep_nor_use_clock_or_network() {
        let in_test = |body: &str| format!("#[test]\nfn f() {{ {body} }}");
        case(
            "crates/proxy/src/a.rs",
            &in_test("std::thread::sleep(d)"),
            &["do not sleep"],
        );
        case(
            "crates/proxy/src/a.rs",
            &in_test("Instant::now()"),
            &["do not read the clock"],
        );
        case(
            "crates/proxy/tests/a.rs",
            "fn f() { TcpListener::bind(a) }",
            &["do not use the network"],
        );
        case(
            "crates/proxy/src/a.rs",
            "fn f() { Instant::now(); TcpListener::bind(a) }",
            &[],
        );
        case(
            "tests/src/a.rs",
            "fn f() { std::thread::sleep(d); TcpListener::bind(a) }",
            &[],
        );
    }

    #[test]
    fn simulated_time_is_allowed() {
        case(
            "crates/proxy/tests/a.rs",
            "fn f() { tokio::time::sleep(d) }",
            &["use `start_paused = true`"],
        );
        let paused = "#[tokio::test(start_paused = true)]\nasync fn f() { tokio::time::sleep(d); std::thread::sleep(d) }";
        case("crates/proxy/tests/a.rs", paused, &["do not sleep"]);
    }
}
