//! Cutting what arrives into command lines.

use bytes::{Buf, Bytes, BytesMut};

use crate::error::CommandError;

/// Longest command line by default, CRLF included. RFC 5321 §4.5.3.1.4 has 512; extensions add to it
/// (SIZE 26, BODY 17, DSN 500 and more, SMTPUTF8 addresses), and a page of memory is cheap.
pub const LINE_BYTES_MAX_DEFAULT: usize = 4096;

/// What stands at the front of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A whole line, without its CRLF.
    Complete(Bytes),
    /// The rest of a line is still to come.
    Incomplete,
    /// A line that was not acceptable, and is gone.
    Refused(CommandError),
}

/// Cuts command lines off the front of an input buffer, however the bytes were split on the way.
///
/// Only CRLF ends a line (RFC 5321 §2.3.8). A bare LF ends nothing but is an error at once, because
/// a person at a terminal, or a broken client, would otherwise wait forever.
#[derive(Debug, Clone)]
pub struct LineFramer {
    line_bytes_max: usize,
    /// Bytes at the front that are known to hold no LF.
    searched: usize,
    /// The line was too long and its end has not been seen yet.
    discarding: bool,
}

impl Default for LineFramer {
    fn default() -> Self {
        Self::new(LINE_BYTES_MAX_DEFAULT)
    }
}

impl LineFramer {
    /// Returns a framer for lines up to this length, CRLF included.
    pub fn new(line_bytes_max: usize) -> Self {
        Self {
            line_bytes_max,
            searched: 0,
            discarding: false,
        }
    }

    /// Takes the next line off `input`. When it answers [`Line::Incomplete`], `input` holds less than
    /// the longest line and the caller appends more.
    pub fn next_line(&mut self, input: &mut BytesMut) -> Line {
        let found = input.iter().skip(self.searched).position(|&byte| byte == b'\n');
        match found {
            Some(offset) => {
                let line = input.split_to(self.searched + offset + 1).freeze();
                self.searched = 0;
                self.finish(line)
            }
            None if self.discarding || input.len() >= self.line_bytes_max => {
                input.advance(input.len());
                self.searched = 0;
                self.discarding = true;
                Line::Incomplete
            }
            None => {
                self.searched = input.len();
                Line::Incomplete
            }
        }
    }

    fn finish(&mut self, line: Bytes) -> Line {
        if std::mem::take(&mut self.discarding) || line.len() > self.line_bytes_max {
            return Line::Refused(CommandError::LineTooLong);
        }
        match line.strip_suffix(b"\r\n") {
            Some(content) => Line::Complete(line.slice(..content.len())),
            None => Line::Refused(CommandError::MalformedLine),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds the chunks one by one and returns every line but the incomplete ones.
    fn lines(chunks: &[&[u8]], line_bytes_max: usize) -> Vec<Line> {
        let (mut framer, mut input, mut lines) = (LineFramer::new(line_bytes_max), BytesMut::new(), vec![]);
        for chunk in chunks {
            input.extend_from_slice(chunk);
            loop {
                match framer.next_line(&mut input) {
                    Line::Incomplete => break,
                    line => lines.push(line),
                }
            }
            assert!(input.len() < line_bytes_max.max(1), "the buffer is bounded");
        }
        lines
    }

    fn complete(text: &'static str) -> Line {
        Line::Complete(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn lines_end_with_crlf() {
        assert_eq!(
            lines(&[b"NOOP\r\nRSET\r\nQU"], 64),
            [complete("NOOP"), complete("RSET")]
        );
        assert_eq!(
            lines(&[b"NOOP\r", b"\nRSET\r\n"], 64),
            [complete("NOOP"), complete("RSET")]
        );
        assert_eq!(lines(&[b"\r\n"], 64), [complete("")]);
    }

    #[test]
    fn a_bare_lf_is_refused_at_once() {
        let refused = Line::Refused(CommandError::MalformedLine);
        assert_eq!(lines(&[b"NOOP\nRSET\r\n"], 64), [refused, complete("RSET")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_once_and_the_next_is_read() {
        let refused = Line::Refused(CommandError::LineTooLong);
        let long = [b"x".repeat(100), b"\r\nNOOP\r\n".to_vec()].concat();
        assert_eq!(lines(&[&long], 8), [refused.clone(), complete("NOOP")]);
        let bytes: Vec<&[u8]> = long.chunks(1).collect();
        assert_eq!(lines(&bytes, 8), [refused, complete("NOOP")]);
        assert_eq!(lines(&[b"123456\r\n"], 8), [complete("123456")]);
        assert_eq!(
            lines(&[b"1234567\r\n"], 8),
            [Line::Refused(CommandError::LineTooLong)]
        );
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(
            input in "([a-c \r\n]|\r\n){0,60}",
            splits in proptest::collection::vec(0usize..60, 0..6),
        ) {
            let mut at: Vec<usize> = splits.into_iter().map(|s| s.min(input.len())).collect();
            at.extend([0, input.len()]);
            at.sort_unstable();
            let chunks: Vec<&[u8]> = at.windows(2).map(|w| &input.as_bytes()[w[0]..w[1]]).collect();
            prop_assert_eq!(lines(&chunks, 8), lines(&[input.as_bytes()], 8));
        }
    }
}
