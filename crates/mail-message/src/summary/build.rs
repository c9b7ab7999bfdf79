//! Computes a summary.

use std::collections::VecDeque;

use super::layout::{FLAG_HEADER_INLINE, FLAG_SENT_DATE, Head, SLOTS, write, write_list};
use super::parts;
use crate::header::date::parse_date;
use crate::header::message_id::message_ids;
use crate::keys::{base_subject, display_name, first_local_part, sort_key};
use crate::limits::{HEADER_INLINE_BYTES_MAX, REFERENCES_MAX};
use crate::mime::bodystructure::{Form, write_body};
use crate::mime::envelope::{Addresses, Envelope, parse_envelope};
use crate::mime::part::Node;
use crate::mime::scan::scan;
use crate::preview::preview;

/// Returns the stored form of the summary of `message`, whose length was checked.
pub(crate) fn build(message: &[u8]) -> Vec<u8> {
    let nodes = scan(message);
    let header = nodes
        .first()
        .map(|root| root.header.of(message))
        .unwrap_or_default();
    let envelope = parse_envelope(header, Addresses::Read);
    let sent = envelope.date.as_deref().and_then(parse_date);
    let inline = header.len() <= HEADER_INLINE_BYTES_MAX;
    let mut flags = 0;
    if inline {
        flags |= FLAG_HEADER_INLINE;
    }
    if sent.is_some() {
        flags |= FLAG_SENT_DATE;
    }
    let head = Head {
        flags,
        zone_minutes: sent.map_or(0, |date| date.offset_minutes),
        sent_seconds: sent.map_or(0, |date| date.unix_seconds),
    };
    write(
        head,
        &sections(message, &nodes, &envelope, if inline { header } else { b"" }),
    )
}

/// Returns the sections in the order of `Slot`.
fn sections(message: &[u8], nodes: &[Node], envelope: &Envelope, header: &[u8]) -> [Vec<u8>; SLOTS] {
    let mut envelope_bytes = Vec::new();
    // One header holds few enough addresses.
    let mut budget = usize::MAX;
    envelope.write(&mut envelope_bytes, &mut budget);
    let body = |form| {
        let mut out = Vec::new();
        write_body(&mut out, message, nodes, form);
        out
    };
    let (part_records, part_names) = parts::write(nodes);
    [
        envelope_bytes,
        body(Form::Basic),
        body(Form::Extended),
        header.to_vec(),
        preview(message, nodes).into_bytes(),
        sort_key(&base_subject(envelope.subject.as_deref().unwrap_or_default())),
        sort_key(&first_local_part(&envelope.from)),
        sort_key(&first_local_part(&envelope.to)),
        sort_key(&first_local_part(&envelope.cc)),
        sort_key(&display_name(&envelope.from)),
        sort_key(&display_name(&envelope.to)),
        write_list(first_id(envelope.message_id.as_deref())),
        write_list(first_id(envelope.in_reply_to.as_deref())),
        write_list(references(envelope.references.as_deref().unwrap_or_default())),
        part_records,
        part_names,
    ]
}

fn first_id(body: Option<&[u8]>) -> Option<Vec<u8>> {
    message_ids(body?).next()
}

/// Returns the identifiers of References: all, or the first and the latest.
fn references(body: &[u8]) -> VecDeque<Vec<u8>> {
    let mut kept = VecDeque::new();
    for id in message_ids(body) {
        kept.push_back(id);
        if kept.len() > REFERENCES_MAX {
            kept.remove(1);
        }
    }
    kept
}
