//! Finds the name that somebody probably meant.

/// Returns the candidate nearest to `word`, if one is near enough to be a slip of the fingers.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let tolerance = (word.chars().count() / 3).clamp(1, 4);
    let ranked = candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate));
    ranked
        .filter(|(distance, _)| *distance <= tolerance)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Counts the insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, row by row.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before_last: (Option<char>, Vec<usize>) = (None, Vec::new());
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (done, from) in a.chars().enumerate() {
        let mut row = vec![done + 1];
        for (at, to) in b.iter().copied().enumerate() {
            let replaced = cell(&last, at) + usize::from(from != to);
            let edited = replaced.min(cell(&last, at + 1) + 1).min(cell(&row, at) + 1);
            let left = at.checked_sub(1);
            let is_swap = left.is_some_and(|left| b.get(left) == Some(&from)) && before_last.0 == Some(to);
            let swapped = left
                .filter(|_| is_swap)
                .map(|left| cell(&before_last.1, left) + 1);
            row.push(swapped.map_or(edited, |swapped| swapped.min(edited)));
        }
        before_last = (Some(from), std::mem::replace(&mut last, row));
    }
    last.last().copied().unwrap_or_default()
}

fn cell(row: &[usize], at: usize) -> usize {
    row.get(at).copied().unwrap_or(usize::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits() {
        for (a, b, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn slips_are_understood_and_other_words_are_not() {
        let names = ["append_bytes_max", "idle_keepalive", "roles"];
        assert_eq!(nearest("append_byte_max", names), Some("append_bytes_max"));
        assert_eq!(nearest("role", names), Some("roles"));
        assert_eq!(nearest("quota", names), None);
    }
}
