//! The mailbox model of Facteur: accounts, mailboxes, messages, and the one function that changes them.
//!
//! Everything here is pure. [`apply()`] takes the rows of one account and a committed
//! [`Entry`] and gives a reply, the events that it caused and the rows that it changed; time,
//! randomness and identifiers arrive inside the entry, so that every replica computes the same state.
//! [`read`] answers questions from the same rows. [`ports`] are the traits that protocol roles call and
//! that a storage node implements; [`codec`] is the stored form of entries, replies and rows.
//!
//! The crate deliberately knows nothing of IMAP syntax, sequence numbers, sockets, files, clocks or
//! Raft. Start reading at [`command`], then [`mod@apply`].
#![deny(missing_docs)]

pub mod account;
pub mod address;
pub mod apply;
pub mod codec;
pub mod command;
pub mod error;
pub mod event;
pub mod flags;
pub mod ids;
mod layout;
pub mod limits;
pub mod mailbox;
pub mod message;
pub mod name;
pub mod ports;
pub mod query;
pub mod read;
pub mod reply;
pub mod rows;
pub mod search;
pub mod slots;
pub mod time;
pub mod uid_set;
pub mod view;

pub use apply::{Applied, ApplyError, apply, apply_in_group};
pub use command::{Command, Entry};
pub use error::{DecodeError, ErrorKind, Rejection, StoreError, TableError};
pub use ids::{
    AccountId, BlobId, GroupId, MailboxId, ModSeq, NodeId, ReplicaId, RequestId, SessionId, Slot, Uid,
    UidValidity,
};
pub use reply::Reply;
pub use uid_set::UidSet;
