//! The MIME structure of a message: part map, BODYSTRUCTURE, ENVELOPE.

pub(crate) mod bodystructure;
pub(crate) mod boundary;
pub(crate) mod content;
pub(crate) mod envelope;
pub(crate) mod part;
pub(crate) mod scan;
