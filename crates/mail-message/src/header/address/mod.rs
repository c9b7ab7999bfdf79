//! Address lists (RFC 5322 §3.4, §4.4), read as leniently as mail requires.

mod words;

use super::lexer::{Broken, Lexer, is_atext};
use crate::limits::ADDRESSES_MAX;

/// One element of an address list, flat as ENVELOPE lists it (RFC 3501 §7.4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Mailbox(Mailbox),
    GroupStart(Vec<u8>),
    GroupEnd,
}

/// A mailbox. Empty `local` and `domain` mean that the message has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Mailbox {
    pub name: Option<Vec<u8>>,
    pub route: Option<Vec<u8>>,
    pub local: Vec<u8>,
    pub domain: Vec<u8>,
}

/// What stands for a domain that could not be read because the brackets around the address are broken.
const BROKEN_DOMAIN: &[u8] = b"SYNTAX_ERROR";
/// What stands for a source route that could not be read.
const BROKEN_ROUTE: &[u8] = b"INVALID_ROUTE";

/// Where one element ended and how the list goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// More input follows.
    More,
    /// The input is used up.
    End,
}

/// A step that either says how the list goes on or finds it broken.
type Step = Result<Flow, Broken>;

/// Appends the addresses of a folded field body to `list`, which never grows over [`ADDRESSES_MAX`].
///
/// A broken element is kept as far as it could be read and ends the list, because where the next
/// element starts is then a guess.
pub(crate) fn parse_addresses(body: &[u8], list: &mut Vec<Address>) {
    let mut parser = Parser {
        lexer: Lexer::new(body),
        list,
    };
    parser.address_list();
}

struct Parser<'a, 'l> {
    lexer: Lexer<'a>,
    list: &'l mut Vec<Address>,
}

impl Parser<'_, '_> {
    /// `address-list = (address *("," address)) / obs-addr-list` (RFC 5322 §3.4)
    fn address_list(&mut self) {
        if self.space() != Ok(Flow::More) {
            return;
        }
        while self.list.len() < ADDRESSES_MAX {
            if self.address() == Ok(Flow::End) || !self.lexer.eat(b',') {
                return;
            }
            match self.space() {
                Ok(Flow::More) => {}
                Ok(Flow::End) => return,
                // Something was meant to follow the comma.
                Err(Broken) => return self.push(Address::Mailbox(Mailbox::default())),
            }
        }
    }

    /// `address = mailbox / group` (RFC 5322 §3.4)
    fn address(&mut self) -> Step {
        let start = self.lexer.clone();
        match self.group() {
            Ok(flow) => Ok(flow),
            Err(Broken) => {
                self.lexer = start;
                self.mailbox()
            }
        }
    }

    /// `group = display-name ":" [group-list] ";" [CFWS]` (RFC 5322 §3.4)
    ///
    /// Broken only in front of the colon; behind it the group is told whatever follows.
    fn group(&mut self) -> Step {
        let mut name = Vec::new();
        let flow = match self.lexer.peek() {
            Some(b':') => Flow::More,
            Some(b'.') => return Err(Broken),
            _ => self.phrase(&mut name)?,
        };
        if flow == Flow::End || !self.lexer.eat(b':') {
            return Err(Broken);
        }
        self.push(Address::GroupStart(name));
        let flow = self.group_members();
        // A group that was opened is always closed, or clients would count the rest into it.
        self.list.push(Address::GroupEnd);
        Ok(flow)
    }

    fn group_members(&mut self) -> Flow {
        if self.space() != Ok(Flow::More) {
            return Flow::End;
        }
        if self.lexer.peek() != Some(b';') {
            while self.list.len() < ADDRESSES_MAX {
                let _kept_as_read = self.mailbox();
                if !self.lexer.eat(b',') {
                    break;
                }
                if self.space() != Ok(Flow::More) {
                    return Flow::End;
                }
            }
        }
        if self.lexer.eat(b';') {
            self.space().unwrap_or(Flow::End)
        } else {
            Flow::More
        }
    }

    /// `mailbox = name-addr / addr-spec` (RFC 5322 §3.4)
    fn mailbox(&mut self) -> Step {
        let start = self.lexer.clone();
        let mut mailbox = Mailbox::default();
        let step = match self.name_addr(&mut mailbox) {
            Ok(flow) => Ok(flow),
            Err(Broken) => {
                self.lexer = start;
                mailbox = Mailbox::default();
                self.addr_spec(&mut mailbox)
            }
        };
        self.push(Address::Mailbox(mailbox));
        step
    }

