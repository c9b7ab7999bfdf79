//! What a storage node's data directory says of itself: its id, and with how many groups the cluster began.

use std::fs;
use std::io;

use directory::DiskId;
use settings::Settings;

use crate::data_dir::DataDir;
use crate::durable_file;
use crate::exit::{Exit, Failure, OrExit};
use crate::surroundings::Machine;

/// The file with the id of the data directory, in hexadecimal.
const DISK_FILE: &str = "disk";
/// The file that keeps with how many groups the cluster began.
const LAYOUT_FILE: &str = "layout";

/// Returns the id of the data directory, nothing where no storage node has run in it: then it may be that of a node that
/// has lost its disk.
///
/// # Errors
/// When it cannot be read.
pub fn read(data: &DataDir) -> Result<Option<DiskId>, Failure> {
    let path = data.join(DISK_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let parsed = parse(text.trim());
            let damaged = || {
                Failure::new(
                    Exit::Software,
                    format!("{}: no id of a data directory", path.display()),
                )
            };
            Ok(Some(parsed.ok_or_else(damaged)?))
        }
        // One that was begun before data directories had ids.
        Err(error) if error.kind() == io::ErrorKind::NotFound && data.join(LAYOUT_FILE).exists() => {
            make(data).map(Some)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).or_exit(Exit::Io, path.display()),
    }
}

/// Gives the data directory an id. From now on a storage node has run in it.
///
/// # Errors
/// When it cannot be written.
pub fn make(data: &DataDir) -> Result<DiskId, Failure> {
    let id = DiskId(Machine::random());
    let path = data.join(DISK_FILE);
    let text: String = id.0.iter().map(|octet| format!("{octet:02x}")).collect();
    let written = durable_file::replace(&path, format!("{text}\n").as_bytes());
    written.or_exit(Exit::CannotCreate, path.display())?;
    Ok(id)
}

fn parse(text: &str) -> Option<DiskId> {
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32)?;
    Some(DiskId(number.to_be_bytes()))
}

/// Slots are spread by the count of groups, so another count would look for every account in the wrong place.
///
/// # Errors
/// When the settings ask for another count than the one with which the cluster began.
pub fn keep_group_count(settings: &Settings, data: &DataDir) -> Result<(), Failure> {
    let path = data.join(LAYOUT_FILE);
    let wanted = format!("groups = {}\n", settings.storage.groups);
    match fs::read_to_string(&path) {
        Ok(kept) if kept == wanted => Ok(()),
        Ok(kept) => Err(Failure::new(
            Exit::Config,
            format!(
                "settings: `storage.groups` is fixed once a cluster has started; here it is {}",
                kept.trim().trim_start_matches("groups = ")
            ),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            durable_file::replace(&path, wanted.as_bytes()).or_exit(Exit::CannotCreate, path.display())
        }
        Err(error) => Err(error).or_exit(Exit::Io, path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> (tempfile::TempDir, Settings, DataDir) {
        let directory = tempfile::tempdir().expect("a directory");
        let mut settings = Settings::default();
        settings.server.data_dir = directory.path().to_owned();
        let data = DataDir::open(&settings).expect("opened");
        (directory, settings, data)
    }

    #[test]
    fn an_id_is_given_once() {
        let (_directory, _, data) = opened();
        assert_eq!(read(&data).expect("read"), None);
        let id = make(&data).expect("made");
        assert_eq!(read(&data).expect("read"), Some(id));
    }

    #[test]
    fn a_data_directory_from_before_ids_is_not_blank() {
        let (_directory, settings, data) = opened();
        keep_group_count(&settings, &data).expect("kept");
        let given = read(&data).expect("read").expect("an id");
        assert_eq!(read(&data).expect("read"), Some(given));
    }

    #[test]
    fn damage_is_told() {
        let (_directory, _, data) = opened();
        fs::write(data.join(DISK_FILE), "12").expect("written");
        assert_eq!(read(&data).expect_err("refused").exit(), Exit::Software);
    }

    #[test]
    fn a_first_start_that_was_cut_off_does_not_stop_the_next() {
        let (_directory, settings, data) = opened();
        fs::write(data.join("layout.new"), "").expect("written");
        keep_group_count(&settings, &data).expect("next start");
        let kept = fs::read_to_string(data.join(LAYOUT_FILE)).expect("read");
        assert_eq!(kept, "groups = 16\n");
        assert!(!data.join("layout.new").exists());
    }

    #[test]
    fn the_count_of_groups_is_fixed_once_started() {
        let (_directory, mut settings, data) = opened();
        keep_group_count(&settings, &data).expect("first start");
        keep_group_count(&settings, &data).expect("second start");
        settings.storage.groups = 32;
        let failure = keep_group_count(&settings, &data).expect_err("refused");
        assert_eq!(failure.exit(), Exit::Config);
        assert!(
            failure.lines()[0].ends_with("here it is 16"),
            "{:?}",
            failure.lines()
        );
    }
}
