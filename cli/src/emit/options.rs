//! What `choreo emit` can be asked for.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::given::Given;
use crate::given::events::EVENTS;
use crate::given::header::Header;
use crate::kafka::Cluster;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  choreo emit OrderPlaced                                an order that is good by itself
  choreo emit OrderPlaced --set lines.0.sku=kettle --set lines.0.quantity=3
  choreo emit OrderPlaced --set lines.1.sku=kettle       a second line, else like the first
  choreo emit OrderPlaced -n 1000 --rate 100
  choreo emit OrderPlaced -f order.json -o json
  choreo emit CancellationRequested --set order_id=0199…
  choreo emit StockReceived --set sku=signed-print --set quantity=50
  jq .orders[] orders.json | choreo emit OrderPlaced -   one event for each JSON value
  choreo emit OrderPlaced --dry-run                      its JSON and bytes, and nothing is said

Values follow the event's schema (schemas/TOPIC/EVENT.avsc). What an OrderPlaced does not say has a
default, unless it comes from a file or standard input; there only order_id has one, a new UUIDv7.
Each event starts a trace of its own; -H traceparent=… continues one.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// What happened
    #[arg(value_name = "EVENT", value_parser = known_event())]
    pub(super) event: String,

    #[command(flatten)]
    pub(super) given: Given,

    /// Say it so many times [default: 1]
    #[arg(short = 'n', long, conflicts_with = "stdin", value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,

    /// So many events a second; 0: as fast as possible
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(super) rate: u32,

    #[command(flatten)]
    pub(super) cluster: Cluster,

    /// Another topic than the event's own
    #[arg(short, long)]
    pub(super) topic: Option<String>,

    /// Another key than the event's own
    #[arg(short, long)]
    pub(super) key: Option<String>,

    /// Another partition than that of the key
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(0..))]
    pub(super) partition: Option<i32>,

    /// A header besides the usual ones, or instead of one; repeatable
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE")]
    pub(super) headers: Vec<Header>,

    /// How what was said is told
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,

    /// Show the JSON and the bytes, and say nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

fn known_event() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(EVENTS.iter().map(|event| event.name))
}
