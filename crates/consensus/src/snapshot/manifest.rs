//! What a snapshot consists of.
//!
//! ```text
//! offset 0   8 bytes   "FCTRSNAP"
//!        8   4 bytes   version, least significant first
//!       12   4 bytes   crc32c of the rest
//!       16             the encoded manifest
//! ```

use std::collections::BTreeMap;

use bytes::Bytes;
use disk::DiskPath;
use prost::Message;

use super::SnapshotError;
use crate::machine::Subject;
use crate::tables::AppliedState;
use crate::types::LogId;
use crate::wire::{self, DecodeError, WireLogId, WireStoredMembership};

const MAGIC: &[u8; 8] = b"FCTRSNAP";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 16;

/// A snapshot: the position that it stands for and where its rows lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) state: AppliedState,
    pub(crate) header: Header,
    pub(crate) sections: BTreeMap<Subject, Section>,
}

/// The group's header as of the manifest's position; small, so it lies in the manifest itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) index: Option<u64>,
    pub(crate) rows: Vec<(Bytes, Bytes)>,
}

/// One subject of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// The entry that last changed it.
    pub(crate) index: u64,
    pub(crate) parts: Vec<Part>,
}

/// A piece of a pack file that holds rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    pub(crate) pack: u64,
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) crc: u32,
}

#[derive(Clone, PartialEq, Message)]
struct WireManifest {
    #[prost(message, optional, tag = "1")]
    last: Option<WireLogId>,
    #[prost(message, optional, tag = "2")]
    membership: Option<WireStoredMembership>,
    #[prost(uint64, optional, tag = "3")]
    header_index: Option<u64>,
    #[prost(message, repeated, tag = "4")]
    header_rows: Vec<WireRow>,
    #[prost(message, repeated, tag = "5")]
    sections: Vec<WireSection>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct WireRow {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct WireSection {
    #[prost(bytes = "bytes", tag = "1")]
    subject: Bytes,
    #[prost(uint64, tag = "2")]
    index: u64,
    #[prost(message, repeated, tag = "3")]
    parts: Vec<WirePart>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct WirePart {
    #[prost(uint64, tag = "1")]
    pack: u64,
    #[prost(uint64, tag = "2")]
    offset: u64,
    #[prost(uint32, tag = "3")]
    length: u32,
    #[prost(fixed32, tag = "4")]
    crc: u32,
}

impl Manifest {
    /// Returns the parts of all sections, in the order in which they are sent.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.sections.values().flat_map(|section| &section.parts)
    }

    /// Returns the encoding without the file's header, as it is also sent to peers.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let row = |(key, value): &(Bytes, Bytes)| WireRow {
            key: key.clone(),
            value: value.clone(),
        };
        let part = |part: &Part| WirePart {
            pack: part.pack,
            offset: part.offset,
            length: part.length,
            crc: part.crc,
        };
        let section = |(subject, section): (&Subject, &Section)| WireSection {
            subject: subject.name().clone(),
            index: section.index,
            parts: section.parts.iter().map(part).collect(),
        };
        let wire = WireManifest {
            last: self.state.last.as_ref().map(WireLogId::from),
            membership: Some(WireStoredMembership::from(&self.state.membership)),
            header_index: self.header.index,
            header_rows: self.header.rows.iter().map(row).collect(),
            sections: self.sections.iter().map(section).collect(),
        };
        wire.encode_to_vec()
    }

    pub(crate) fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let wire: WireManifest = wire::decode(bytes, "a manifest")?;
        let membership = wire.membership.ok_or(DecodeError::MissingField("a manifest"))?;
        let mut sections = BTreeMap::new();
        for section in wire.sections {
            let subject = Subject::new(section.subject).ok_or(DecodeError::Encoding("a section"))?;
            let part = |part: WirePart| Part {
                pack: part.pack,
                offset: part.offset,
                length: part.length,
                crc: part.crc,
            };
            let parts = section.parts.into_iter().map(part).collect();
            sections.insert(
                subject,
                Section {
                    index: section.index,
                    parts,
                },
            );
        }
        let rows = wire
            .header_rows
            .into_iter()
            .map(|row| (row.key, row.value))
            .collect();
        Ok(Self {
            state: AppliedState {
                last: wire.last.map(LogId::from),
                membership: membership.try_into()?,
            },
            header: Header {
                index: wire.header_index,
                rows,
            },
            sections,
        })
    }

    pub(super) fn encode_file(&self) -> Vec<u8> {
        let body = self.encode();
        let mut file = Vec::with_capacity(HEADER_BYTES + body.len());
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&VERSION.to_le_bytes());
        file.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
        file.extend_from_slice(&body);
        file
    }

    pub(super) fn decode_file(path: &DiskPath, file: &Bytes) -> Result<Self, SnapshotError> {
        let damaged = |detail: &str| SnapshotError::damaged(path, detail);
        let (header, body) = file
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or_else(|| damaged("too short"))?;
        let number = |at: usize| {
            header
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok())
                .map(u32::from_le_bytes)
        };
        let version = number(8).unwrap_or_default();
        if !header.starts_with(MAGIC) {
            return Err(damaged("not a manifest"));
        }
        if version != VERSION {
            return Err(SnapshotError::UnknownVersion {
                file: path.to_string(),
                version,
            });
        }
        if number(12) != Some(crc32c::crc32c(body)) {
            return Err(damaged("checksum of the manifest differs"));
        }
        Self::decode(file.slice_ref(body)).map_err(|error| damaged(&error.to_string()))
    }
}
