//! Paths below the root of a disk.

use std::fmt;

use crate::{Error, Result};

/// A path relative to the root of a [`crate::Disk`]: names separated by `/`, none of them empty, `.` or `..`.
/// The empty path is the root itself. It is opaque text, the same on every platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiskPath(String);

impl DiskPath {
    /// Returns the root of the disk.
    #[must_use]
    pub fn root() -> Self {
        Self(String::new())
    }

    /// Parses a path of one or more names.
    ///
    /// # Errors
    /// [`Error::InvalidPath`] for an absolute path, an empty, `.` or `..` name, a backslash or a control
    /// character.
    pub fn new(path: &str) -> Result<Self> {
        if path.split('/').all(is_plain_name) {
            Ok(Self(path.to_owned()))
        } else {
            Err(Error::InvalidPath {
                path: path.to_owned(),
            })
        }
    }

    /// Returns the path of `name` in this directory.
    ///
    /// # Errors
    /// [`Error::InvalidPath`] if `name` is not a single plain name.
    pub fn join(&self, name: &str) -> Result<Self> {
        if !is_plain_name(name) {
            return Err(Error::InvalidPath {
                path: name.to_owned(),
            });
        }
        Ok(if self.0.is_empty() {
            Self(name.to_owned())
        } else {
            Self(format!("{}/{name}", self.0))
        })
    }

    /// Returns the directory that holds this path; the root for a single name and for the root itself.
    #[must_use]
    pub fn parent(&self) -> Self {
        self.0
            .rsplit_once('/')
            .map_or_else(Self::root, |(parent, _)| Self(parent.to_owned()))
    }

    /// Returns the last name; empty for the root.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }

    /// Returns the whole path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DiskPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str(".")
        } else {
            f.write_str(&self.0)
        }
    }
}

fn is_plain_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(|c: char| c == '/' || c == '\\' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_root_parse() {
        for good in ["a", "a/b", "wal/00000001.seg", "..a"] {
            assert!(DiskPath::new(good).is_ok(), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a\\b", "a\0"] {
            assert!(DiskPath::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn parents_and_names() {
        let path = DiskPath::new("wal/x/1").unwrap();
        assert_eq!((path.parent().as_str(), path.file_name()), ("wal/x", "1"));
        assert_eq!(DiskPath::new("a").unwrap().parent(), DiskPath::root());
        assert_eq!(DiskPath::root().join("a").unwrap().as_str(), "a");
        assert!(DiskPath::root().join("a/b").is_err());
    }
}
