//! Disks that lose power and run full.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::{Program, Scratch};

/// File systems that a disk can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileSystem {
    /// The one of most installations.
    Ext4,
    /// The other one.
    Xfs,
}

/// A file system of its own in a file; needs root. It is unmounted when the value goes.
#[derive(Debug)]
pub struct Disk {
    image: PathBuf,
    mount: PathBuf,
    _scratch: Scratch,
}

impl Disk {
    /// Makes a file system of so many MiB and mounts it. XFS needs 300.
    ///
    /// # Panics
    /// When that fails, as it does without root.
    #[must_use]
    pub fn make(kind: FileSystem, size_mib: u64) -> Self {
        let scratch = Scratch::new();
        let image = scratch.join("image");
        let file = File::create(&image).expect("a file for the image");
        file.set_len(size_mib << 20).expect("a sparse file");
        let make = match kind {
            FileSystem::Ext4 => Program::new("mkfs.ext4").arguments(["-q", "-F", "-m", "0"]),
            FileSystem::Xfs => Program::new("mkfs.xfs").arguments(["-q", "-f"]),
        };
        make.arguments([&image]).succeed();
        let disk = Self {
            mount: scratch.folder("mount"),
            image,
            _scratch: scratch,
        };
        disk.mount();
        disk
    }

    /// Returns where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.mount
    }

    /// Stops all writing at once, as a power cut does: what was not flushed is lost, and so is the log of the file
    /// system that was not written yet.
    ///
    /// # Panics
    /// When that fails.
    pub fn cut_power(&self) {
        Program::new("xfs_io")
            .arguments(["-x", "-c", "shutdown"])
            .arguments([&self.mount])
            .succeed();
    }

    /// Mounts it again after a power cut. Nothing may have a file of it open.
    ///
    /// # Panics
    /// When the file system cannot be recovered.
    pub fn power_up(&self) {
        Program::new("umount").arguments([&self.mount]).succeed();
        self.mount();
    }

    /// Fills it up to so many bytes.
    ///
    /// # Panics
    /// When that fails.
    #[must_use]
    pub fn fill_up_to(&self, bytes_left: u64) -> Filler {
        let path = self.mount.join("filler");
        let file = File::create(&path).expect("a file to fill the disk with");
        let space = statvfs(&self.mount).expect("the space of a disk");
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        let length = free.saturating_sub(bytes_left);
        take(&file, length);
        Filler { path }
    }

    fn mount(&self) {
        Program::new("mount")
            .arguments(["-o", "loop"])
            .arguments([&self.image, &self.mount])
            .succeed();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A process that is about to end may still have files of it open.
        let unmount = Program::new("umount").arguments(["-l"]).arguments([&self.mount]);
        drop(unmount.run());
    }
}

/// Makes a file so long, or as long as there is space: what is said to be free is not free to the last block.
fn take(file: &File, length: u64) {
    let mut taken = 0;
    let mut step = length;
    while taken < length && step > 0 {
        match fallocate(file, FallocateFlags::empty(), taken, step.min(length - taken)) {
            Ok(()) => taken += step,
            Err(_) => step /= 2,
        }
    }
}

/// A file that takes a disk's space; it goes with the value.
#[derive(Debug)]
pub struct Filler {
    path: PathBuf,
}

impl Drop for Filler {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}
