//! Matching a line of the server against what the transcript expects.

use std::collections::BTreeMap;

/// Words learnt from the server, by name.
pub(super) type Captures = BTreeMap<String, String>;

/// A piece of an expected line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    Text(String),
    /// `...`
    Any,
    /// `${name}`
    Word(String),
}

/// Splits an expected line; `literal` gives the text that `<<name>>` stands for.
pub(super) fn pieces(pattern: &str, literal: &impl Fn(&str) -> String) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        let at = ["...", "${", "<<"]
            .iter()
            .filter_map(|mark| rest.find(mark))
            .min();
        let (text, special) = rest.split_at(at.unwrap_or(rest.len()));
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        rest = special;
        if let Some(after) = rest.strip_prefix("...") {
            pieces.push(Piece::Any);
            rest = after;
        } else if let Some((name, after)) = enclosed(rest, "${", "}") {
            pieces.push(Piece::Word(name.to_owned()));
            rest = after;
        } else if let Some((name, after)) = enclosed(rest, "<<", ">>") {
            pieces.push(Piece::Text(literal(name)));
            rest = after;
        } else if let Some((mark, after)) = rest.split_at_checked(2) {
            pieces.push(Piece::Text(mark.to_owned()));
            rest = after;
        }
    }
    pieces
}

fn enclosed<'a>(text: &'a str, open: &str, close: &str) -> Option<(&'a str, &'a str)> {
    text.strip_prefix(open)?.split_once(close)
}

/// Matches a whole line and returns the words known afterwards.
pub(super) fn matches(pieces: &[Piece], line: &str, known: &Captures) -> Option<Captures> {
    let Some((piece, rest)) = pieces.split_first() else {
        return line.is_empty().then(|| known.clone());
    };
    match piece {
        Piece::Text(text) => matches(rest, line.strip_prefix(text.as_str())?, known),
        Piece::Any => {
            let mut ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
            ends.find_map(|at| matches(rest, line.get(at..)?, known))
        }
        Piece::Word(name) => match known.get(name) {
            Some(word) => matches(rest, line.strip_prefix(word.as_str())?, known),
            None => {
                let word = line
                    .split([' ', '(', ')', '[', ']', '<', '>'])
                    .next()
                    .filter(|word| !word.is_empty())?;
                let mut learnt = known.clone();
                learnt.insert(name.clone(), word.to_owned());
                matches(rest, line.get(word.len()..)?, &learnt)
            }
        },
    }
}

/// Puts learnt words into a line of the client.
pub(super) fn fill(text: &str, known: &Captures) -> String {
    let mut filled = text.to_owned();
    for (name, word) in known {
        filled = filled.replace(&format!("${{{name}}}"), word);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, line: &str, expected: bool) {
        let pieces = pieces(pattern, &|name| format!("{{{}}}", name.len()));
        let known = Captures::from([("uid".to_owned(), "7".to_owned())]);
        assert_eq!(
            matches(&pieces, line, &known).is_some(),
            expected,
            "{pattern} against {line}"
        );
    }

    #[test]
    fn lines_match_piece_by_piece() {
        check("* 1 EXISTS", "* 1 EXISTS", true);
        check("* 1 EXISTS", "* 11 EXISTS", false);
        check("a OK ...", "a OK [X] done", true);
        check("... [X] ...", "a OK [X] done", true);
        check("UID ${uid})", "UID 7)", true);
        check("UID ${uid})", "UID 8)", false);
        check("${new} ${new}", "5 5", true);
        check("${new} ${new}", "5 6", false);
        check("x <<four>> y", "x {4} y", true);
    }
}
