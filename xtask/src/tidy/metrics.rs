//! Names of metrics come from one place: every `"facteur_.."` in a crate is in the catalog.

use super::Finding;
use super::lexer::Kind;
use crate::catalog;
use crate::repo::Repo;

const PREFIX: &str = "\"facteur_";

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source, package) in repo.product_sources() {
        // The tests of the catalog itself use names that are not in it, on purpose.
        if package.name == "observability" && file.is_test {
            continue;
        }
        for token in source.tokens.iter().filter(|token| token.kind == Kind::Literal) {
            let name = token.text.trim_matches('"');
            if token.text.starts_with(PREFIX) && is_name(name) && catalog::find(name).is_none() {
                let text = format!("the metric `{name}` is not in crates/observability/src/catalog.rs");
                findings.push(Finding::new(&file.path, token.line, text));
            }
        }
    }
    findings
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::super::{expect, manifest};
    use super::*;

    #[test]
    fn metrics_are_in_the_catalog() {
        let case = |text: &str, expected: &[&str]| {
            let manifest = manifest("proxy", &[], &[]);
            expect(
                check,
                &[
                    ("crates/proxy/Cargo.toml", &manifest),
                    ("crates/proxy/src/metrics.rs", text),
                ],
                expected,
            );
        };
        case("let a = meter.u64_counter(\"facteur_logins\");", &[]);
        case(
            "let a = meter.u64_counter(\"facteur_logons\");",
            &["`facteur_logons` is not in"],
        );
        case("// \"facteur_logons\"\nlet a = \"facteur_ is our prefix\";", &[]);
    }
}
