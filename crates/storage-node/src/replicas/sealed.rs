//! Small files that are replaced as a whole and tell when they are damaged.

use disk::{Disk, DiskPath};

use super::StartError;

const DIRECTORY: &str = "placement";
const HASH_BYTES: usize = 32;

/// A file of what this node must know after a restart, whoever can be reached then.
pub(super) struct Sealed {
    name: &'static str,
    /// Precedes the hash of what follows it.
    magic: &'static [u8; 8],
}

impl Sealed {
    pub(super) const fn new(name: &'static str, magic: &'static [u8; 8]) -> Self {
        Self { name, magic }
    }

    /// Returns the error for what was read and is not what was written.
    pub(super) fn damaged(&self, detail: &str) -> StartError {
        StartError::Damaged {
            file: format!("{DIRECTORY}/{}", self.name),
            detail: detail.to_owned(),
        }
    }

    /// Reads what was written last, `None` where nothing ever was. Blocks.
    pub(super) fn read(&self, disk: &dyn Disk) -> Result<Option<Vec<u8>>, StartError> {
        let path = DiskPath::new(DIRECTORY)?.join(self.name)?;
        let file = match disk.open(&path) {
            Ok(file) => file,
            Err(disk::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let length = usize::try_from(file.len()?).map_err(|_| self.damaged("too long"))?;
        let mut octets = vec![0; length];
        file.read_exact_at(&mut octets, 0)?;
        let hashed = octets.strip_prefix(self.magic);
        let hashed = hashed.ok_or_else(|| self.damaged("unknown format"))?;
        let split = hashed.split_at_checked(HASH_BYTES);
        let (hash, content) = split.ok_or_else(|| self.damaged("cut off"))?;
        if blake3::hash(content).as_bytes() != hash {
            return Err(self.damaged("the hash differs"));
        }
        Ok(Some(content.to_owned()))
    }

    /// Writes this in the place of what was there before, durably. Blocks.
    pub(super) fn write(&self, disk: &dyn Disk, content: &[u8]) -> Result<(), StartError> {
        let octets = [&self.magic[..], blake3::hash(content).as_bytes(), content].concat();
        let directory = DiskPath::new(DIRECTORY)?;
        disk.create_dir_all(&directory)?;
        let staged = directory.join(&format!("{}.new", self.name))?;
        match disk.remove(&staged) {
            Ok(()) | Err(disk::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let file = disk.create_new(&staged)?;
        file.write_all_at(&octets, 0)?;
        file.sync_data()?;
        disk.rename(&staged, &directory.join(self.name)?)?;
        Ok(disk.sync_dir(&directory)?)
    }
}
