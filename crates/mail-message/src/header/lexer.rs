//! The lexical tokens of RFC 5322 §3.2 and RFC 2045 §5.1, read from a folded field body.
//!
//! Tolerant: bytes above 127 are atom text (RFC 6532 §3.2), and no input fails in more than linear time.

use crate::limits::COMMENT_DEPTH_MAX;

/// A field body is broken at this place; the caller keeps what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken;

/// A position in a folded field body.
#[derive(Debug, Clone)]
pub(crate) struct Lexer<'a> {
    rest: &'a [u8],
    comment: Option<&'a [u8]>,
}

impl<'a> Lexer<'a> {
    pub fn new(body: &'a [u8]) -> Self {
        Self {
            rest: body,
            comment: None,
        }
    }

    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns what has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Steps over one byte.
    pub fn bump(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// Steps over `byte` if it comes next.
    pub fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.bump();
        }
        found
    }

    /// Skips white space and comments; the last comment's inside is kept for [`Self::take_comment`].
    ///
    /// `CFWS = (1*([FWS] comment) [FWS]) / FWS` (RFC 5322 §3.2.2)
    pub fn skip_cfws(&mut self) -> Result<(), Broken> {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.bump(),
                b'(' => self.comment()?,
                _ => break,
            }
        }
        Ok(())
    }

    /// Returns the inside of the last comment that was skipped, once.
    pub fn take_comment(&mut self) -> Option<&'a [u8]> {
        self.comment.take()
    }

    fn comment(&mut self) -> Result<(), Broken> {
        let inside = self.rest.get(1..).unwrap_or_default();
        let mut depth = 1_usize;
        let mut escaped = false;
        for (at, byte) in inside.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.comment = inside.get(..at);
                self.rest = inside.get(at + 1..).unwrap_or_default();
                return Ok(());
            }
            if depth > COMMENT_DEPTH_MAX {
                break;
            }
        }
        self.rest = b"";
        Err(Broken)
    }

    /// Returns the longest run of bytes that `accept` takes; may be empty.
    pub fn run(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let len = self.rest.iter().take_while(|byte| accept(**byte)).count();
        let (run, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, b""));
        self.rest = rest;
        run
    }

    /// Appends the contents of a quoted string that starts here, its quoting undone.
    ///
    /// `quoted-string = [CFWS] DQUOTE *([FWS] qcontent) [FWS] DQUOTE [CFWS]` (RFC 5322 §3.2.4)
    pub fn quoted_string(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        self.bump();
        let mut escaped = false;
        while let Some(byte) = self.peek() {
            self.bump();
            match byte {
                // Folding inside is white space (RFC 5322 §3.2.4); its line ending is not content.
                b'\r' if matches!(self.peek(), Some(b'\n')) => {}
                b'\n' => {}
                _ if escaped => {
                    out.push(byte);
                    escaped = false;
                }
                b'\\' => escaped = true,
                b'"' => return Ok(()),
                _ => out.push(byte),
            }
        }
        Err(Broken)
    }
}

/// `atext` (RFC 5322 §3.2.3), with bytes above 127 (RFC 6532 §3.2).
pub(crate) fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte) || byte >= 0x80
}

/// The bytes of a `token` (RFC 2045 §5.1): no space, control or tspecial.
pub(crate) fn is_token(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_nest_and_escape() {
        let mut lexer = Lexer::new(b" (a (b) \\) c) x");
        assert_eq!(lexer.skip_cfws(), Ok(()));
        assert_eq!(lexer.take_comment(), Some(b"a (b) \\) c".as_slice()));
        assert_eq!(lexer.rest(), b"x");
    }

    #[test]
    fn endless_comments_are_broken() {
        let deep = vec![b'('; 100_000];
        assert_eq!(Lexer::new(&deep).skip_cfws(), Err(Broken));
        assert_eq!(Lexer::new(b"(ends in \\").skip_cfws(), Err(Broken));
    }

    #[test]
    fn quoted_strings_lose_quoting_and_folding() {
        let mut out = Vec::new();
        assert_eq!(
            Lexer::new(b"\"a \\\"b\\\\\r\n c\" d").quoted_string(&mut out),
            Ok(())
        );
        assert_eq!(out, b"a \"b\\ c");
        assert_eq!(Lexer::new(b"\"open").quoted_string(&mut out), Err(Broken));
    }
}
