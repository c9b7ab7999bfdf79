//! The words that addresses are made of (RFC 5322 §3.2, §3.4.1, §4.1).

use super::super::lexer::{Broken, is_atext};
use super::{Flow, Parser, Step};

impl Parser<'_, '_> {
    /// `local-part = dot-atom / quoted-string / obs-local-part` (RFC 5322 §3.4.1), with dots anywhere.
    pub(super) fn local_part(&mut self, out: &mut Vec<u8>) -> Step {
        let mut found = Vec::new();
        let flow = if self.lexer.peek() == Some(b'"') {
            self.lexer.quoted_string(&mut found)?;
            self.space()?
        } else {
            self.dotted_words(&mut found)?
        };
        *out = found;
        Ok(flow)
    }

    /// Dots stand anywhere in what a domain follows; else one at the end, with more behind it, is broken.
    fn dotted_words(&mut self, out: &mut Vec<u8>) -> Step {
        loop {
            let word = self.lexer.run(|byte| is_atext(byte) || byte == b'.');
            if word.is_empty() {
                return Err(Broken);
            }
            out.extend_from_slice(word);
            if self.lexer.is_at_end() {
                return Ok(Flow::End);
            }
            let flow = self.space()?;
            match self.lexer.peek() {
                Some(b'.') => {}
                Some(b'@') => return Ok(Flow::More),
                _ if out.ends_with(b".") => return Err(Broken),
                _ => return Ok(flow),
            }
        }
    }

    /// `domain = dot-atom / domain-literal / obs-domain` (RFC 5322 §3.4.1); the lexer is at the "@".
    ///
    /// A broken one counts as missing.
    pub(super) fn domain(&mut self, out: &mut Vec<u8>) -> Step {
        self.lexer.bump();
        self.more()?;
        let mut found = Vec::new();
        let flow = if self.lexer.peek() == Some(b'[') {
            self.domain_literal(&mut found)?
        } else {
            self.dot_atom(&mut found)?
        };
        out.extend(found);
        Ok(flow)
    }

    /// `domain-literal = [CFWS] "[" *([FWS] dtext) [FWS] "]" [CFWS]` (RFC 5322 §3.4.1), brackets kept.
    fn domain_literal(&mut self, out: &mut Vec<u8>) -> Step {
        let inside = self.lexer.run(|byte| byte != b']');
        out.extend(inside.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')));
        if !self.lexer.eat(b']') {
            return Err(Broken);
        }
        out.push(b']');
        self.space()
    }

    /// `dot-atom = [CFWS] dot-atom-text [CFWS]`, with CFWS around dots (RFC 5322 §3.2.3, §4.4).
    fn dot_atom(&mut self, out: &mut Vec<u8>) -> Step {
        loop {
            let atom = self.lexer.run(is_atext);
            if atom.is_empty() {
                return Err(Broken);
            }
            out.extend_from_slice(atom);
            if self.space()? == Flow::End {
                return Ok(Flow::End);
            }
            if !self.lexer.eat(b'.') {
                return Ok(Flow::More);
            }
            out.push(b'.');
            self.more()?;
        }
    }

    /// `phrase = 1*word / obs-phrase` (RFC 5322 §3.2.5, §4.1), words joined by one space.
    ///
    /// Where it is broken, `out` holds the words before.
    pub(super) fn phrase(&mut self, out: &mut Vec<u8>) -> Step {
        loop {
            if self.lexer.peek() == Some(b'"') {
                let mut quoted = Vec::new();
                self.lexer.quoted_string(&mut quoted)?;
                out.extend(quoted);
            } else {
                let word = self.lexer.run(|byte| is_atext(byte) || byte == b'.');
                if word.is_empty() {
                    return Err(Broken);
                }
                out.extend_from_slice(word);
            }
            if self.space()? == Flow::End {
                return Ok(Flow::End);
            }
            match self.lexer.peek() {
                Some(byte) if is_atext(byte) || byte == b'"' || byte == b'.' => {
                    if !matches!(out.last(), None | Some(b' ')) {
                        out.push(b' ');
                    }
                }
                _ => return Ok(Flow::More),
            }
        }
    }

    pub(super) fn space(&mut self) -> Step {
        self.lexer.skip_cfws()?;
        Ok(if self.lexer.is_at_end() {
            Flow::End
        } else {
            Flow::More
        })
    }

    /// Skips CFWS where the grammar needs something to follow.
    pub(super) fn more(&mut self) -> Result<(), Broken> {
        if self.space()? == Flow::More {
            Ok(())
        } else {
            Err(Broken)
        }
    }
}
