//! The file beside a shelf that says how its last run ended.
//!
//! It is replaced by rename and fsynced before sled opens its files, so a marker of a clean end can never
//! stand beside files that were written to afterwards.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::BootId;
use crate::ShelfCount;

const FILE: &str = "marker";
const MAGIC: &str = "facteur-shelf-2";

/// How the last run on a shelf ended, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// All files were fsynced, nothing was written since, and this was the hash over them.
    Clean { fingerprint: u128 },
    /// A run began and has not said that it ended.
    Running,
}

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) ending: Ending,
    /// Which subdirectory holds the files: a wiped shelf moves on to the next one.
    pub(super) generation: u64,
    pub(super) shelves: u16,
    pub(super) boot_id: BootId,
}

/// What was found where a marker should be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Damaged,
    Marker(Marker),
}

impl Marker {
    pub(super) fn running(generation: u64, shelves: ShelfCount, boot_id: &BootId) -> Self {
        Self {
            ending: Ending::Running,
            generation,
            shelves: shelves.get(),
            boot_id: boot_id.clone(),
        }
    }

    /// Reads the marker of a shelf.
    pub(super) fn read(directory: &Path) -> io::Result<Found> {
        match fs::read(directory.join(FILE)) {
            Ok(bytes) => Ok(Self::parse(&bytes).map_or(Found::Damaged, Found::Marker)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Replaces the marker of a shelf, durably.
    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let staged = directory.join("marker.new");
        let mut file = File::create(&staged)?;
        file.write_all(self.encode().as_bytes())?;
        file.sync_all()?;
        fs::rename(&staged, directory.join(FILE))?;
        File::open(directory)?.sync_all()
    }

    fn encode(&self) -> String {
        let ending = match self.ending {
            Ending::Clean { fingerprint } => format!("clean {fingerprint:032x}"),
            Ending::Running => "running -".to_owned(),
        };
        // The boot id comes last because it alone may be empty.
        format!(
            "{MAGIC} {ending} {} {} {}\n",
            self.generation, self.shelves, self.boot_id.0
        )
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let mut words = line.split(' ');
        let magic = words.next()?;
        let ending = match (words.next()?, words.next()?) {
            ("clean", hash) => Ending::Clean {
                fingerprint: u128::from_str_radix(hash, 16).ok()?,
            },
            ("running", "-") => Ending::Running,
            _ => return None,
        };
        let generation = words.next()?.parse().ok()?;
        let shelves = words.next()?.parse().ok()?;
        let boot_id = BootId(words.next()?.to_owned());
        let whole = magic == MAGIC && words.next().is_none();
        whole.then_some(Self {
            ending,
            generation,
            shelves,
            boot_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_comes_back_as_it_was_written() {
        for (ending, boot) in [
            (Ending::Clean { fingerprint: 7 << 90 }, "a-b"),
            (Ending::Running, ""),
        ] {
            let marker = Marker {
                ending,
                generation: 12,
                shelves: 8,
                boot_id: BootId::new(boot),
            };
            assert_eq!(Marker::parse(marker.encode().as_bytes()), Some(marker));
        }
    }

    #[test]
    fn anything_else_is_damage() {
        let good = "facteur-shelf-2 clean 00ff 1 8 boot\n";
        assert!(Marker::parse(good.as_bytes()).is_some());
        for cut in 0..good.len() {
            assert_eq!(
                Marker::parse(good.get(..cut).unwrap_or_default().as_bytes()),
                None,
                "cut at {cut}"
            );
        }
        for text in [
            "facteur-shelf-1 clean 00ff 1 8 b\n",
            "facteur-shelf-2 clean 00ff 1 8 b c\n",
            "\u{0}\n",
        ] {
            assert_eq!(Marker::parse(text.as_bytes()), None, "{text}");
        }
    }
}
