//! A copy of the project that a reader of the guide works in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::binaries;

use crate::guide::File;

/// The copy. It has the times of the originals, so that cargo, which names what it builds by the
/// path within the workspace, takes what is built already.
pub(crate) struct Project {
    folder: PathBuf,
}

impl Project {
    /// A fresh copy in `folder`, without what is hidden or built.
    pub(crate) fn copy(folder: &Path) -> Self {
        let _ = fs::remove_dir_all(folder);
        for (path, original) in files(binaries::project_folder()) {
            let copy = folder.join(path);
            fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder");
            fs::copy(&original, &copy).expect("a copy");
            let time = fs::metadata(&original).and_then(|m| m.modified()).expect("a time");
            let copy = fs::File::options().write(true).open(copy).expect("a copy");
            copy.set_modified(time).expect("the time of the original");
        }
        Self { folder: folder.to_owned() }
    }

    /// Writes what the guide shows.
    pub(crate) fn write(&self, files: &[File]) {
        for File { path, text } in files {
            let path = self.folder.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
    }

    /// Runs a package's own tests, which builds its binary, too. Out: where that is.
    pub(crate) fn test(&self, package: &str) -> PathBuf {
        let mut cargo = Command::new(env!("CARGO"));
        // All that it depends on is in Cargo.lock, and here.
        cargo.args(["test", "--quiet", "--offline", "-p", package]);
        cargo.args(["--profile", &binaries::profile()]);
        cargo.arg("--target-dir").arg(binaries::target_folder()).current_dir(&self.folder);
        let output = cargo.output().expect("cargo starts");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success(), "{cargo:?}\n{said}");
        // Each file of tests has one at least.
        assert!(said.contains(" passed"), "{cargo:?}\n{said}");
        binaries::profile_folder().join(package)
    }

    /// The paths of new files, and of those that are not as in the project.
    pub(crate) fn differences(&self) -> [Vec<String>; 2] {
        let originals = files(binaries::project_folder());
        let (mut new, mut changed) = (vec![], vec![]);
        for (path, copy) in files(&self.folder) {
            let text = |file: &Path| fs::read(file).expect("a file");
            match originals.get(&path) {
                None => new.push(path),
                Some(original) if text(original) != text(&copy) => changed.push(path),
                Some(_) => (),
            }
        }
        [new, changed]
    }
}

/// All files that are neither hidden nor built, by their path in `folder`.
fn files(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || name == "target" {
                continue;
            }
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                let within = path.strip_prefix(folder).expect("inside").display().to_string();
                files.insert(within, path);
            }
        }
    }
    files
}
