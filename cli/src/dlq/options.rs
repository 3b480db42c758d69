//! What `choreo dlq` can be asked for.

use choreography::dead_letter::PoisonClass;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::filter::{Place, Which};
use crate::kafka::Cluster;
use crate::output::Output;
use crate::records::from::From;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// List dead letters, a line each, and whether they were replayed
    List(List),
    /// Show all that is known of a dead letter
    Show(Show),
    /// Give dead letters again to the group that could not handle them; without --yes only say which
    Replay(Replay),
    /// Delete the dead letters of a partition up to one of them; without --yes only say which
    Drop(Drop),
}

const LIST: &str = "\
Examples:
  choreo dlq list                                all dead letters of all groups
  choreo dlq list --group inventory-svc          those of one service
  choreo dlq list --from @-1h --error panic      of the last hour, and of one kind
  choreo dlq list --order 4b726cea               of one order, by the end of its id
  choreo dlq list -o json | jq -r .dead_letter.id

Each line says when it died, where its dead letter stands and where the event stood, what it is,
why it died, and what became of it:
  waiting         it was not replayed
  replayed        its replay stands in the group's replay topic
  died again      it was replayed, and has a newer dead letter
  repeat          the same dead letter stands before it
  no dead letter  its headers do not say which event died; it cannot be replayed";

/// Which cluster, and how it is told.
#[derive(clap::Args, Debug)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(super) cluster: Cluster,

    /// How it is told
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// Which dead letters; all that is given has to fit.
#[derive(clap::Args, Debug)]
pub(crate) struct Filter {
    /// Only those of this consumer group
    #[arg(short, long, value_name = "GROUP")]
    pub(super) group: Option<String>,

    /// Only events of this topic, on which they stood first
    #[arg(short, long, value_name = "TOPIC")]
    pub(super) topic: Option<String>,

    /// Only what belongs to this order: its id, or the end of it
    #[arg(long, value_name = "ID")]
    pub(super) order: Option<String>,

    /// Only this kind of fault
    #[arg(long, value_name = "CLASS", value_parser = known_class())]
    pub(super) error: Option<String>,

    /// Where to begin in each partition of dead letters, as in `choreo tail` [default: beginning]
    #[arg(long, visible_alias = "offset", value_name = "WHERE", allow_hyphen_values = true)]
    pub(super) from: Option<From>,
}

fn known_class() -> impl TypedValueParser<Value = String> {
    use PoisonClass::{Answer, Panic, Refused, Undecodable};
    PossibleValuesParser::new([Undecodable, Panic, Refused, Answer].map(PoisonClass::as_str))
}

#[derive(clap::Args, Debug)]
#[command(after_help = LIST)]
pub(crate) struct List {
    #[command(flatten)]
    pub(super) filter: Filter,

    #[command(flatten)]
    pub(super) common: Common,
}

const SHOW: &str = "\
Examples:
  choreo dlq show 4b726cea-0d1c                    by the event's id, or the end of it
  choreo dlq show orders.inventory-svc.dlq/2/5     by the dead letter's own place
  choreo dlq show orders/2/17 -o json              by the event's place: the letters of all groups";

#[derive(clap::Args, Debug)]
#[command(after_help = SHOW)]
pub(crate) struct Show {
    /// The event's id, or its end of at least eight characters; the place of the event or of its
    /// dead letter
    #[arg(value_name = "ID|TOPIC/PARTITION/OFFSET")]
    pub(super) which: Which,

    #[command(flatten)]
    pub(super) common: Common,
}

const REPLAY: &str = "\
Examples:
  choreo dlq replay --group inventory-svc          what would be replayed; nothing is
  choreo dlq replay --group inventory-svc --yes    does it
  choreo dlq replay 4b726cea-0d1c --yes            one event, in each group where it is dead
  choreo dlq replay --from @-1h --limit 1000 --rate 50 --yes

Only the group that could not handle an event hears its replay, under the event's own identity, so
that it has its effect once. Mend the cause first: else it dies again. It can be run again at any
time: what was replayed and is not dead again is skipped.";

#[derive(clap::Args, Debug)]
#[command(after_help = REPLAY)]
pub(crate) struct Replay {
    /// Only these: as in `choreo dlq show`
    #[arg(value_name = "ID|TOPIC/PARTITION/OFFSET")]
    pub(super) which: Vec<Which>,

    #[command(flatten)]
    pub(super) filter: Filter,

    /// Do it
    #[arg(short, long)]
    pub(super) yes: bool,

    /// Also what was replayed already. The group takes no notice if it could handle that
    #[arg(long)]
    pub(super) again: bool,

    /// At most so many, the earliest first
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) limit: u64,

    /// So many a second; 0: as fast as they are acknowledged
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(super) rate: u32,

    #[command(flatten)]
    pub(super) common: Common,
}

const DROP: &str = "\
Examples:
  choreo dlq drop orders.inventory-svc.dlq/2/5          what would be deleted; nothing is
  choreo dlq drop orders.inventory-svc.dlq/2/5 --yes    does it

Kafka deletes no single record, only all of a partition before an offset. So all dead letters of the
partition up to and including this one go, for good, also those that were not replayed.";

#[derive(clap::Args, Debug)]
#[command(after_help = DROP)]
pub(crate) struct Drop {
    /// The last dead letter that goes: its own place, as `choreo dlq list` shows it
    #[arg(value_name = "TOPIC/PARTITION/OFFSET")]
    pub(super) last: Place,

    /// Do it
    #[arg(short, long)]
    pub(super) yes: bool,

    #[command(flatten)]
    pub(super) common: Common,
}
