//! What `choreo load` can be asked for.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{bail, ensure};

use crate::http::Address;
use crate::kafka::Cluster;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  choreo load                                            50 orders a second for 10 s, to Kafka
  choreo load --url http://127.0.0.1:8080                the same over HTTP
  choreo load --rate 200 --duration 5m --mix good
  choreo load --rate 500 -n 20000 --hot-sku 0.9          nearly all lines of one SKU
  choreo load --rate 100 -o json > load.json
  choreo load --journal orders.jsonl; choreo check --journal orders.jsonl

Orders are placed at their times whether those before have been answered or not, and all times count
from when an order should have been placed: what waits for a slow target counts as slow. How long
an order takes is measured by hearing topic orders, so -b is needed with --url, too.

Exit codes: 0 all orders have ended, 1 one was not acknowledged or has not ended in time, 2 wrong
usage, 130 interrupted (what was measured until then is told).";

/// The most orders of one run: what is known of each is kept until it ends.
const ORDERS_MAX: u64 = 1_000_000;

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) cluster: Cluster,

    /// Place the orders over HTTP, at order-svc there, instead of on Kafka
    #[arg(short, long)]
    pub(super) url: Option<Address>,

    /// So many orders a second
    #[arg(short, long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) rate: u32,

    /// Place so many orders
    #[arg(short = 'n', long, value_name = "NUMBER", conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..=ORDERS_MAX))]
    pub(super) count: Option<u64>,

    /// Place orders for so long [default: 10s]
    #[arg(short, long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) duration: Option<Duration>,

    /// Which orders
    #[arg(long, value_enum, default_value_t = Mix::Demo)]
    pub(super) mix: Mix,

    /// This share of all lines is for one SKU, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub(super) hot_sku: f64,

    /// The orders are drawn with this seed: the same ones for the same seed
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) seed: u64,

    /// So many orders may wait for their acknowledgement; those after them are late
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) in_flight: u32,

    /// How long the orders may take to end after the last one is placed
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(super) timeout: Duration,

    /// Write each order and what it was answered to this file, which must not be there: for
    /// `choreo check`
    #[arg(long, value_name = "FILE")]
    pub(super) journal: Option<PathBuf>,

    /// How it is told
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// Which orders are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Mix {
    /// As in the demo: of twenty, thirteen good ones; the others are refused or cancelled
    Demo,
    /// Good ones only
    Good,
}

impl Options {
    /// How many orders are placed.
    ///
    /// # Errors
    /// Too many, or none.
    pub(super) fn orders(&self) -> anyhow::Result<u64> {
        const DURATION: Duration = Duration::from_secs(10);
        let Some(count) = self.count else {
            let duration = self.duration.unwrap_or(DURATION);
            let count = u64::try_from(u128::from(self.rate) * duration.as_millis() / 1000);
            let count = count.unwrap_or(u64::MAX);
            ensure!(0 < count, "--duration {duration:?} at --rate {}: that is no order", self.rate);
            ensure!(
                count <= ORDERS_MAX,
                "--duration {duration:?} at --rate {}: {count} orders; at most {ORDERS_MAX} are followed",
                self.rate
            );
            return Ok(count);
        };
        Ok(count)
    }
}

fn share(text: &str) -> anyhow::Result<f64> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        Ok(_) | Err(_) => bail!("a number from 0 to 1 is needed, such as 0.5"),
    }
}
