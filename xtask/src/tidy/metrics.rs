//! Names of metrics come from one place: every `"facteur_.."` in a crate is in the catalog, and every metric of the
//! catalog is fed by a crate.

use std::collections::HashSet;

use super::Finding;
use super::lexer::Kind;
use crate::catalog;
use crate::repo::Repo;

const PREFIX: &str = "\"facteur_";
const CATALOG: &str = "crates/observability/src/catalog.rs";

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut fed, mut declares) = (HashSet::new(), false);
    for (file, source, package) in repo.product_sources() {
        if file.path.ends_with(CATALOG) {
            declares = true;
            continue;
        }
        // The tests of the catalog itself use names that are not in it, on purpose.
        if package.name == "observability" && file.is_test {
            continue;
        }
        for token in source.tokens.iter().filter(|token| token.kind == Kind::Literal) {
            let name = token.text.trim_matches('"');
            if !file.is_test {
                fed.insert(name);
            }
            if token.text.starts_with(PREFIX) && is_name(name) && catalog::find(name).is_none() {
                let text = format!("the metric `{name}` is not in crates/observability/src/catalog.rs");
                findings.push(Finding::new(&file.path, token.line, text));
            }
        }
    }
    if declares {
        let unfed = unfed(&fed).map(|name| format!("the metric `{name}` is fed by nothing"));
        findings.extend(unfed.map(|text| Finding::new(CATALOG, 1, text)));
    }
    findings
}

/// Returns the metrics of the catalog that are not among these names.
fn unfed<'a>(fed: &'a HashSet<&str>) -> impl Iterator<Item = &'static str> + 'a {
    let names = catalog::METRICS.iter().map(|metric| metric.name);
    names.filter(|name| !fed.contains(name))
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

    #[test]
    fn a_metric_that_nothing_feeds_is_found() {
        let all: HashSet<&str> = catalog::METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(unfed(&all).count(), 0);
        let most: HashSet<&str> = all
            .iter()
            .copied()
            .filter(|name| *name != "facteur_logins")
            .collect();
        assert_eq!(unfed(&most).collect::<Vec<_>>(), ["facteur_logins"]);
        assert!(unfed(&HashSet::new()).count() > 10);
    }
}
