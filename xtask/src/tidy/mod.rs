//! The rules of CODE-STYLE.md that no standard tool knows. Each rule is a function from the repository to its
//! findings, with tests that show it failing: a rule that cannot fail is a defect.

mod documentation;
mod errors;
mod layers;
mod lexer;
mod lints;
mod metrics;
mod names;
mod owners;
mod purity;
mod rfc;
mod sizes;
pub mod source;
mod tasks;
mod test_code;
mod waiver;
mod words;

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail};

use crate::repo::Repo;
use crate::run::say;

/// One violation of a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub path: String,
    /// Counted from 1; 0 when the finding is about the whole file.
    pub line: usize,
    pub text: String,
}

impl Finding {
    pub fn new(path: impl Into<String>, line: usize, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.text),
            line => write!(f, "{}:{line}: {}", self.path, self.text),
        }
    }
}

type Rule = fn(&Repo) -> Vec<Finding>;

const RULES: &[(&str, Rule)] = &[
    ("layers", layers::check),
    ("owners", owners::check),
    ("purity", purity::check),
    ("sizes", sizes::check),
    ("names", names::check),
    ("errors", errors::check),
    ("tasks", tasks::check),
    ("test-code", test_code::check),
    ("documentation", documentation::check),
    ("lints", lints::check),
    ("metrics", metrics::check),
    ("rfc", rfc::check),
    ("words", words::check),
];

/// Applies every rule to the work tree and fails if one is broken.
pub fn check(root: &Path) -> Result<()> {
    let repo = Repo::read(root)?;
    for note in sizes::notes(&repo) {
        say(&format!("note: {note}"));
    }
    let mut broken = 0;
    for (name, rule) in RULES {
        let mut findings = rule(&repo);
        findings.retain(|finding| !waiver::is_waived(&repo, name, finding));
        findings.sort();
        broken += findings.len();
        for finding in findings {
            say(&format!("error[{name}]: {finding}"));
        }
    }
    broken += report_stale(root)?;
    match broken {
        0 => Ok(()),
        count => bail!("tidy: {count} finding(s)"),
    }
}

/// Reports generated files that no longer agree with their source; returns how many.
fn report_stale(root: &Path) -> Result<usize> {
    let stale = crate::generated::stale(root)?;
    for path in &stale {
        say(&format!(
            "error[generated]: {path}: not current; run `cargo xtask fix`"
        ));
    }
    Ok(stale.len())
}

/// Asserts which lines a rule reports; for the tests of the rules.
#[cfg(test)]
fn expect(rule: Rule, files: &[(&str, &str)], expected: &[&str]) {
    let mut findings = rule(&crate::repo::fake(files));
    findings.sort();
    let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), expected.len(), "{shown:#?}");
    for (shown, expected) in shown.iter().zip(expected) {
        assert!(
            shown.contains(expected),
            "`{shown}` does not contain `{expected}`"
        );
    }
}

/// Returns a manifest for the tests of the rules.
#[cfg(test)]
fn manifest(name: &str, dependencies: &[&str], dev_dependencies: &[&str]) -> String {
    let table = |names: &[&str]| {
        names
            .iter()
            .map(|name| format!("{name}.workspace = true\n"))
            .collect::<String>()
    };
    format!(
        "[package]\nname = \"{name}\"\n[lints]\nworkspace = true\n[dependencies]\n{}[dev-dependencies]\n{}",
        table(dependencies),
        table(dev_dependencies)
    )
}
