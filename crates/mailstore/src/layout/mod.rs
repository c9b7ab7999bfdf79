//! How the model lies in rows.
//!
//! | key | row | rewritten by |
//! |---|---|---|
//! | counters | applied index, log time, counters, use | every entry |
//! | profile | address, state, credentials, limits | administration |
//! | name, *name* | mailbox id and subscription of a name | changes of the tree |
//! | mailbox, *id* | one [`Mailbox`](crate::mailbox::Mailbox) | changes in it |
//! | hot, *id*, *block* | flags and MODSEQs of 64 UIDs | STORE and all below |
//! | fixed, *id*, *block* | records of 64 UIDs | APPEND, COPY, MOVE, EXPUNGE |
//! | gone, *id*, *modseq* | UIDs removed by one command | EXPUNGE, MOVE |
//! | expunged, *id*, *modseq*, *uid* | records of removed messages, for a while | EXPUNGE, MOVE |
//! | expiry, *modseq*, *id* | when those were removed | EXPUNGE, MOVE |
//! | request, *minute*, *session*, *slot* | the reply to one request | every entry with an id |
//! | address | an address record | commands of address records |
//! | arrival | how far a copy of the subject has come from another group | pieces of the copy |
//! | header | which entry last changed the header of the group | steps of moves of slots |
//! | slot, *slot* | what the header says of one slot | steps of moves of slots |
//!
//! Numbers in keys are big-endian, so that rows sort by them. Every row starts with a format version.

pub(crate) mod block;
pub(crate) mod fixed;
pub(crate) mod gone;
pub(crate) mod hot;
pub(crate) mod key;
pub(crate) mod packing;
pub(crate) mod row;
pub(crate) mod slots;
