//! What a broker tells about one order: first the committed offsets of all groups, then the ends of
//! the partitions, then records up to those.
//!
//! Where an order stands: its id tells when it was drawn, if it is a UUID of version 7, and its key
//! on which partition most producers put it. All that follows stands after it, on its key's
//! partition of each topic. So what is read depends on how long the order took, not on how long the
//! topics are; [`Search`] tells.

mod ends;
mod groups;
mod look;
mod records;
mod start;

use std::time::{Duration, Instant};

use choreography::Config;
use serde::Serialize;

use crate::outcome::Flow;
use look::Look;

/// How long the broker may take for each answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// So many records of a partition are read at most, unless the caller says otherwise.
pub const RECORDS_MAX: u64 = 200_000;

/// How it was searched, and what that took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Search {
    /// How many records were read.
    pub records: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Whether OrderPlaced was searched in all partitions, as it is not where its key and the time of
    /// its id say.
    pub is_wide: bool,
    /// Whether a limit ended it before the end of a partition.
    pub is_cut: bool,
    /// Until when it was read, by the broker's clock, in milliseconds since 1970, where that is not
    /// the end.
    pub until_ms: Option<i64>,
}

/// What became of an order, and how that was found. It asks the broker, so it blocks.
///
/// # Errors
/// The broker does not answer, or has no topic of orders.
pub fn of_order(config: &Config, order: &str, records_max: u64) -> anyhow::Result<(Flow, Search)> {
    let began = Instant::now();
    let mut look = Look::begin(config, order, records_max)?;
    look.find()?;
    let flow = look.read_on()?;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok((flow, Search { took_ms, ..look.search() }))
}
