//! What `choreo flow` can be asked for.

use clap::ValueEnum;

use crate::kafka::Cluster;

const EXAMPLES: &str = "\
Examples:
  choreo flow 0199c3f0-7c5e-7d11-8e5f-4b726cea1c55             what became of each event of the order
  choreo flow 0199c3f0-7c5e-7d11-8e5f-4b726cea1c55 --follow    until the order is whole
  choreo flow $ORDER -o json | jq .verdict                     for a program
  choreo flow $ORDER -o mermaid                                as a picture for a page or an issue

Of each event: where it stands, and for each service that should hear it:
  answered         it has answered: with what, after how long
  taken            it has handled it, and had nothing to say
  not the first    it has answered another event of that name about the order
  taken by replay  it was set aside once; what was replayed is taken
  behind           it has not come to it yet
  never started    it has never committed anything there
  dead letter      it could not handle it, and set it aside: see `choreo dlq show`
  answer missing   it has handled it, always answers it, and the answer is not there
  unknown          it has handled it; whether it has answered is hidden

It needs a broker and nothing else: it joins no group and writes nothing.

Exit codes: 0 whole, 1 something is missing or dead, 3 the end was not found.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// The order's id
    #[arg(value_name = "ORDER_ID")]
    pub(super) order: String,

    #[command(flatten)]
    pub(super) cluster: Cluster,

    /// Look again until the order is whole
    #[arg(short, long)]
    pub(super) follow: bool,

    /// Read at most so many records of each partition
    #[arg(long, value_name = "NUMBER", default_value_t = ::flow::read::RECORDS_MAX, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) records_max: u64,

    /// How it is shown
    #[arg(short, long, value_enum, default_value_t = Shape::Text)]
    pub(super) output: Shape,
}

/// How a flow is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// A tree for people
    Text,
    /// One document; with --follow one line each time it has changed
    Json,
    /// A sequence diagram in Mermaid's language
    Mermaid,
}
