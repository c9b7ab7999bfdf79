//! The settings in effect and where each comes from.

use std::fmt;

use crate::problem::Origin;

/// One option as it is in effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The whole key, as in `limits.append_bytes_max`.
    pub key: &'static str,
    /// The value, as TOML.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}  # {}", self.key, self.value, self.origin)
    }
}
