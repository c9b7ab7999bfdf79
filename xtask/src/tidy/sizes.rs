//! Sizes of files (CODE-STYLE §3). The length of functions is clippy's, see [`super::lints`].

use super::Finding;
use crate::repo::{File, Repo};

const LINES_MAX: usize = 1000;
const LINES_NOTED: usize = 500;

pub fn check(repo: &Repo) -> Vec<Finding> {
    let long = written(repo).filter(|(_, lines)| *lines > LINES_MAX);
    long.map(|(file, lines)| Finding::new(&file.path, 0, format!("{lines} lines, more than {LINES_MAX}")))
        .collect()
}

/// Returns the files to consider splitting, which break no rule yet.
pub fn notes(repo: &Repo) -> Vec<Finding> {
    let noted = written(repo).filter(|(_, lines)| (LINES_NOTED + 1..=LINES_MAX).contains(lines));
    noted
        .map(|(file, lines)| Finding::new(&file.path, 0, format!("{lines} lines; look for a split")))
        .collect()
}

/// Returns the files that people write, with their lengths.
fn written(repo: &Repo) -> impl Iterator<Item = (&File, usize)> {
    let files = repo.files.iter().filter(|file| {
        [".rs", ".proto", ".sh", ".py"]
            .iter()
            .any(|ending| file.path.ends_with(ending))
    });
    files.map(|file| (file, file.text.lines().count()))
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;
    use crate::repo::fake;

    #[test]
    fn long_files_fail_and_longish_ones_are_noted() {
        let lines = |count: usize| "x\n".repeat(count);
        expect(check, &[("crates/a/src/a.rs", &lines(1000))], &[]);
        expect(
            check,
            &[("crates/a/src/a.rs", &lines(1001))],
            &["1001 lines, more than 1000"],
        );
        expect(check, &[("Cargo.lock", &lines(5000))], &[]);
        assert_eq!(notes(&fake(&[("a.rs", &lines(500))])), []);
        assert_eq!(notes(&fake(&[("a.rs", &lines(501))])).len(), 1);
    }
}
