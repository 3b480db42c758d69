//! `choreo`: shows the services at work, says events to Kafka, creates topics.
//!
//! | command | what it does | where |
//! |---|---|---|
//! | `choreo demo` | all services and a broker in this process, and what became of each order | `demo` |
//! | `choreo emit` | says an event to Kafka | `emit` |
//! | `choreo topics create` | creates the topics that the services need | `topics` |

mod cli;

mod demo;

mod emit;

mod topics;

mod kafka;
mod pace;
mod terminal;

fn main() -> std::process::ExitCode {
    cli::main()
}
