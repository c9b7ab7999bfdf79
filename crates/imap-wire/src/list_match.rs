//! Matching mailbox names against LIST patterns (RFC 3501 §6.3.8).

use crate::error::WireError;
use smallvec::SmallVec;

/// The hierarchy delimiter of this server.
pub const DELIMITER: char = '/';

/// The most wildcards that a pattern may have. Adjacent ones count once.
pub const WILDCARDS_MAX: usize = 64;

/// A LIST pattern: reference and mailbox argument together, decoded to UTF-8.
///
/// `*` matches any run of characters, `%` any run without the delimiter. Matching takes time in the
/// product of pattern and name at most: no input makes it exponential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    tokens: Vec<Token>,
    /// How many characters a name must have at least.
    literals: usize,
}

/// Which token positions a name has reached so far.
type Reached = SmallVec<[bool; 64]>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `%`
    Level,
    /// `*`
    Any,
}

impl Pattern {
    /// Compiles `text`. A leading `INBOX` level matches in any case, as the mailbox does.
    pub fn new(text: &str) -> Result<Self, WireError> {
        let mut tokens: Vec<Token> = Vec::with_capacity(text.len());
        for token in canonical_inbox(text).chars().map(token) {
            push_collapsed(&mut tokens, token);
        }
        let literals = tokens
            .iter()
            .filter(|token| matches!(token, Token::Literal(_)))
            .count();
        if tokens.len() - literals > WILDCARDS_MAX {
            return Err(WireError::TooManyWildcards);
        }
        Ok(Self { tokens, literals })
    }

    /// Tells whether `name`, a decoded mailbox name, matches the whole pattern.
    pub fn matches(&self, name: &str) -> bool {
        // So a long pattern costs nothing on short names.
        self.literals <= name.len() && self.run(name.chars()).last().copied().unwrap_or(false)
    }

    /// Tells whether some child of `name`, at any depth, could match the pattern.
    ///
    /// LIST answers a parent that does not exist itself when `%` stops at it (RFC 3501 §6.3.8), and
    /// RECURSIVEMATCH looks below a mailbox (RFC 5258 §3).
    pub fn may_match_below(&self, name: &str) -> bool {
        self.run(name.chars().chain([DELIMITER]))
            .iter()
            .any(|reached| *reached)
    }

    /// Returns the positions reached after all of `characters`.
    fn run(&self, characters: impl Iterator<Item = char>) -> Reached {
        let mut states: Reached = smallvec::smallvec![false; self.tokens.len() + 1];
        if let Some(first) = states.first_mut() {
            *first = true;
        }
        self.close(&mut states);
        for character in characters {
            self.step(&mut states, character);
            if !states.contains(&true) {
                break;
            }
        }
        states
    }

    /// Advances the set of reached token positions by one character of the name.
    fn step(&self, states: &mut [bool], character: char) {
        let mut carry = false;
        let mut positions = states.iter_mut();
        for token in &self.tokens {
            let Some(state) = positions.next() else { break };
            let (stay, advance) = match token {
                Token::Any => (*state, false),
                Token::Level => (*state && character != DELIMITER, false),
                Token::Literal(wanted) => (false, *state && *wanted == character),
            };
            *state = stay || carry;
            carry = advance;
        }
        if let Some(end) = positions.next() {
            *end = carry;
        }
        self.close(states);
    }

    /// Lets each reached wildcard match nothing.
    fn close(&self, states: &mut [bool]) {
        let mut carry = false;
        for (index, state) in states.iter_mut().enumerate() {
            *state |= carry;
            carry = *state && matches!(self.tokens.get(index), Some(Token::Any | Token::Level));
        }
    }
}

fn token(character: char) -> Token {
    match character {
        '*' => Token::Any,
        '%' => Token::Level,
        other => Token::Literal(other),
    }
}

/// Adjacent wildcards match what the stronger of them does.
fn push_collapsed(tokens: &mut Vec<Token>, token: Token) {
    match (tokens.last_mut(), token) {
        (Some(last @ Token::Level), Token::Any) => *last = Token::Any,
        (Some(Token::Level | Token::Any), Token::Level) | (Some(Token::Any), Token::Any) => {}
        _ => tokens.push(token),
    }
}

/// RFC 3501 §5.1: INBOX is case-insensitive, and so is it as the parent of other mailboxes.
fn canonical_inbox(text: &str) -> String {
    match text.split_at_checked(5) {
        Some((head, tail))
            if head.eq_ignore_ascii_case("INBOX")
                && (tail.is_empty() || tail.starts_with([DELIMITER, '*', '%'])) =>
        {
            format!("INBOX{tail}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, name: &str, expected: bool) {
        let compiled = Pattern::new(pattern).expect("pattern");
        assert_eq!(compiled.matches(name), expected, "{pattern} on {name}");
    }

    #[test]
    fn wildcards() {
        check("*", "a/b/c", true);
        check("%", "a", true);
        check("%", "a/b", false);
        check("a/%", "a/b", true);
        check("a/%", "a", false);
        check("a/%/c", "a/b/c", true);
        check("a*c", "a/b/c", true);
        check("a%c", "a/c", false);
        check("%%*%", "x/y", true);
        check("", "", true);
        check("", "a", false);
        check("été%", "étéx", true);
    }

    #[test]
    fn inbox_in_any_case() {
        check("inbox", "INBOX", true);
        check("Inbox/%", "INBOX/x", true);
        check("inbox%", "INBOX", true);
        check("inboxes", "INBOXes", false);
    }

    #[test]
    fn parents() {
        let pattern = Pattern::new("a/%/c").expect("pattern");
        assert!(pattern.may_match_below("a"));
        assert!(pattern.may_match_below("a/b"));
        assert!(!pattern.may_match_below("b"));
        assert!(!pattern.may_match_below("a/b/c"));
        assert!(!Pattern::new("%").expect("pattern").may_match_below("a"));
    }

    #[test]
    fn wildcards_are_bounded_after_collapsing() {
        assert!(Pattern::new(&"*".repeat(10_000)).is_ok());
        assert!(Pattern::new(&"a*".repeat(64)).is_ok());
        assert_eq!(Pattern::new(&"a*".repeat(65)), Err(WireError::TooManyWildcards));
    }

    /// The obvious exponential definition, for short inputs.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(('*', tail)), None) | (Some(('%', tail)), None) => naive(tail, name),
            (Some(('*', tail)), Some((_, rest))) => naive(tail, name) || naive(pattern, rest),
            (Some(('%', tail)), Some((c, rest))) => naive(tail, name) || (*c != '/' && naive(pattern, rest)),
            (Some((p, tail)), Some((c, rest))) => p == c && naive(tail, rest),
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab/*%]{0,10}", name in "[ab/]{0,10}") {
            let expected = naive(
                &pattern.chars().collect::<Vec<_>>(),
                &name.chars().collect::<Vec<_>>(),
            );
            prop_assert_eq!(Pattern::new(&pattern).expect("pattern").matches(&name), expected);
        }
    }
}
