//! What `choreo tail` can be asked for.

use crate::kafka::Cluster;
use crate::output::Output;
use crate::records::from::From;

const EXAMPLES: &str = "\
Examples:
  choreo tail                                  what is said from now on, on all event topics
  choreo tail -e                               all that was said, and then end
  choreo tail --from -10                       the newest ten of each partition, and what follows
  choreo tail --from @-15m -t orders           since a quarter of an hour ago, on one topic
  choreo tail --order 0199c3f0-…               the story of an order, from when it was made
  choreo tail --order 4b726cea -e              the same by the end of its id
  choreo tail --event OrderCancelled -n 1      until an order is cancelled
  choreo tail -t orders.inventory-svc.dlq -e   dead letters
  choreo tail -o json | jq -c .payload         the fields are named as kcat -J names them

--from takes what kcat's -o, rpk's --offset and kaf's --offset take:
  beginning, start, earliest, oldest           the first record that is kept
  end, latest, newest                          only what is said from now on
  42                                           that offset in each partition
  -42                                          so many records before the end of each partition
  @2026-11-23, @2026-11-23T16:00:00, @1795536000000, @-15m    a time: UTC, Unix time, or ago
Without it: end; with -e beginning; with --order the time that the order's id tells.

It joins no group and commits nothing, so nobody notices it.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) cluster: Cluster,

    /// A topic; repeatable [default: all event topics]
    #[arg(short, long = "topic", value_name = "TOPIC")]
    pub(super) topics: Vec<String>,

    /// Only this partition
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(0..))]
    pub(super) partition: Option<i32>,

    /// Where to begin: see below
    #[arg(long, visible_alias = "offset", value_name = "WHERE", allow_hyphen_values = true)]
    pub(super) from: Option<From>,

    /// Only what belongs to this order: its id, or the end of it
    #[arg(long, value_name = "ID")]
    pub(super) order: Option<String>,

    /// Only events of this name; repeatable
    #[arg(long = "event", value_name = "EVENT")]
    pub(super) events: Vec<String>,

    /// End after so many events
    #[arg(short = 'n', long, visible_short_alias = 'c', value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) count: Option<u64>,

    /// End when all that is there was shown
    #[arg(short, long)]
    pub(super) exit: bool,

    /// How it is shown
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}
