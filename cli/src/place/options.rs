//! What `choreo place` can be asked for.

use std::time::Duration;

use crate::given::Given;
use crate::given::header::Header;
use crate::http::Address;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  choreo place                                           an order that is good by itself
  choreo place --wait                                    and what becomes of it
  choreo place --set lines.0.sku=kettle --set lines.0.quantity=3
  choreo place -f order.json --url http://orders:8080
  choreo place --idempotency-key cart-17                 never twice, however often it is repeated
  choreo place --wait -o json | jq .status

The body is OrderPlaced without order_id (schemas/orders/OrderPlaced.avsc): order-svc draws the id.
A request that order-svc asks to repeat (503 with Retry-After) is repeated with the same key.
With --wait an answer's time counts from when order-svc heard the order, the end's from sending it.

Exit codes: 0 placed (with --wait: ended, confirmed or cancelled), 1 refused, not ended in time, or
nobody answers, 2 wrong usage or input, 130 interrupted.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) given: Given,

    /// Where order-svc listens
    #[arg(short, long, env = "CHOREO_URL", default_value = "http://127.0.0.1:8080")]
    pub(super) url: Address,

    /// The key by which a repeated request is known [default: a new one]
    #[arg(long, value_name = "KEY")]
    pub(super) idempotency_key: Option<String>,

    /// A header of the request; repeatable
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(super) headers: Vec<Header>,

    /// Follow the order until it has ended
    #[arg(short, long)]
    pub(super) wait: bool,

    /// How long all of it may take
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(super) timeout: Duration,

    /// How it is told
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}
