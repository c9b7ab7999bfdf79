//! The state of a session. Everything here is plain data and functions on it: no socket, no clock.

pub(crate) mod selected;
pub(crate) mod sequence_map;
