//! A small file system for one part, to be filled to the last byte.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::local::{LocalParts, Part};

/// A file system in memory, mounted where a part keeps its data. It is unmounted with this value.
pub struct SmallDisk {
    folder: PathBuf,
}

/// Room for what a part writes before it is filled.
const SIZE_MIB: u32 = 512;

impl SmallDisk {
    /// Mounts one. `None`: this process may not do that.
    fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).expect("a folder");
        let options = format!("size={SIZE_MIB}m,mode=755");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "choreography"]).arg(folder);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then(|| Self { folder: folder.to_owned() })
    }

    /// Fills what room is left, and what has become free since the last time.
    ///
    /// # Panics
    /// It cannot be written, and not for want of room.
    pub fn fill(&self) {
        let mut filler = File::options().create(true).append(true).open(self.filler());
        let filler = filler.as_mut().expect("a file");
        // Large pieces first, so that it is quick; the last one is a byte.
        for size in [1 << 20, 1 << 12, 1] {
            let piece = vec![0; size];
            let full = loop {
                if let Err(error) = filler.write_all(&piece) {
                    break error;
                }
            };
            assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
        }
    }

    /// Gives the room back.
    ///
    /// # Panics
    /// It was not filled.
    pub fn clear(&self) {
        fs::remove_file(self.filler()).expect("the file that fills it");
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(&self.folder);
    }
}

/// Also while somebody still has a file open there.
fn unmount(folder: &Path) {
    let _ = Command::new("umount").arg("--lazy").arg(folder).output();
}

impl LocalParts {
    /// Starts both, and `part` has a small disk. `None`: a disk cannot be mounted here, which asks for
    /// the rights of root.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_on_small_disk(part: Part, name: &str) -> Option<Self> {
        let mut parts = Self::new(name, &Part::BOTH);
        let folder = parts.state.join(part.name());
        // What a killed run has left.
        unmount(&folder);
        parts.sweep();
        // The scripts take a folder for theirs that they have found empty once.
        parts.script("down", &[]);
        parts.disk = Some(SmallDisk::mount(&folder)?);
        parts.start_all();
        Some(parts)
    }
}
