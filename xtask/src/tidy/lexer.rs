//! A lexer for Rust that is just good enough to tell code, comments and test regions apart.
//!
//! The rules look at words and paths, so neither types nor precedence matter; a full parser would hide what
//! stands inside macros.

/// What a token is; the rules need no finer distinction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier, keyword or number.
    Word,
    /// One character of punctuation.
    Punct,
    /// A string, byte string or character literal, with its quotes.
    Literal,
}

/// One token of code.
#[derive(Clone, Debug)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    pub line: usize,
}

/// One comment, doc comments included, with its slashes.
#[derive(Clone, Debug)]
pub struct Comment {
    pub text: String,
    pub line: usize,
}

/// Splits Rust source into tokens and comments.
pub fn lex(source: &str) -> (Vec<Token>, Vec<Comment>) {
    let mut lexer = Lexer {
        rest: source,
        line: 1,
        tokens: Vec::new(),
        comments: Vec::new(),
    };
    while lexer.step() {}
    (lexer.tokens, lexer.comments)
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
}

impl Lexer<'_> {
    /// Takes one token or comment; returns false at the end of the source.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else {
            return false;
        };
        let line = self.line;
        if first.is_whitespace() {
            self.take(first.len_utf8());
        } else if self.rest.starts_with("//") {
            let text = self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            self.comments.push(Comment { text, line });
        } else if self.rest.starts_with("/*") {
            let text = self.take(block_comment_length(self.rest));
            self.comments.push(Comment { text, line });
        } else if let Some(length) = literal_length(self.rest) {
            self.push(Kind::Literal, length, line);
        } else if is_word(first) {
            let length = self.rest.find(|c: char| !is_word(c)).unwrap_or(self.rest.len());
            self.push(Kind::Word, length, line);
        } else {
            self.push(Kind::Punct, first.len_utf8(), line);
        }
        true
    }

    fn push(&mut self, kind: Kind, length: usize, line: usize) {
        let text = self.take(length);
        self.tokens.push(Token { kind, text, line });
    }

    fn take(&mut self, length: usize) -> String {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.line += taken.matches('\n').count();
        taken.to_owned()
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Block comments nest in Rust.
fn block_comment_length(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        if rest.is_empty() {
            break;
        }
        let step = if rest.starts_with("/*") {
            depth += 1;
            2
        } else if rest.starts_with("*/") {
            depth -= 1;
            2
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at.min(text.len())
}

/// Returns the length of the literal that `text` begins with, if it begins with one.
fn literal_length(text: &str) -> Option<usize> {
    let unprefixed = text.trim_start_matches(['b', 'c', 'r']);
    let prefix = text.len() - unprefixed.len();
    let marks = text.get(..prefix)?;
    let is_prefix = matches!(marks, "" | "b" | "c" | "r" | "br" | "cr");
    if is_prefix && marks.ends_with('r') {
        return raw_string_length(unprefixed).map(|length| prefix + length);
    }
    if is_prefix && unprefixed.starts_with('"') {
        return Some(prefix + quoted_length(unprefixed, '"'));
    }
    if matches!(marks, "" | "b") && unprefixed.starts_with('\'') {
        return char_length(unprefixed).map(|length| prefix + length);
    }
    None
}

fn raw_string_length(text: &str) -> Option<usize> {
    let hashes = text.len() - text.trim_start_matches('#').len();
    let body = text.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let body_length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(hashes + 1 + body_length)
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// Tells a character literal from a lifetime: the literal is escaped or closes after one character.
fn char_length(text: &str) -> Option<usize> {
    let mut chars = text.chars().skip(1);
    let inner = chars.next()?;
    if inner == '\\' {
        return Some(quoted_length(text, '\''));
    }
    (chars.next()? == '\'').then(|| inner.len_utf8() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let (tokens, _) = lex(source);
        let texts: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
        assert_eq!(texts, expected, "{source}");
    }

    #[test]
    fn code_is_split_into_words_punctuation_and_literals() {
        check("a::b(1)", &["a", ":", ":", "b", "(", "1", ")"]);
        check(r#"x = "a \" // b";"#, &["x", "=", r#""a \" // b""#, ";"]);
        check(r##"r#"a " b"# y"##, &[r##"r#"a " b"#"##, "y"]);
        check(
            r#"br"x" b'a' b"q" break"#,
            &[r#"br"x""#, "b'a'", r#"b"q""#, "break"],
        );
        check(
            r"'a' '\'' 'x: &'a str",
            &["'a'", r"'\''", "'", "x", ":", "&", "'", "a", "str"],
        );
        check("r#type", &["r", "#", "type"]);
    }

    #[test]
    fn comments_are_kept_apart_and_lines_are_counted() {
        let (tokens, comments) = lex("a // one\n/* two /* nested */\n */ b\n\"\n\" c");
        let lines: Vec<usize> = tokens.iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 4, 5]);
        assert_eq!(comments.len(), 2);
        assert_eq!(comments[1].line, 2);
    }
}
