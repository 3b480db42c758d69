//! What `choreo demo` can be asked for, and what the embedded broker allows.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use choreography::embedded::BYTES_MAX;
use shared_events::topics::PARTITIONS;

/// All records about one order on one topic are smaller than this, together with what the broker
/// adds to each; each demo measures it.
pub(super) const ORDER_BYTES_MAX: usize = 5 * 1024;

/// Of so many orders the embedded broker loses no record before it is read. The half is for keys
/// that do not spread evenly over the partitions. Its limit on records is far away then.
const ORDERS_MAX: usize = BYTES_MAX / ORDER_BYTES_MAX * PARTITIONS as usize / 2;

const EXAMPLES: &str = "\
Examples:
  choreo demo
  choreo demo --orders 2000 --rate 0         as fast as possible
  choreo demo --keep /tmp/demo               the services' databases stay: sqlite3 /tmp/demo/*.db
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 choreo demo    with traces

Nothing has to be installed or running. The broker is a demo broker in memory: what the project
promises about crashes and restarts does not hold on it. The exit code is 1 if an order did not end.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Place so many orders
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) orders: u32,

    /// So many orders a second; 0: as fast as possible
    #[arg(long, value_name = "NUMBER", default_value_t = 200)]
    pub(super) rate: u32,

    /// The orders are drawn with this seed: the same ones for the same seed
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) seed: u64,

    /// How long the services may take to answer an order before it is cancelled
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(super) deadline: Duration,

    /// How long a parcel takes from its dispatch to its delivery
    #[arg(long, value_name = "DURATION", default_value = "300ms", value_parser = humantime::parse_duration)]
    pub(super) deliver_after: Duration,

    /// How long the orders may take to end after the last one is placed
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(super) wait: Duration,

    /// Keep the services' databases in this folder, which must be empty or new
    #[arg(long, value_name = "FOLDER")]
    pub(super) keep: Option<PathBuf>,
}

impl Options {
    /// Refuses what cannot be done.
    ///
    /// # Errors
    /// What it is, and what can be done.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.orders as usize <= ORDERS_MAX,
            "--orders {}: at most {ORDERS_MAX} fit, as the embedded broker keeps {} MiB of a \
             partition; for more use Kafka and `choreo emit`",
            self.orders,
            BYTES_MAX >> 20
        );
        order_svc::Orders::new(&order_svc::Options { deadline: self.deadline })?;
        Ok(())
    }
}
