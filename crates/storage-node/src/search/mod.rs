//! SEARCH at the place where the messages are.

mod candidate;
mod matcher;

pub(crate) use candidate::{Candidate, ContentReader};
pub(crate) use matcher::Matcher;
