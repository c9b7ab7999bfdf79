//! The directory on this node: its replica of group 0, if it has one, and the newest directory that the node knows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use consensus::{DirectoryMachine, Error, Group, Remedy, ReplicaId, Role};
use directory::{Command, Directory, Done, Rejection, codec};
use futures::StreamExt;
use kv::ShelfId;
use mailstore::ports::BoxStream;
use mailstore::{GroupId, StoreError};
use rpc::{Described, DirectoryHandler};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;

use super::sealed::Sealed;
use super::{Replicas, StartError};

/// The group of the directory.
pub const DIRECTORY: GroupId = GroupId(0);

/// Where the newest directory that the node knew is kept.
const FILE: Sealed = Sealed::new("directory", b"fdirec-1");
/// How often is looked whether a replica of group 0 has come here.
const ABSENT_INTERVAL: Duration = Duration::from_secs(1);

/// What the node knows of the directory. It may be old, never wrong.
pub type KnownDirectory = watch::Receiver<Option<Arc<Directory>>>;

impl Replicas {
    /// Returns the newest directory that this node knows, and follows it.
    #[must_use]
    pub fn known_directory(&self) -> KnownDirectory {
        self.inner.known.subscribe()
    }

    /// Takes a directory that another process has given, if it is newer than what is known here.
    pub fn learn_directory(&self, directory: Directory) {
        self.inner.known.send_if_modified(|known| {
            let newer = known.as_ref().is_none_or(|known| known.epoch < directory.epoch);
            if newer {
                *known = Some(Arc::new(directory));
            }
            newer
        });
    }

    /// Returns whether this node leads the directory's group, as far as it knows.
    #[must_use]
    pub fn leads_directory(&self) -> bool {
        let group = self.inner.directory.get(DIRECTORY);
        group.is_ok_and(|group| group.status().role == Role::Leader)
    }

    /// Returns the directory as it stands, `None` where no cluster has been founded.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], and [`StoreError::Unavailable`] without a majority.
    pub async fn read_directory(&self) -> Result<Option<Directory>, StoreError> {
        let group = self.directory_group()?;
        let barrier = group.read_barrier().await;
        barrier.map_err(|error| self.store_error(&error))?;
        let read = group.directory().await;
        read.map_err(|error| self.store_error(&error))
    }

    /// Changes the directory, and returns when that is durable on a majority.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], and [`StoreError::OutcomeUnknown`] when it may happen later.
    pub async fn change_directory(&self, command: &Command) -> Result<Result<Done, Rejection>, StoreError> {
        let group = self.directory_group()?;
        let committed = group.propose(codec::encode_command(command)).await;
        let committed = committed.map_err(|error| self.store_error(&error))?;
        Ok(committed.reply)
    }

    fn directory_group(&self) -> Result<Arc<Group<DirectoryMachine>>, StoreError> {
        let group = self.inner.directory.get(DIRECTORY);
        group.map_err(|error| match error {
            Error::NoSuchGroup { .. } => StoreError::NotLeader {
                hint: self.directory_host(),
            },
            error => self.store_error(&error),
        })
    }

    /// Returns a node that has a replica of the directory, for whoever asks one that has not.
    fn directory_host(&self) -> Option<String> {
        let placement = self.placement();
        let hosts = placement.groups.get(&DIRECTORY)?.replicas.values();
        hosts
            .filter(|node| **node != placement.this)
            .find_map(|node| placement.name(*node).map(str::to_owned))
    }

    /// Keeps what is known of the directory in step with the replica here, until `stop`.
    pub async fn follow_directory(&self, stop: CancellationToken) {
        let follow = async {
            loop {
                if let Ok(group) = self.inner.directory.get(DIRECTORY) {
                    self.follow_replica(&group).await;
                }
                tokio::time::sleep(ABSENT_INTERVAL).await;
            }
        };
        // Reading and learning may be cut off at any point.
        let _ = stop.run_until_cancelled(follow).await;
    }

