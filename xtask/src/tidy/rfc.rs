//! `docs/rfc-coverage.md` against the code (CODE-STYLE §4): each cited RFC has a row, and each row that says "yes"
//! is cited by code and by a test.

use std::collections::BTreeMap;

use super::Finding;
use crate::repo::{File, Repo};

const TABLE: &str = "docs/rfc-coverage.md";
const STATES: &[&str] = &["yes", "partial", "no"];

/// Where an RFC is cited first.
#[derive(Default)]
struct Citations {
    anywhere: Option<(String, usize)>,
    code: bool,
    test: bool,
}

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    let rows = rows(repo, &mut findings);
    let citations = citations(repo);
    for (number, cited) in &citations {
        if let Some((path, line)) = cited.anywhere.as_ref().filter(|_| !rows.contains_key(number)) {
            findings.push(Finding::new(
                path,
                *line,
                format!("RFC {number} has no row in {TABLE}"),
            ));
        }
    }
    for (number, (state, line)) in rows.iter().filter(|(_, (state, _))| state == "yes") {
        let cited = citations.get(number);
        for (place, found) in [
            ("code", cited.is_some_and(|c| c.code)),
            ("a test", cited.is_some_and(|c| c.test)),
        ] {
            if !found {
                let text = format!("RFC {number} is marked `{state}` but not cited in {place}");
                findings.push(Finding::new(TABLE, *line, text));
            }
        }
    }
    findings
}

/// Reads the rows `| 3501 | title | state | why |`: number to state and line.
fn rows(repo: &Repo, findings: &mut Vec<Finding>) -> BTreeMap<u32, (String, usize)> {
    let mut rows = BTreeMap::new();
    let Some(file) = repo.file(TABLE) else { return rows };
    for (at, line) in file.text.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", number, _title, state, note, ""] = cells.as_slice() else {
            continue;
        };
        let Ok(number) = number.parse::<u32>() else {
            continue;
        };
        if !STATES.contains(state) {
            findings.push(Finding::new(
                TABLE,
                at + 1,
                format!("state `{state}` is none of yes, partial, no"),
            ));
        }
        if note.is_empty() && *state != "yes" {
            findings.push(Finding::new(
                TABLE,
                at + 1,
                format!("RFC {number}: `{state}` needs a reason"),
            ));
        }
        if rows.insert(number, ((*state).to_owned(), at + 1)).is_some() {
            findings.push(Finding::new(TABLE, at + 1, format!("RFC {number} has two rows")));
        }
    }
    rows
}

/// Collects the citations of Rust files, protobuf files and transcripts.
fn citations(repo: &Repo) -> BTreeMap<u32, Citations> {
    let mut citations: BTreeMap<u32, Citations> = BTreeMap::new();
    for file in repo.files.iter().filter(|file| may_cite(file)) {
        for (at, line) in file.text.lines().enumerate() {
            for number in numbers(line) {
                let entry = citations.entry(number).or_default();
                entry.anywhere.get_or_insert_with(|| (file.path.clone(), at + 1));
                match is_test(file, at + 1) {
                    true => entry.test = true,
                    false => entry.code = true,
                }
            }
        }
    }
    citations
}

fn may_cite(file: &File) -> bool {
    let ours = !file.path.starts_with("xtask/") && !file.path.starts_with("docs/");
    ours && [".rs", ".proto", ".imap", ".lmtp"]
        .iter()
        .any(|ending| file.path.ends_with(ending))
}

fn is_test(file: &File, line: usize) -> bool {
    file.path.starts_with("tests/") || file.is_test_line(line)
}

/// Returns the numbers in a line's citations: `RFC 9051`, `RFC9051`, but not `RFCs`.
fn numbers(line: &str) -> Vec<u32> {
    let behind = line
        .match_indices("RFC")
        .map(|(at, word)| &line[at + word.len()..]);
    let digits = behind.map(|rest| {
        let rest = rest.strip_prefix([' ', '-', '\u{a0}']).unwrap_or(rest);
        rest.split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap_or_default()
    });
    // "RFC 822" names an item of IMAP (`RFC822.SIZE`) far more often than the document; it has no row.
    digits
        .filter_map(|digits| digits.parse().ok())
        .filter(|number| *number >= 1000)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{expect, manifest};
    use super::*;

    fn case(row: &str, code: &str, test: &str, expected: &[&str]) {
        let table = format!("| RFC | Title | State | Note |\n|---|---|---|---|\n{row}\n");
        let files = [
            ("crates/proxy/Cargo.toml", &*manifest("proxy", &[], &[])),
            (TABLE, &table),
            ("crates/proxy/src/a.rs", code),
            ("tests/transcripts/a.imap", test),
        ];
        expect(check, &files, expected);
    }

    #[test]
    fn cited_documents_have_a_row() {
        case("| 3501 | IMAP | partial | growing |", "// RFC 3501 §6.1", "", &[]);
        case(
            "| 3501 | IMAP | partial | growing |",
            "// RFC 9051 §6.1",
            "",
            &["a.rs:1: RFC 9051 has no row"],
        );
        case("", "// RFC822.SIZE and the RFCs", "", &[]);
    }

    #[test]
    fn yes_means_code_and_test() {
        let row = "| 2177 | IDLE | yes | |";
        case(row, "// RFC 2177 §3", "# RFC 2177 §3", &[]);
        case(row, "// RFC 2177 §3", "", &["not cited in a test"]);
        case(row, "", "# RFC2177", &["not cited in code"]);
        case(
            row,
            "#[cfg(test)]\nmod tests {\n// RFC 2177\n}",
            "",
            &["not cited in code"],
        );
    }

    #[test]
    fn rows_are_well_formed() {
        case("| 2177 | IDLE | maybe | x |", "", "", &["state `maybe`"]);
        case("| 2177 | IDLE | no | |", "", "", &["needs a reason"]);
        case(
            "| 2177 | IDLE | no | x |\n| 2177 | IDLE | no | x |",
            "",
            "",
            &["has two rows"],
        );
    }
}
