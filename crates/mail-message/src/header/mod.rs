//! Header blocks: fields, unfolding, and the grammar inside field bodies.

pub(crate) mod address;
pub(crate) mod date;
pub(crate) mod encoded_word;
pub(crate) mod field;
pub mod filter;
pub(crate) mod lexer;
pub(crate) mod message_id;
pub(crate) mod parameter;
