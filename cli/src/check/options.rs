//! What `choreo check` can be asked for.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use checker::Service;

use crate::kafka::Cluster;
use crate::output::Output;
use crate::records::from::From;

const EXAMPLES: &str = "\
Examples:
  choreo check                                       orders of the last 10 minutes, by the topics alone
  choreo check --since 1h --order-db postgres://choreo@127.0.0.1:5432/orders
  choreo load --journal load.jsonl; choreo check --journal load.jsonl
  choreo check --from beginning -o json | jq .violations

It reads what each group has taken, then where the topics end, then all records up to there, then
the databases, and changes nothing. An order that is on its way, with time left, is under way. One
that has lost something, or has something twice, is told with the layer where that happened. Without
the URL of a service's database it does not see whether that service has handled what it has taken.

Exit codes: 0 all orders are whole, 1 something is violated, or it failed, 2 wrong usage, 3 not all
could be decided: orders are under way or set aside, or there are more records than it reads.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) cluster: Cluster,

    /// Orders that were placed within this time [default: 10m, or since the first one of the journal]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) since: Option<Duration>,

    /// Orders that were placed from then on: beginning, or a time as in `choreo tail`
    #[arg(long, value_name = "WHERE", conflicts_with = "since", allow_hyphen_values = true, value_parser = from)]
    pub(super) from: Option<From>,

    /// What `choreo load --journal` has written: orders that were acknowledged have to be there
    #[arg(long, value_name = "FILE")]
    pub(super) journal: Option<PathBuf>,

    /// The database of order-svc: postgres://… or sqlite://FILE
    #[arg(long, value_name = "URL")]
    order_db: Option<String>,

    /// The database of inventory-svc
    #[arg(long, value_name = "URL")]
    inventory_db: Option<String>,

    /// The database of logistics-svc
    #[arg(long, value_name = "URL")]
    logistics_db: Option<String>,

    /// The database of seller-svc
    #[arg(long, value_name = "URL")]
    seller_db: Option<String>,

    /// How long what happens at once may take before it is late
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(super) grace: Duration,

    /// What order-svc has for --deadline
    #[arg(long, env = "ORDER_DEADLINE", value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(super) deadline: Duration,

    /// What logistics-svc has for --deliver-after
    #[arg(long, env = "LOGISTICS_DELIVER_AFTER", value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
    pub(super) deliver_after: Duration,

    /// Read so many records at most; if there are more, a shorter time is looked at
    #[arg(long, value_name = "NUMBER", default_value_t = 200_000, value_parser = clap::value_parser!(i64).range(1..=2_000_000))]
    pub(super) records: i64,

    /// How it is told
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

impl Options {
    /// The databases that are looked at.
    pub(super) fn databases(&self) -> impl Iterator<Item = (Service, &str)> {
        let all = [
            (Service::Order, &self.order_db),
            (Service::Inventory, &self.inventory_db),
            (Service::Logistics, &self.logistics_db),
            (Service::Seller, &self.seller_db),
        ];
        all.into_iter().filter_map(|(service, url)| Some((service, url.as_deref()?)))
    }
}

/// Orders have their place in time, not in one partition.
fn from(text: &str) -> anyhow::Result<From> {
    match text.parse()? {
        from @ (From::Beginning | From::Time(_) | From::Ago(_)) => Ok(from),
        From::End | From::Offset(_) | From::Last(_) => {
            bail!("orders are looked at from the beginning or from a time on, such as @-15m")
        }
    }
}
