//! Messages: bytes in, answers out.
//!
//! [`Summary::of`] reads a message (RFC 5322, RFC 2045 and following) once, when it arrives, and
//! computes what IMAP clients ask for again and again: ENVELOPE, BODY and BODYSTRUCTURE as they go on
//! the wire, where each part lies, the header, a preview, sort and thread keys. The result is stored beside the
//! message; [`SummaryRef`] reads single fields of it without decoding the rest. [`filter_fields`] answers
//! HEADER.FIELDS and [`search`] the text keys of SEARCH.
//!
//! Every function is total and takes linear time: there is no message so broken that it has no summary,
//! and [`limits`] bounds what a hostile one can cost.
//!
//! Deliberately not here: flags, UIDs and mailboxes (`mailstore`), where bytes are stored (`blobstore`),
//! and the syntax of FETCH and SEARCH commands (`imap-wire`).
//!
//! Start reading in `mime/scan.rs`, which finds the parts, then `summary/build.rs`.

#![deny(missing_docs)]

mod error;
mod header;
mod keys;
pub mod limits;
mod mime;
mod preview;
pub mod search;
mod span;
mod summary;
mod text;

pub use error::{Error, ErrorKind};
pub use header::date::SentDate;
pub use header::filter::{FieldSelection, filter_fields};
pub use mime::part::{PartKind, TransferEncoding};
pub use span::Span;
pub use summary::{FORMAT_VERSION, PartRef, Parts, Section, SortKeys, Summary, SummaryRef, ThreadKeys};
pub use text::stream::TextDecoder;
