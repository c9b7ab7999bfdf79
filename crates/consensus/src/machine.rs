//! The port to the state machine: what a committed entry means.

use std::error::Error;

use bytes::Bytes;

use crate::LogPosition;
use crate::tables::SubjectRows;

/// The part of a group's state that one entry changes: an account, an address record, or the group's header.
///
/// A subject is the unit of replay and of snapshots: each records the index of the entry that last changed it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Bytes);

/// The longest name of a subject, in bytes.
pub const SUBJECT_BYTES_MAX: usize = 512;

impl Subject {
    /// Returns the subject of this name, or `None` if the name is empty or longer than
    /// [`SUBJECT_BYTES_MAX`]. The empty name is the header's.
    pub fn new(name: impl Into<Bytes>) -> Option<Self> {
        let name = name.into();
        (1..=SUBJECT_BYTES_MAX)
            .contains(&name.len())
            .then_some(Self(name))
    }

    /// Returns the header of the group, which a snapshot holds exactly as of its log position.
    pub fn header() -> Self {
        Self(Bytes::new())
    }

    /// Returns the name.
    pub fn name(&self) -> &Bytes {
        &self.0
    }
}

/// What an entry did.
#[derive(Debug)]
pub struct Applied<R, E> {
    /// The answer for whoever proposed it. A rejection of the command is a reply too.
    pub reply: R,
    /// What is to be told to watchers once the rows are in the tables.
    pub events: Vec<E>,
}

/// Why an entry cannot be applied. It stops the replica; a command that is merely wrong is answered by a
/// rejection in [`Applied::reply`] instead.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The entry is of a kind that this version does not know. It is never skipped.
    // tidy: allow(errors): the machine chooses its error's type, and this crate cannot name it.
    #[error("the entry is of an unknown kind")]
    UnknownEntry(#[source] Box<dyn Error + Send + Sync>),
    /// The table engine failed.
    #[error("the tables failed")]
    Engine(#[from] kv::KvError),
    /// The rows contradict each other or cannot be decoded.
    // tidy: allow(errors): as above, only the machine knows what its rows are.
    #[error("the tables are damaged")]
    DamagedRows(#[source] Box<dyn Error + Send + Sync>),
}

/// A deterministic state machine over the rows of a group.
///
/// Two replicas that apply the same entries hold the same rows: nothing but the entry and the rows may enter
/// into the result. Calls block and must not panic.
pub trait Machine: Send + Sync + 'static {
    /// The answer to an entry.
    type Reply: Send + Sync + 'static;
    /// What watchers are told.
    type Event: Send + 'static;

    /// Returns the subject that the entry changes.
    ///
    /// # Errors
    /// Fails when the entry cannot be read.
    fn subject(&self, entry: &Bytes) -> Result<Subject, MachineError>;

    /// Applies an entry to the rows of its subject.
    ///
    /// # Errors
    /// Fails only when the replica must stop: its effects are then thrown away.
    fn apply(
        &self,
        at: LogPosition,
        entry: &Bytes,
        rows: &mut SubjectRows<'_>,
    ) -> Result<Applied<Self::Reply, Self::Event>, MachineError>;

    /// Takes the events of entries whose rows are now readable, in log order.
    fn publish(&self, events: Vec<Self::Event>);
}