    /// `name-addr = [display-name] angle-addr` (RFC 5322 §3.4)
    fn name_addr(&mut self, mailbox: &mut Mailbox) -> Step {
        if self.lexer.peek() != Some(b'<') {
            let mut name = Vec::new();
            if self.lexer.peek() == Some(b'.')
                || self.phrase(&mut name)? == Flow::End
                || self.lexer.peek() != Some(b'<')
            {
                return Err(Broken);
            }
            mailbox.name = (!name.is_empty()).then_some(name);
        }
        match self.angle_addr(mailbox) {
            Ok(flow) => Ok(flow),
            // Behind "<" nothing but an address can be meant, so what was read of it stays.
            Err(Broken) => {
                mailbox.domain = BROKEN_DOMAIN.to_vec();
                Ok(if self.lexer.is_at_end() {
                    Flow::End
                } else {
                    Flow::More
                })
            }
        }
    }

    /// `angle-addr = [CFWS] "<" [obs-route] addr-spec ">" [CFWS]` (RFC 5322 §3.4, §4.4)
    fn angle_addr(&mut self, mailbox: &mut Mailbox) -> Step {
        self.lexer.bump();
        self.more()?;
        if self.lexer.peek() == Some(b'@') {
            mailbox.route = Some(self.route().unwrap_or_else(|Broken| BROKEN_ROUTE.to_vec()));
        }
        if self.lexer.peek() != Some(b'>') {
            if self.local_part(&mut mailbox.local)? == Flow::End {
                return Err(Broken);
            }
            if self.lexer.peek() == Some(b'@') {
                self.domain(&mut mailbox.domain)?;
            }
        }
        if !self.lexer.eat(b'>') {
            return Err(Broken);
        }
        self.space()
    }

    /// `obs-route = obs-domain-list ":"` (RFC 5322 §4.4)
    fn route(&mut self) -> Result<Vec<u8>, Broken> {
        let mut route = Vec::new();
        loop {
            route.push(b'@');
            if self.domain(&mut route)? == Flow::End {
                return Err(Broken);
            }
            while self.lexer.eat(b',') {
                self.more()?;
            }
            if self.lexer.eat(b':') {
                self.more()?;
                return Ok(route);
            }
            if self.lexer.peek() != Some(b'@') {
                return Err(Broken);
            }
            route.push(b',');
        }
    }

    /// `addr-spec = local-part "@" domain` (RFC 5322 §3.4.1)
    ///
    /// A comment behind it is the person's name, as old mail programs wrote it (RFC 822 appendix A.1.3).
    fn addr_spec(&mut self, mailbox: &mut Mailbox) -> Step {
        self.lexer.take_comment();
        let start = self.lexer.clone();
        let mut step = self.local_part(&mut mailbox.local);
        let comment = self.lexer.take_comment();
        match self.lexer.peek() {
            Some(b'@') => step = self.domain(&mut mailbox.domain),
            // Words without an address are a name.
            Some(byte) if (comment.is_none() || step.is_err()) && (is_atext(byte) || byte == b'"') => {
                self.lexer = start;
                return self.name_alone(mailbox);
            }
            _ if step.is_ok() && comment.is_none() && start.peek() == Some(b'"') => {
                mailbox.name = Some(std::mem::take(&mut mailbox.local));
                return step;
            }
            _ => {}
        }
        let comment = self.lexer.take_comment().or(comment);
        mailbox.name = comment.filter(|comment| !comment.is_empty()).map(unescape);
        step
    }

    fn name_alone(&mut self, mailbox: &mut Mailbox) -> Step {
        let mut name = Vec::new();
        let step = self.phrase(&mut name);
        if step.is_err() {
            name.truncate(name.trim_ascii_end().len());
        }
        // A single word with nothing readable behind it stays a local part.
        if step.is_ok() || name != mailbox.local {
            mailbox.local.clear();
            mailbox.name = Some(name);
        }
        step
    }

    fn push(&mut self, address: Address) {
        if self.list.len() < ADDRESSES_MAX {
            self.list.push(address);
        }
    }
}

/// Undoes quoted pairs and folding inside a comment (RFC 5322 §3.2.2).
fn unescape(comment: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(comment.len());
    let mut escaped = false;
    for &byte in comment {
        match byte {
            b'\r' | b'\n' => {}
            b'\\' if !escaped => escaped = true,
            _ => {
                out.push(byte);
                escaped = false;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
