//! The stored summary of a message.

pub(crate) mod build;
mod layout;
mod parts;
mod section;
mod view;

pub use layout::FORMAT_VERSION;
pub use parts::{PartRef, Parts};
pub use section::Section;
pub use view::{SortKeys, SummaryRef, ThreadKeys};

use crate::error::Error;

/// A summary: everything that FETCH, SEARCH, SORT and THREAD ask of a message more than once, computed
/// when it arrives and stored beside it.
///
/// It is kept in its stored form, so storing copies bytes and reading decodes only what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    bytes: Vec<u8>,
}

impl Summary {
    /// Computes the summary of a message. The same bytes always give the same summary.
    ///
    /// # Errors
    /// [`Error::MessageTooLarge`] above [`crate::limits::MESSAGE_BYTES_MAX`]; nothing else.
    pub fn of(message: &[u8]) -> Result<Self, Error> {
        if message.len() > crate::limits::MESSAGE_BYTES_MAX {
            return Err(Error::MessageTooLarge { bytes: message.len() });
        }
        Ok(Self {
            bytes: build::build(message),
        })
    }

    /// Takes stored bytes, checking what [`SummaryRef::parse`] checks.
    ///
    /// # Errors
    /// As for [`SummaryRef::parse`].
    pub fn decode(bytes: Vec<u8>) -> Result<Self, Error> {
        SummaryRef::parse(&bytes)?;
        Ok(Self { bytes })
    }

    /// Returns the form to be stored.
    pub fn encode(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the form to be stored without copying it.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns access to the fields.
    pub fn view(&self) -> SummaryRef<'_> {
        SummaryRef::parse(&self.bytes)
            .expect("invariant: a summary holds bytes that were checked or built here")
    }
}