    /// Returns when the replica has stopped.
    async fn follow_replica(&self, group: &Group<DirectoryMachine>) {
        let mut watch = group.watch();
        let mut seen = None;
        loop {
            match group.directory().await {
                Ok(directory) => directory
                    .into_iter()
                    .for_each(|directory| self.learn_directory(directory)),
                // Whoever repairs the replica says why in the log.
                Err(error) => tracing::debug!(%error, "the directory cannot be read now"),
            }
            let news = watch
                .wait_for(|status| !status.is_running || status.applied != seen)
                .await;
            match news {
                Ok(status) if status.is_running => seen = status.applied,
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Writes the newest directory down, so that a start knows slots and nodes before anybody can be reached.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn keep_directory(&self, directory: &Directory) -> Result<(), StartError> {
        let (disk, encoded) = (Arc::clone(&self.inner.disk), codec::encode_directory(directory));
        let written = self
            .inner
            .blocking
            .run(move || FILE.write(&*disk, &encoded))
            .await;
        written.map_err(StartError::Keeping)?
    }

    pub(super) async fn start_directory(
        &self,
        replica: ReplicaId,
    ) -> Result<Arc<Group<DirectoryMachine>>, Error> {
        let machine = Arc::new(DirectoryMachine);
        self.inner.directory.start(DIRECTORY, replica, machine).await
    }

    /// Repairs the directory's replica, with the mail groups that share its shelf.
    pub(super) async fn repair_directory(&self, remedy: Remedy, error: Error) -> Result<(), Error> {
        match remedy {
            Remedy::RebuildShelf(shelf) => self.rebuild_shelf(shelf).await,
            Remedy::RebuildTables(group) => self.inner.directory.rebuild(group).await,
            Remedy::StopProcess => Err(error),
        }
    }

    /// Fills all tables on a lost shelf again, those of both kinds of groups.
    pub(super) async fn rebuild_shelf(&self, shelf: ShelfId) -> Result<(), Error> {
        let directory = self.inner.directory.get(DIRECTORY).ok();
        let affected = directory.filter(|group| group.shelf() == shelf);
        if affected.is_some() {
            // One that has failed already is gone.
            drop(self.inner.directory.stop(DIRECTORY).await);
        }
        let rebuilt = self.inner.groups.rebuild_shelf(shelf).await;
        if let Some(group) = affected {
            self.start_directory(group.replica()).await?;
        }
        rebuilt
    }
}

/// Reads the directory that was known last, `None` where none was. Blocks.
pub(super) fn read_kept(disk: &dyn disk::Disk) -> Result<Option<Directory>, StartError> {
    let Some(content) = FILE.read(disk)? else {
        return Ok(None);
    };
    let decoded = codec::decode_directory(content.into());
    decoded
        .map(Some)
        .map_err(|error| FILE.damaged(&error.to_string()))
}

#[async_trait]
impl DirectoryHandler for Replicas {
    fn describe(&self) -> Described {
        let placement = self.placement();
        let known = self.inner.known.borrow().clone();
        Described {
            name: placement.name(placement.this).unwrap_or_default().to_owned(),
            blank: false,
            directory: known.map(|known| codec::encode_directory(&known)),
        }
    }

    async fn submit(&self, command: Bytes) -> Result<Bytes, StoreError> {
        let group = self.directory_group()?;
        // What this version does not know must not come into the log.
        if let Err(error) = codec::decode_command(command.clone()) {
            tracing::warn!(%error, "a change of the directory is of a later version");
            return Err(StoreError::Unavailable(
                "this version does not know such a change",
            ));
        }
        let committed = group.propose(command).await;
        let committed = committed.map_err(|error| self.store_error(&error))?;
        Ok(codec::encode_reply(&committed.reply))
    }

    fn watch(&self, epoch: u64) -> BoxStream<Bytes> {
        let directories = WatchStream::new(self.known_directory());
        let newer = directories.filter_map(move |known| async move {
            let newer = known.filter(|known| known.epoch.0 > epoch)?;
            Some(codec::encode_directory(&newer))
        });
        newer.boxed()
    }
}
