//! `choreo`: shows the services at work, places orders, says events, follows topics.
//!
//! | command | what it does | where |
//! |---|---|---|
//! | `choreo demo` | all services and a broker in this process, and what became of each order | `demo` |
//! | `choreo place` | places an order over HTTP and follows it | `place` |
//! | `choreo emit` | says an event to Kafka | `emit` |
//! | `choreo tail` | follows topics, decoded | `tail` |
//! | `choreo flow` | what became of each event of an order | `flow` |
//! | `choreo dlq` | lists, shows, replays and deletes dead letters | `dlq` |
//! | `choreo load` | places orders at a fixed rate and measures | `load` |
//! | `choreo check` | whether orders are whole | `check` |
//! | `choreo topics create` | creates the topics that the services need | `topics` |

mod cli;

mod demo;

mod place;

mod emit;

mod tail;

mod flow;

mod dlq;

mod load;

mod check;

mod topics;

mod given;

mod orders;

mod about;
mod follow;
mod http;
mod kafka;
mod output;
mod pace;
mod records;
mod terminal;

fn main() -> std::process::ExitCode {
    cli::main()
}
