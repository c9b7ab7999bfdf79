//! ENVELOPE (RFC 3501 §7.4.2): header text unfolded and otherwise as it stands, RFC 2047 undecoded.

use imap_wire::encode::{list_close, list_open, nil, nstring, space, string};

use crate::header::address::{Address, Mailbox, parse_addresses};
use crate::header::field::{Field, fields};
use crate::limits::HEADER_PARSE_BYTES_MAX;

/// What stands for the local part of an address without one, where NIL would mean a group.
const MISSING_LOCAL: &[u8] = b"MISSING_MAILBOX";
/// What stands for the domain of an address without one.
const MISSING_DOMAIN: &[u8] = b"MISSING_DOMAIN";

/// The fields of an envelope.
#[derive(Debug, Clone, Default)]
pub(crate) struct Envelope {
    pub date: Option<Vec<u8>>,
    pub subject: Option<Vec<u8>>,
    pub from: Vec<Address>,
    pub sender: Vec<Address>,
    pub reply_to: Vec<Address>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub bcc: Vec<Address>,
    pub in_reply_to: Option<Vec<u8>>,
    pub message_id: Option<Vec<u8>>,
    /// Not part of ENVELOPE; kept for the thread keys.
    pub references: Option<Vec<u8>>,
}

/// Whether address lists are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
    Read,
    LeftOut,
}

/// Reads the envelope fields of a header block, the address lists among them if they are `wanted`.
pub(crate) fn parse_envelope(header: &[u8], wanted: Addresses) -> Envelope {
    let mut envelope = Envelope::default();
    let parsed = header.get(..HEADER_PARSE_BYTES_MAX).unwrap_or(header);
    for field in fields(parsed) {
        envelope.add(&field, wanted);
    }
    envelope
}

impl Envelope {
    fn add(&mut self, field: &Field<'_>, wanted: Addresses) {
        match field.name.to_ascii_lowercase().as_slice() {
            b"date" => self.date = text(field),
            b"subject" => self.subject = Some(one_line(field)),
            b"in-reply-to" => self.in_reply_to = text(field),
            b"message-id" => self.message_id = text(field),
            b"references" => self.references = text(field),
            _ if wanted == Addresses::LeftOut => {}
            // RFC 5322 §3.6 allows each once; of repeated ones all addresses count.
            b"from" => parse_addresses(field.body, &mut self.from),
            b"sender" => parse_addresses(field.body, &mut self.sender),
            b"reply-to" => parse_addresses(field.body, &mut self.reply_to),
            b"to" => parse_addresses(field.body, &mut self.to),
            b"cc" => parse_addresses(field.body, &mut self.cc),
            b"bcc" => parse_addresses(field.body, &mut self.bcc),
            _ => {}
        }
    }

    /// Appends `envelope` (RFC 3501 §9).
    ///
    /// `budget` is how many bytes its address lists may take; the first list that needs more and all
    /// later ones are left out, and nothing is left of it.
    pub fn write(&self, out: &mut Vec<u8>, budget: &mut usize) {
        list_open(out);
        nstring(out, self.date.as_deref());
        space(out);
        nstring(out, self.subject.as_deref());
        // "If the Sender or Reply-To lines are absent [...] or are present but empty, the server sets the
        // corresponding member of the envelope to be the same value as the from member" (RFC 3501 §7.4.2).
        let sender = if self.sender.is_empty() {
            &self.from
        } else {
            &self.sender
        };
        let reply_to = if self.reply_to.is_empty() {
            &self.from
        } else {
            &self.reply_to
        };
        let lists = [&self.from, sender, reply_to, &self.to, &self.cc, &self.bcc];
        for list in lists {
            space(out);
            let start = out.len();
            write_addresses(out, if *budget == 0 { &[] } else { list });
            *budget = budget.saturating_sub(out.len() - start);
            if *budget == 0 {
                out.truncate(start);
                nil(out);
            }
        }
        space(out);
        nstring(out, self.in_reply_to.as_deref());
        space(out);
        nstring(out, self.message_id.as_deref());
        list_close(out);
    }
}

fn text(field: &Field<'_>) -> Option<Vec<u8>> {
    Some(field.unfolded().into_owned())
}

/// Returns a subject for people to read: runs of white space, folding among them, are one space.
fn one_line(field: &Field<'_>) -> Vec<u8> {
    let unfolded = field.unfolded();
    let words = unfolded
        .split(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
}

fn write_addresses(out: &mut Vec<u8>, list: &[Address]) {
    if list.is_empty() {
        return nil(out);
    }
    list_open(out);
    for address in list {
        match address {
            Address::Mailbox(mailbox) => write_mailbox(out, mailbox),
            Address::GroupStart(name) => write_address(out, [None, None, Some(name), None]),
            Address::GroupEnd => write_address(out, [None; 4]),
        }
    }
    list_close(out);
}

fn write_mailbox(out: &mut Vec<u8>, mailbox: &Mailbox) {
    let or = |value: &'_ [u8], missing: &'static [u8]| {
        if value.is_empty() {
            missing.to_vec()
        } else {
            value.to_vec()
        }
    };
    let local = or(&mailbox.local, MISSING_LOCAL);
    let domain = or(&mailbox.domain, MISSING_DOMAIN);
    write_address(
        out,
        [
            mailbox.name.as_deref(),
            mailbox.route.as_deref(),
            Some(&local),
            Some(&domain),
        ],
    );
}

/// `address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"` (RFC 3501 §9)
fn write_address(out: &mut Vec<u8>, [name, route, local, domain]: [Option<&[u8]>; 4]) {
    list_open(out);
    nstring(out, name);
    space(out);
    nstring(out, route);
    space(out);
    match local {
        Some(local) => string(out, local),
        None => nil(out),
    }
    space(out);
    nstring(out, domain);
    list_close(out);
}
