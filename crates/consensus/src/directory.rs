//! The state machine of group 0: the directory in one row of the group's header.

use bytes::Bytes;
use directory::{Directory, Done, Rejection, codec};

use crate::LogPosition;
use crate::group::Group;
use crate::machine::{Applied, Machine, MachineError, Subject};
use crate::tables::SubjectRows;
use crate::{Error, Result};

/// Where the directory stands.
const ROW: &[u8] = b"directory";

/// Applies commands of the directory in their encoded form, see [`directory::codec::encode_command`].
///
/// It tells nobody what has changed: a replica that is behind gets the directory by a snapshot, which no entry tells of.
/// Whoever follows the directory looks at [`Group::directory`] when the group has applied something.
#[derive(Clone, Copy, Debug, Default)]
pub struct DirectoryMachine;

impl Machine for DirectoryMachine {
    type Reply = std::result::Result<Done, Rejection>;
    type Event = std::convert::Infallible;

    fn subject(&self, _entry: &Bytes) -> std::result::Result<Subject, MachineError> {
        Ok(Subject::header())
    }

    fn apply(
        &self,
        _at: LogPosition,
        entry: &Bytes,
        rows: &mut SubjectRows<'_>,
    ) -> std::result::Result<Applied<Self::Reply, Self::Event>, MachineError> {
        let command = codec::decode_command(entry.clone());
        let command = command.map_err(|error| MachineError::UnknownEntry(Box::new(error)))?;
        let mut known = read(rows.get(ROW)?)?;
        let reply = directory::apply(&mut known, command);
        if let Some(directory) = known.filter(|_| reply.is_ok()) {
            rows.put(ROW, codec::encode_directory(&directory));
        }
        Ok(Applied {
            reply,
            events: Vec::new(),
        })
    }

    fn publish(&self, _events: Vec<Self::Event>) {}
}

fn read(row: Option<Bytes>) -> std::result::Result<Option<Directory>, MachineError> {
    let read = row.map(codec::decode_directory).transpose();
    read.map_err(|error| MachineError::DamagedRows(Box::new(error)))
}

impl Group<DirectoryMachine> {
    /// Returns the directory as this replica knows it, `None` where no cluster has been founded. Whoever needs the newest
    /// calls [`Group::read_barrier`] before.
    ///
    /// # Errors
    /// [`Error::Tables`] and [`Error::DamagedTables`].
    pub async fn directory(&self) -> Result<Option<Directory>> {
        let row = self.read(Subject::header(), |rows| rows.get(ROW)).await?;
        read(row.map_err(Error::Tables)?).map_err(|error| Error::DamagedTables {
            detail: error.to_string(),
        })
    }
}
