//! Finds the parts of a message in one pass over its lines, without recursion.

use super::boundary::{Boundary, Delimiter, delimited};
use super::content::{MediaType, parse_content};
use super::part::{Node, PartKind};
use crate::header::field::{is_blank, line_len};
use crate::limits::{DEPTH_MAX, PARTS_MAX};
use crate::span::{Span, position};

/// Returns the part tree of `message`; the first node is the message itself.
///
/// The message is at most [`crate::limits::MESSAGE_BYTES_MAX`] long.
pub(crate) fn scan(message: &[u8]) -> Vec<Node> {
    let mut scanner = Scanner {
        message,
        at: 0,
        lines: 0,
        nodes: Vec::new(),
        open: Vec::new(),
    };
    scanner.entity(false);
    while scanner.at < message.len() {
        scanner.body_line();
    }
    let end = Mark {
        at: scanner.at,
        lines: scanner.lines,
    };
    scanner.close_from(0, end);
    scanner.nodes
}

/// A place in the message and how many line endings lie before it.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: usize,
    lines: u32,
}

/// A node whose end has not been found.
struct Open {
    node: usize,
    body: Mark,
    /// The boundary, as long as delimiters are to be looked for.
    boundary: Option<Boundary>,
}

struct Scanner<'m> {
    message: &'m [u8],
    at: usize,
    lines: u32,
    nodes: Vec<Node>,
    /// The nodes that contain the current line, outermost first.
    open: Vec<Open>,
}

impl<'m> Scanner<'m> {
    /// Reads a header and opens the part, and the message inside when it is a message/rfc822.
    fn entity(&mut self, in_digest: bool) {
        let mut in_digest = in_digest;
        loop {
            let kind = self.open_part(in_digest);
            if kind != PartKind::Message {
                return;
            }
            in_digest = false;
        }
    }

    fn open_part(&mut self, in_digest: bool) -> PartKind {
        let start = self.at;
        let is_cut = self.header();
        let header = Span::between(start, self.at);
        let content = parse_content(header.of(self.message));
        let kind = self.kind(content.media_type.as_ref(), in_digest && !content.has_type);
        let boundary = content
            .media_type
            .as_ref()
            .and_then(MediaType::boundary)
            .map(Boundary::new);
        let parent = self.open.last().map(|open| open.node);
        let node = self.nodes.len();
        if let Some(parent) = parent.and_then(|at| self.nodes.get_mut(at)) {
            parent.children.push(node);
        }
        self.nodes.push(Node {
            kind,
            header,
            body: Span::default(),
            lines: 0,
            content,
            children: Vec::new(),
        });
        // The delimiter that cut the header off is one of a part around it, even if this part has named
        // the same boundary.
        let boundary = boundary.filter(|_| kind == PartKind::Multipart && !is_cut);
        self.open.push(Open {
            node,
            body: self.here(),
            boundary,
        });
        kind
    }

    /// Decides what a part is; beyond the limits everything is a leaf.
    fn kind(&self, media_type: Option<&MediaType>, is_message_by_default: bool) -> PartKind {
        let full = self.open.len() >= DEPTH_MAX || self.nodes.len() + 1 >= PARTS_MAX;
        match media_type {
            _ if full => PartKind::Leaf,
            Some(media_type) if media_type.is_multipart() => PartKind::Multipart,
            Some(media_type) if media_type.is("message", "rfc822") => PartKind::Message,
            None if is_message_by_default => PartKind::Message,
            _ => PartKind::Leaf,
        }
    }

    /// Steps over the header lines and the blank line. A delimiter of a part around it ends it too;
    /// tells whether one did.
    fn header(&mut self) -> bool {
        while self.at < self.message.len() {
            if self.delimiter().is_some() {
                return true;
            }
            let blank = is_blank(self.rest());
            self.next_line();
            if blank {
                break;
            }
        }
        false
    }

    /// Steps over one line of a body, acting on it when it is a delimiter.
    fn body_line(&mut self) {
        // Once there are as many parts as may be, the rest belongs to the last one.
        let is_full = self.nodes.len() >= PARTS_MAX;
        let found = self
            .delimiter()
            .filter(|(_, delimiter)| !is_full || *delimiter == Delimiter::Last);
        let Some((level, delimiter)) = found else {
            self.next_line();
            return;
        };
        self.close_from(level + 1, self.before_line_ending());
        let ended = self.next_line();
        let Some(open) = self.open.get_mut(level) else {
            return;
        };
        match delimiter {
            Delimiter::Last => open.boundary = None,
            // `delimiter transport-padding CRLF body-part`: no part without the CRLF (RFC 2046 §5.1.1).
            Delimiter::Next if ended => {
                let node = open.node;
                let in_digest = self.nodes.get(node).is_some_and(is_digest);
                self.entity(in_digest);
            }
            Delimiter::Next => {}
        }
    }

    fn delimiter(&self) -> Option<(usize, Delimiter)> {
        let rest = self.rest();
        if !rest.starts_with(b"--") {
            return None;
        }
        let line = rest.get(..line_len(rest)).unwrap_or(rest);
        let boundaries = self.open.iter().enumerate();
        let boundaries = boundaries.filter_map(|(level, open)| Some((level, open.boundary.as_ref()?)));
        delimited(line, boundaries)
    }

    /// Returns the place before the line ending that precedes this line: it belongs to the delimiter
    /// (RFC 2046 §5.1.1).
    fn before_line_ending(&self) -> Mark {
        let before = self.message.get(..self.at).unwrap_or_default();
        match before.strip_suffix(b"\n") {
            Some(cut) => {
                let cut = cut.strip_suffix(b"\r").unwrap_or(cut);
                Mark {
                    at: cut.len(),
                    lines: self.lines.saturating_sub(1),
                }
            }
            None => self.here(),
        }
    }

    /// Closes all open nodes from this level inwards.
    fn close_from(&mut self, level: usize, end: Mark) {
        for open in self.open.drain(level.min(self.open.len())..) {
            if let Some(node) = self.nodes.get_mut(open.node) {
                // A delimiter right behind a header takes the header's own line ending.
                let end_at = position(end.at);
                node.header = Span::new(node.header.start().min(end_at), node.header.end().min(end_at));
                node.body = Span::between(open.body.at.min(end.at), end.at);
                node.lines = end.lines.saturating_sub(open.body.lines);
            }
        }
    }

    fn here(&self) -> Mark {
        Mark {
            at: self.at,
            lines: self.lines,
        }
    }

    fn rest(&self) -> &'m [u8] {
        self.message.get(self.at..).unwrap_or_default()
    }

    /// Steps over a line; tells whether it had a line ending.
    fn next_line(&mut self) -> bool {
        let rest = self.rest();
        let len = line_len(rest);
        let ended = rest.get(..len).is_some_and(|line| line.ends_with(b"\n"));
        self.lines += position(usize::from(ended));
        self.at += len;
        ended
    }
}

fn is_digest(node: &Node) -> bool {
    node.content
        .media_type
        .as_ref()
        .is_some_and(|media_type| media_type.is("multipart", "digest"))
}
