//! SEARCH and ESEARCH responses.

use crate::command::Addressing;
use crate::encode::{self, number};
use crate::response::{NumberRange, end_line, number_set};
use crate::types::{ModSeq, Tag};
use std::num::NonZeroU32;

/// Appends `* SEARCH`, with the greatest mod-sequence of the result if the search asked for one and
/// the result is not empty (RFC 7162 §3.1.5).
///
/// `"SEARCH" *(SP nz-number) [SP search-sort-mod-seq]` (RFC 3501 §9, RFC 7162 §7)
pub fn search(out: &mut Vec<u8>, numbers: impl IntoIterator<Item = NonZeroU32>, mod_seq: Option<ModSeq>) {
    out.extend_from_slice(b"* SEARCH");
    for found in numbers {
        out.push(b' ');
        number(out, u64::from(found.get()));
    }
    if let Some(value) = mod_seq {
        out.extend_from_slice(b" (MODSEQ ");
        number(out, value.get());
        out.push(b')');
    }
    end_line(out);
}

/// The ESEARCH response.
///
/// `esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)`
/// (RFC 4466 §3, RFC 4731 §4). MIN, MAX and ALL are left out when nothing matched; COUNT is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ESearch<'a> {
    /// The tag of the SEARCH.
    pub tag: &'a Tag,
    /// What the numbers are.
    pub addressing: Addressing,
    /// `MIN`
    pub min: Option<NonZeroU32>,
    /// `MAX`
    pub max: Option<NonZeroU32>,
    /// `ALL`, left out if empty.
    pub all: Option<&'a [NumberRange]>,
    /// `COUNT`
    pub count: Option<u32>,
    /// `MODSEQ` (RFC 7162 §3.1.10)
    pub mod_seq: Option<ModSeq>,
}

impl ESearch<'_> {
    /// Appends the response.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"* ESEARCH (TAG ");
        encode::string(out, self.tag.as_str().as_bytes());
        out.push(b')');
        if self.addressing == Addressing::Uid {
            out.extend_from_slice(b" UID");
        }
        item(out, b" MIN ", self.min.map(|value| u64::from(value.get())));
        item(out, b" MAX ", self.max.map(|value| u64::from(value.get())));
        item(out, b" COUNT ", self.count.map(u64::from));
        if let Some(all) = self.all.filter(|all| !all.is_empty()) {
            out.extend_from_slice(b" ALL ");
            number_set(out, all.iter().cloned());
        }
        item(out, b" MODSEQ ", self.mod_seq.map(ModSeq::get));
        end_line(out);
    }
}

fn item(out: &mut Vec<u8>, name: &[u8], value: Option<u64>) {
    if let Some(value) = value {
        out.extend_from_slice(name);
        number(out, value);
    }
}
