//! What can be configured of the pages.

/// Limits and trust of order-svc's pages.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "pages")]
pub struct Options {
    /// So many orders and cancellations may be published at once; more are answered 429
    #[arg(
        long,
        env = "PLACEMENTS_MAX",
        value_name = "COUNT",
        default_value_t = Options::DEFAULT.placements_max,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    pub placements_max: u32,

    /// So many streams of events may be open at once; more are answered 429
    #[arg(
        long,
        env = "STREAMS_MAX",
        value_name = "COUNT",
        default_value_t = Options::DEFAULT.streams_max,
        value_parser = clap::value_parser!(u32).range(1..=200)
    )]
    pub streams_max: u32,

    /// Callers are strangers: start a trace of our own for each request, with a link to theirs
    #[arg(long, env = "UNTRUSTED_EDGE")]
    pub untrusted_edge: bool,
}

impl Options {
    /// For whoever runs the service without a command line. Streams leave more than half of the
    /// connections of a service to everything else.
    pub const DEFAULT: Self = Self { placements_max: 64, streams_max: 100, untrusted_edge: false };
}
