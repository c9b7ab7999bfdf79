//! FETCH responses, item by item.

use crate::encode::{self, number};
use crate::response::{end_line, separate};
use crate::types::{DateTime, FlagRef, ModSeq, Section, SeqNum, Uid};

/// Writes one FETCH response.
///
/// The buffer is not borrowed between the items, so the caller may send and clear it at any point, in
/// particular to stream a body behind [`FetchWriter::body`].
///
/// `message-data = nz-number SP ("EXPUNGE" / ("FETCH" SP msg-att))` (RFC 3501 §9)
#[derive(Debug)]
#[must_use = "a FETCH response has to be ended"]
pub struct FetchWriter {
    first: bool,
}

/// Under which name the bytes of a message are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyName<'a> {
    /// `BODY[...]<origin>`; the origin is there if the client asked for a partial, and is echoed
    /// without the length.
    Section(&'a Section, Option<u64>),
    /// `RFC822`
    Rfc822,
    /// `RFC822.HEADER`
    Rfc822Header,
    /// `RFC822.TEXT`
    Rfc822Text,
}

impl FetchWriter {
    /// Begins the response for the message of that number.
    pub fn begin(out: &mut Vec<u8>, message: SeqNum) -> Self {
        out.extend_from_slice(b"* ");
        number(out, u64::from(message.0.get()));
        out.extend_from_slice(b" FETCH (");
        Self { first: true }
    }

    /// Ends the response.
    pub fn end(self, out: &mut Vec<u8>) {
        out.push(b')');
        end_line(out);
    }

    fn name(&mut self, out: &mut Vec<u8>, name: &[u8]) {
        separate(out, &mut self.first);
        out.extend_from_slice(name);
    }

    /// Appends `UID`.
    pub fn uid(&mut self, out: &mut Vec<u8>, uid: Uid) {
        self.name(out, b"UID ");
        number(out, u64::from(uid.0.get()));
    }

    /// Appends `FLAGS`.
    pub fn flags<'a>(&mut self, out: &mut Vec<u8>, flags: impl IntoIterator<Item = FlagRef<'a>>) {
        self.name(out, b"FLAGS ");
        encode::list(out, flags, |out, flag| flag.encode(out));
    }

    /// Appends `INTERNALDATE`.
    pub fn internal_date(&mut self, out: &mut Vec<u8>, date: DateTime) {
        self.name(out, b"INTERNALDATE ");
        date.encode(out);
    }

    /// Appends `RFC822.SIZE`, in bytes.
    pub fn rfc822_size(&mut self, out: &mut Vec<u8>, bytes: u64) {
        self.name(out, b"RFC822.SIZE ");
        number(out, bytes);
    }

    /// Appends `ENVELOPE`, encoded before.
    pub fn envelope(&mut self, out: &mut Vec<u8>, encoded: &[u8]) {
        self.name(out, b"ENVELOPE ");
        out.extend_from_slice(encoded);
    }

    /// Appends `BODY`, the structure without extension data, encoded before.
    pub fn body_without_extensions(&mut self, out: &mut Vec<u8>, encoded: &[u8]) {
        self.name(out, b"BODY ");
        out.extend_from_slice(encoded);
    }

    /// Appends `BODYSTRUCTURE`, encoded before.
    pub fn body_structure(&mut self, out: &mut Vec<u8>, encoded: &[u8]) {
        self.name(out, b"BODYSTRUCTURE ");
        out.extend_from_slice(encoded);
    }

    /// Appends `MODSEQ` (RFC 7162 §3.1.4).
    pub fn mod_seq(&mut self, out: &mut Vec<u8>, value: ModSeq) {
        self.name(out, b"MODSEQ (");
        number(out, value.get());
        out.push(b')');
    }

    /// Appends `EMAILID` (RFC 8474 §5.1).
    pub fn email_id(&mut self, out: &mut Vec<u8>, id: &str) {
        self.name(out, b"EMAILID ");
        object_id(out, id);
    }

    /// Appends `THREADID`, `NIL` for a server without threads (RFC 8474 §5.2).
    pub fn thread_id(&mut self, out: &mut Vec<u8>, id: Option<&str>) {
        self.name(out, b"THREADID ");
        match id {
            Some(id) => object_id(out, id),
            None => encode::nil(out),
        }
    }

    /// Appends the name of a body item and the header of a literal of `bytes` bytes, which the caller
    /// writes next, unchanged.
    ///
    /// With no bytes it is `""` and nothing is to be written: clients wait for ever behind `{0}`.
    pub fn body(&mut self, out: &mut Vec<u8>, name: BodyName<'_>, bytes: u64) {
        self.body_name(out, name);
        if bytes == 0 {
            out.extend_from_slice(b"\"\"");
        } else {
            encode::literal_header(out, bytes);
        }
    }

    /// Appends the name of a body item and `NIL`: there is no such part (RFC 3501 §6.4.5).
    pub fn no_body(&mut self, out: &mut Vec<u8>, name: BodyName<'_>) {
        self.body_name(out, name);
        encode::nil(out);
    }

    /// `"BODY" section ["<" number ">"] SP nstring` (RFC 3501 §9)
    fn body_name(&mut self, out: &mut Vec<u8>, name: BodyName<'_>) {
        match name {
            BodyName::Section(section, origin) => {
                self.name(out, b"BODY");
                section.encode(out);
                if let Some(origin) = origin {
                    out.push(b'<');
                    number(out, origin);
                    out.push(b'>');
                }
                out.push(b' ');
            }
            BodyName::Rfc822 => self.name(out, b"RFC822 "),
            BodyName::Rfc822Header => self.name(out, b"RFC822.HEADER "),
            BodyName::Rfc822Text => self.name(out, b"RFC822.TEXT "),
        }
    }
}

/// `"(" objectid ")"` (RFC 8474 §7); other characters are left out.
fn object_id(out: &mut Vec<u8>, id: &str) {
    out.push(b'(');
    out.extend(
        id.bytes()
            .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')),
    );
    out.push(b')');
}
