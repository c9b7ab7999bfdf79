//! What no tracked file may contain: paths of the machine that it was written on.

use super::Finding;
use crate::repo::Repo;

/// Folders that exist on somebody's machine only, put together so that this file does not contain them.
const FOLDERS: &[&str] = &[
    concat!("/", "home/"),
    concat!("/", "Users/"),
    concat!("/", "work/"),
    concat!("/", "root/"),
];

pub fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &repo.files {
        for (at, line) in file.text.lines().enumerate() {
            if let Some(folder) = FOLDERS.iter().find(|folder| begins_path(line, folder)) {
                findings.push(Finding::new(
                    &file.path,
                    at + 1,
                    format!("a machine's own path, `{folder}`"),
                ));
            }
        }
    }
    findings
}

/// Says whether the folder stands at the beginning of a path, not inside a longer one or a URL.
fn begins_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.' | '}' | '/' | '%' | '*'))
    })
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;

    #[test]
    fn paths_of_a_machine_are_refused() {
        let case = |text: &str, expected: &[&str]| expect(check, &[("docs/a.md", text)], expected);
        for folder in FOLDERS {
            case(&format!("see {folder}me/file"), &["a machine's own path"]);
            case(&format!("\"{folder}x\""), &["docs/a.md:1"]);
            case(&format!("https://example.org{folder}x"), &[]);
            case(&format!("mail{folder}inbox"), &[]);
        }
    }
}
