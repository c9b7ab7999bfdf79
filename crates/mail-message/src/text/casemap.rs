//! Comparison that ignores case and compatibility forms, after `i;unicode-casemap` (RFC 5051 §2).

use unicode_normalization::char::decompose_compatible;

/// Appends the folded form of `text`.
///
/// Each character is folded alone, so folding the pieces of a text gives the pieces of the folded text.
/// Where RFC 5051 takes titlecase this takes uppercase, and takes it again after decomposing, so that
/// ligatures are found too.
pub(crate) fn fold_into(text: &str, out: &mut String) {
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character.to_ascii_uppercase());
        } else {
            decompose_compatible(simple_uppercase(character), |part| {
                out.push(simple_uppercase(part))
            });
        }
    }
}

/// Returns the folded form of `text`.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}

/// Uppercase by simple mappings only (RFC 5051 §2 step 1): a character whose uppercase is several stays.
fn simple_uppercase(character: char) -> char {
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) => single,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_compatibility_forms_fold() {
        assert_eq!(fold("Straße ﬁx"), fold("STRAßE FIX"));
        assert_eq!(fold("é"), fold("E\u{301}"));
        assert_eq!(fold("Ω"), fold("ω"));
        assert_ne!(fold("a"), fold("b"));
    }
}
