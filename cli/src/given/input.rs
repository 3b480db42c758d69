//! Where the events come from: the template, a file, or standard input.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::sync::mpsc;

use super::Given;
use super::template::template;

/// So many values are read ahead.
const READ_AHEAD: usize = 256;

/// The values, the last of which may be what is wrong with the input.
pub(crate) type Values = mpsc::Receiver<anyhow::Result<Value>>;

/// Where the events come from.
pub(crate) enum Input {
    /// What has a default.
    Template { json: Value, count: u64 },
    /// JSON values in a file.
    File { path: PathBuf, count: u64 },
    /// JSON values on standard input, as they come.
    Stdin,
}

impl Input {
    /// What the options ask for, for an event of this name.
    ///
    /// # Errors
    /// They contradict each other.
    pub(crate) fn choose(event: &str, given: &Given, times: Option<u64>) -> anyhow::Result<Self> {
        let count = times.unwrap_or(1);
        let dash = |path: &Path| path == Path::new("-");
        match &given.file {
            Some(path) if !dash(path) => Ok(Self::File { path: path.clone(), count }),
            // Standard input is read only when it is named: in a loop it belongs to the loop, and in
            // a job of cron it is empty.
            None if given.stdin.is_none() => Ok(Self::Template { json: template(event), count }),
            Some(_) | None => {
                let error = "--count is not for standard input: each of its values is said once";
                ensure!(times.is_none(), error);
                Ok(Self::Stdin)
            }
        }
    }

    /// What the user may not expect of it.
    pub(crate) fn note(&self) -> Option<&'static str> {
        match self {
            Self::Template { .. } if stdin_is_a_pipe() => {
                Some("standard input is not read; - after the event reads JSON from it")
            }
            Self::Stdin => Some("JSON is read from standard input"),
            Self::Template { .. } | Self::File { .. } => None,
        }
    }

    /// Reads the values. Standard input is read on a thread of its own, as it may never end.
    ///
    /// # Errors
    /// The file cannot be opened or is no JSON.
    pub(crate) fn read(self) -> anyhow::Result<Values> {
        let (sender, values) = mpsc::channel(READ_AHEAD);
        let (given, count) = match self {
            Self::Template { json, count } => (vec![json], count),
            Self::File { path, count } => {
                let name = || path.display().to_string();
                let file = File::open(&path).with_context(name)?;
                let values: anyhow::Result<Vec<_>> = json_values(file).collect();
                (values.with_context(name)?, count)
            }
            Self::Stdin => {
                std::thread::spawn(move || {
                    for value in json_values(io::stdin()) {
                        let value = value.context("standard input");
                        if sender.blocking_send(value).is_err() {
                            return;
                        }
                    }
                });
                return Ok(values);
            }
        };
        tokio::spawn(async move {
            for _ in 0..count {
                for value in &given {
                    if sender.send(Ok(value.clone())).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(values)
    }
}

/// One value after the other, on a line each or on many.
fn json_values(source: impl Read) -> impl Iterator<Item = anyhow::Result<Value>> {
    let values = serde_json::Deserializer::from_reader(BufReader::new(source)).into_iter();
    values.map(|value| value.context("this is no JSON"))
}

/// Whether somebody has put a pipe there, and may think that it is read.
fn stdin_is_a_pipe() -> bool {
    std::fs::metadata("/dev/stdin").is_ok_and(|stdin| stdin.file_type().is_fifo())
}
