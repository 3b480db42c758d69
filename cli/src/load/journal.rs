//! `--journal`: each order, and what it was answered, as a line of a file that `choreo check` reads.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use checker::journal::Entry;

/// The file; nothing if none was asked for.
pub(super) struct Journal(Option<File>);

impl Journal {
    /// Makes the file.
    ///
    /// # Errors
    /// It is there already, as what it says would be lost, or it cannot be made.
    pub(super) fn start(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = file else { return Ok(Self(None)) };
        let of = || format!("--journal {}", path.display());
        Ok(Self(Some(File::create_new(path).with_context(of)?)))
    }

    /// Writes the line of an order. Nothing waits in memory: a load that is killed has told all that it
    /// knew.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn add(&mut self, entry: &Entry) -> anyhow::Result<()> {
        match &mut self.0 {
            Some(file) => file.write_all(entry.line()?.as_bytes()).context("--journal"),
            None => Ok(()),
        }
    }
}
