//! Queues have bounds and tasks have owners (CODE-STYLE §6). Clippy's `disallowed-methods` bans the same by type;
//! this rule also sees code behind `cfg` and inside macros.

use super::Finding;
use crate::repo::Repo;

const BANNED: &[(&str, &str)] = &[
    ("unbounded_channel", "a channel without a bound"),
    ("UnboundedSender", "a channel without a bound"),
    ("UnboundedReceiver", "a channel without a bound"),
    ("mpsc::unbounded", "a channel without a bound"),
    ("mpsc::channel_unbounded", "a channel without a bound"),
    ("std::sync::mpsc::channel", "a channel without a bound"),
    (
        "tokio::spawn",
        "a task without an owner: use a JoinSet or a TaskTracker",
    ),
    (
        "task::spawn",
        "a task without an owner: use a JoinSet or a TaskTracker",
    ),
    (
        "tokio::task::spawn_local",
        "a task without an owner: use a JoinSet or a TaskTracker",
    ),
];

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source, _) in repo.product_sources() {
        for path in source.paths() {
            let banned = BANNED.iter().find(|(banned, _)| path.ends_with(banned));
            if let Some((_, reason)) = banned.filter(|_| !file.is_test_line(path.line)) {
                findings.push(Finding::new(&file.path, path.line, format!("`{path}`: {reason}")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::{expect, manifest};
    use super::*;

    fn case(text: &str, expected: &[&str]) {
        let manifest = manifest("proxy", &[], &[]);
        expect(
            check,
            &[
                ("crates/proxy/Cargo.toml", &manifest),
                ("crates/proxy/src/a.rs", text),
            ],
            expected,
        );
    }

    #[test]
    fn unbounded_queues_and_unowned_tasks_are_refused() {
        case(
            "use tokio::sync::mpsc::{channel, unbounded_channel};",
            &["unbounded_channel"],
        );
        case(
            "let (a, b) = std::sync::mpsc::channel();",
            &["std::sync::mpsc::channel"],
        );
        case("tokio::spawn(f());", &["without an owner"]);
        case("use tokio::task; task::spawn(f());", &["without an owner"]);
    }

    #[test]
    fn bounded_and_owned_ones_pass() {
        case(
            "tokio::sync::mpsc::channel(8); set.spawn(f()); std::sync::mpsc::sync_channel(1);",
            &[],
        );
        case("#[cfg(test)]\nmod tests { fn f() { tokio::spawn(g()); } }", &[]);
    }
}
