//! A Rust file as the rules see it: tokens, comments, the paths it names, and which parts are tests.

use super::lexer::{Comment, Kind, Token, lex};

/// One Rust file.
#[derive(Debug)]
pub struct Source {
    pub tokens: Vec<Token>,
    pub comments: Vec<Comment>,
    /// Which lines belong to `#[cfg(test)]` or `#[test]` items, as inclusive ranges.
    test_lines: Vec<(usize, usize)>,
    /// Modules declared as `#[cfg(test)] mod name;`, whose files are test code altogether.
    pub test_modules: Vec<String>,
}

/// A path such as `std::fs::read` as written, with the groups of `use` taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct NamedPath {
    pub segments: Vec<String>,
    pub line: usize,
}

impl NamedPath {
    /// Says whether the path begins with these segments, written `a::b`.
    pub fn starts_with(&self, prefix: &str) -> bool {
        let wanted: Vec<&str> = prefix.split("::").collect();
        self.segments.len() >= wanted.len() && self.segments.iter().zip(&wanted).all(|(a, b)| a == b)
    }

    /// Says whether the path ends with these segments, written `a::b`.
    pub fn ends_with(&self, suffix: &str) -> bool {
        let wanted: Vec<&str> = suffix.split("::").collect();
        self.segments.len() >= wanted.len()
            && self
                .segments
                .iter()
                .rev()
                .zip(wanted.iter().rev())
                .all(|(a, b)| a == b)
    }
}

impl std::fmt::Display for NamedPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.segments.join("::"))
    }
}

impl Source {
    pub fn parse(text: &str) -> Self {
        let (tokens, comments) = lex(text);
        let mut source = Self {
            tokens,
            comments,
            test_lines: Vec::new(),
            test_modules: Vec::new(),
        };
        source.find_tests();
        source
    }

    /// Says whether a line belongs to a test item of this file.
    pub fn is_test_line(&self, line: usize) -> bool {
        self.test_lines
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&line))
    }

    /// Returns every path of the file in order; a lone word is a path of one segment.
    pub fn paths(&self) -> Vec<NamedPath> {
        let mut paths = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            at = self.path_at(at, &[], &mut paths);
        }
        paths
    }

    /// Reads the path at `at`, expanding `{..}` groups, and returns where it ends.
    fn path_at(&self, at: usize, prefix: &[String], paths: &mut Vec<NamedPath>) -> usize {
        let Some(token) = self.tokens.get(at).filter(|token| token.kind == Kind::Word) else {
            return at + 1;
        };
        let line = token.line;
        let mut segments = prefix.to_vec();
        segments.push(token.text.clone());
        let mut end = at + 1;
        while self.is(end, ":") && self.is(end + 1, ":") {
            match self.tokens.get(end + 2) {
                Some(next) if next.kind == Kind::Word => {
                    segments.push(next.text.clone());
                    end += 3;
                }
                Some(next) if next.text == "{" => return self.group_at(end + 3, &segments, paths),
                _ => break,
            }
        }
        paths.push(NamedPath { segments, line });
        end
    }

    fn group_at(&self, start: usize, prefix: &[String], paths: &mut Vec<NamedPath>) -> usize {
        let mut at = start;
        while at < self.tokens.len() && !self.is(at, "}") {
            at = self.path_at(at, prefix, paths);
        }
        at + 1
    }

    /// Returns the text of the token at `at`, or nothing behind the end.
    pub fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    pub fn is(&self, at: usize, text: &str) -> bool {
        self.text(at) == text
    }

    fn find_tests(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            if self.is(at, "#") && self.is(at + 1, "[") && self.is_test_attribute(at + 2) {
                at = self.mark_item(at);
            } else {
                at += 1;
            }
        }
    }

    /// `test`, `tokio::test`, `cfg(test)`, `cfg(all(test, ..))`; not `cfg(not(test))`, nor `cfg_attr`.
    fn is_test_attribute(&self, start: usize) -> bool {
        let end = self.closing(start.saturating_sub(1));
        let words: Vec<&str> = (start..end).map(|at| self.text(at)).collect();
        match words.as_slice() {
            ["cfg", rest @ ..] => rest.contains(&"test") && !rest.contains(&"not"),
            ["cfg_attr", ..] => false,
            other => {
                other
                    .iter()
                    .take_while(|word| **word != "(" && **word != "=")
                    .last()
                    == Some(&"test")
            }
        }
    }

    /// Marks the item whose attributes begin at `start`; returns where it ends.
    fn mark_item(&mut self, start: usize) -> usize {
        let mut at = start;
        while self.is(at, "#") && self.is(at + 1, "[") {
            at = self.closing(at + 1) + 1;
        }
        let body = (at..self.tokens.len()).find(|at| self.is(*at, "{") || self.is(*at, ";"));
        let end = match body {
            Some(open) if self.is(open, "{") => self.closing(open),
            Some(semicolon) => {
                if self.is(semicolon.saturating_sub(2), "mod") {
                    self.test_modules.push(self.text(semicolon - 1).to_owned());
                }
                semicolon
            }
            None => self.tokens.len(),
        };
        let line_of = |at: usize| self.tokens.get(at).map_or(usize::MAX, |token| token.line);
        let range = (line_of(start), line_of(end));
        self.test_lines.push(range);
        end + 1
    }

    /// Returns the index of the bracket that closes the one at `open`.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for at in open..self.tokens.len() {
            match self.text(at) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at;
            }
        }
        self.tokens.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        Source::parse(text)
            .paths()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn groups_of_use_are_taken_apart() {
        assert_eq!(
            paths("use std::{fs, io::{self, Read}};"),
            ["use", "std::fs", "std::io::self", "std::io::Read"]
        );
        assert_eq!(paths("let x = a::b::<T>(c);"), ["let", "x", "a::b", "T", "c"]);
        assert_eq!(paths("\"std::fs\" // std::net"), Vec::<String>::new());
    }

    #[test]
    fn test_items_are_recognised() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n#[tokio::test]\nasync fn d() {\n}\n";
        let source = Source::parse(text);
        let marked: Vec<usize> = (1..=9).filter(|line| source.is_test_line(*line)).collect();
        assert_eq!(marked, [2, 3, 4, 5, 7, 8, 9]);
    }

    #[test]
    fn what_is_not_for_tests_stays_product_code() {
        for text in [
            "#[cfg(not(test))]\nfn a() {}",
            "#[cfg_attr(test, x)]\nfn a() {}",
            "#[inline]\nfn test() {}",
        ] {
            assert!(!Source::parse(text).is_test_line(2), "{text}");
        }
    }

    #[test]
    fn modules_in_files_of_their_own_are_listed() {
        let source = Source::parse("#[cfg(test)]\nmod tests;\nmod other;");
        assert_eq!(source.test_modules, ["tests"]);
        assert!(!source.is_test_line(3));
    }

    #[test]
    fn prefixes_and_suffixes_are_whole_segments() {
        let path = NamedPath {
            segments: vec!["std".into(), "fs".into(), "read".into()],
            line: 1,
        };
        assert!(path.starts_with("std::fs") && path.ends_with("fs::read"));
        assert!(!path.starts_with("std::f") && !path.ends_with("s::read"));
    }
}
