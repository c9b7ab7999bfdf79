//! Exceptions to a rule, each with its reason at the place itself: `// tidy: allow(errors): the source's type is ..`.

use super::Finding;
use crate::repo::Repo;

/// Lines above a finding in which its waiver may stand.
const REACH: usize = 3;

/// Says whether a comment at the finding, or just above it, allows the rule to be broken there and says why.
pub fn is_waived(repo: &Repo, rule: &str, finding: &Finding) -> bool {
    let Some(source) = repo.file(&finding.path).and_then(|file| file.source.as_ref()) else {
        return false;
    };
    let near = finding.line.saturating_sub(REACH)..=finding.line;
    let mut comments = source
        .comments
        .iter()
        .filter(|comment| near.contains(&comment.line));
    finding.line > 0 && comments.any(|comment| waives(&comment.text, rule))
}

fn waives(comment: &str, rule: &str) -> bool {
    let marker = format!("tidy: allow({rule}): ");
    comment
        .split_once(&marker)
        .is_some_and(|(_, reason)| !reason.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::fake;

    fn case(text: &str, rule: &str, line: usize, expected: bool) {
        let repo = fake(&[("crates/a/src/a.rs", text)]);
        assert_eq!(
            is_waived(&repo, rule, &Finding::new("crates/a/src/a.rs", line, "x")),
            expected,
            "{text}"
        );
    }

    #[test]
    fn a_waiver_names_the_rule_and_the_reason_and_stands_close() {
        case(
            "// tidy: allow(errors): the type is the machine's\nlet a;",
            "errors",
            2,
            true,
        );
        case(
            "let a; // tidy: allow(errors): the type is the machine's",
            "errors",
            1,
            true,
        );
        case("// tidy: allow(errors)\nlet a;", "errors", 2, false);
        case("// tidy: allow(errors): \nlet a;", "errors", 2, false);
        case("// tidy: allow(tasks): b\nlet a;", "errors", 2, false);
        case("// tidy: allow(errors): b\n\n\n\nlet a;", "errors", 5, false);
        case("let a = \"tidy: allow(errors): b\";", "errors", 1, false);
    }

    #[test]
    fn findings_about_a_whole_file_cannot_be_waived() {
        case("// tidy: allow(sizes): it is long", "sizes", 0, false);
    }
}
