//! Reference data: TOML that a user has written, or what is built in. Whatever is wrong with it is
//! told with its line.

use std::fmt::Display;
use std::path::Path;

use anyhow::{Context, anyhow};
use serde::de::DeserializeOwned;

/// A text in TOML.
pub struct Text {
    /// Its file, as the user has named it.
    name: String,
    text: String,
}

impl Text {
    /// The file at `path`, or without one what is built in.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: Option<&Path>, built_in: &str) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self { name: "what is built in".to_owned(), text: built_in.to_owned() });
        };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| name.clone())?;
        Ok(Self { name, text })
    }

    /// What the text says. A value that is a `toml::Spanned` knows where it stands.
    ///
    /// # Errors
    /// Which line is wrong, and what would be right.
    pub fn parse<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        toml::from_str(&self.text)
            .map_err(|error| self.wrong(error.span().unwrap_or_default().start, error.message()))
    }

    /// The error that says `what` is wrong with what stands at this byte.
    pub fn wrong(&self, byte: usize, what: impl Display) -> anyhow::Error {
        let before = self.text.bytes().take(byte);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        anyhow!("{}: line {line}: {what}", self.name)
    }
}
