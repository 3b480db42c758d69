//! What a trial is made of.

use super::RATE;
use crate::binaries::Build;
use crate::databases::Storage;

/// What a trial is made of.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Orders a second.
    pub rate: u32,
    /// Where the services keep their state.
    pub storage: Storage,
    /// How the services are built.
    pub build: Build,
    /// Whether each instance is a member of its group by a name of its own: then it is not waited for
    /// when it was killed and comes back. Without a name a killed member counts for ten seconds.
    pub named: bool,
}

impl Setup {
    /// What most trials are made of.
    pub const USUAL: Self =
        Self { rate: RATE, storage: Storage::Postgres, build: Build::Ordinary, named: false };
}
