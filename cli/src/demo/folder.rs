//! Where the services' databases are.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tempfile::TempDir;

/// Where the databases are.
pub(super) enum Folder {
    /// The user wants to keep them.
    Kept(PathBuf),
    /// Deleted at the end.
    Temporary(TempDir),
}

impl Folder {
    /// Makes it; `keep` is where the user wants to keep the databases.
    ///
    /// # Errors
    /// It cannot be made, or there is something in it already.
    pub(super) fn make(keep: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = keep else {
            let folder = tempfile::Builder::new().prefix("choreo-demo-").tempdir();
            return Ok(Self::Temporary(folder.context("cannot make a temporary folder")?));
        };
        let name = || format!("--keep {}", path.display());
        std::fs::create_dir_all(path).with_context(name)?;
        let is_empty = std::fs::read_dir(path).with_context(name)?.next().is_none();
        ensure!(
            is_empty,
            "{}: the folder is not empty; the broker forgets, the databases would not",
            name()
        );
        Ok(Self::Kept(path.to_owned()))
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}
