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
        // The simulator's code is a test of whole clusters on simulated time and network; a benchmark is no test.
        if package.name == "simulation" || file.path.contains("/benches/") {
            continue;
        }
        let paused =
            simulates_time(source) || (!holds_tests(source) && packages_simulate_time(repo, &package.name));
        check_determinism(file, source, paused, &mut findings);
    }
    findings
}

fn simulates_time(source: &Source) -> bool {
    source
        .tokens
        .iter()
        .any(|token| token.text == "start_paused" || token.text == "turmoil")
}

/// Says whether a file has tests of its own, as opposed to what tests in other files call.
fn holds_tests(source: &Source) -> bool {
    source.tokens.iter().enumerate().any(|(at, token)| {
        let behind = source.text(at + 1);
        token.text == "test" && (behind == "]" || behind == "(") && source.is(at.wrapping_sub(1), ":")
    })
}

fn packages_simulate_time(repo: &Repo, name: &str) -> bool {
    repo.product_sources()
        .any(|(_, source, package)| package.name == name && simulates_time(source))
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

fn check_determinism(file: &File, source: &Source, paused: bool, findings: &mut Vec<Finding>) {
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

    #[test]
    fn what_tests_on_simulated_time_call_is_simulated_too() {
        let proxy = manifest("proxy", &[], &[]);
        let manifest = ("crates/proxy/Cargo.toml", proxy.as_str());
        let test = (
            "crates/proxy/tests/a.rs",
            "#[tokio::test(start_paused = true)]\nasync fn f() {}",
        );
        let helper = (
            "crates/proxy/tests/support.rs",
            "async fn wait() { tokio::time::sleep(d).await }",
        );
        expect(check, &[manifest, test, helper], &[]);
        expect(check, &[manifest, helper], &["use `start_paused = true`"]);
        let own = (
            "crates/proxy/tests/b.rs",
            "#[tokio::test]\nasync fn f() { tokio::time::sleep(d).await }",
        );
        expect(check, &[manifest, test, own], &["use `start_paused = true`"]);
    }

    #[test]
    fn benchmarks_measure_time() {
        case("crates/proxy/benches/a.rs", "fn f() { Instant::now() }", &[]);
    }
}
