//! The command line: what can be asked for, and how it ends.

use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand};

use crate::{demo, emit, terminal, topics};

const EXAMPLES: &str = "\
Examples:
  choreo demo                            200 orders, and what became of them; needs nothing else
  choreo topics create -b kafka:9092     the topics that the services need
  choreo emit OrderPlaced                an order, straight to Kafka
  choreo emit OrderPlaced --dry-run      the same, but only shown

Exit codes: 0 done, 1 failed, 2 wrong usage or input, 130 interrupted.";

/// Choreographed order services on Kafka: see them at work, say events, create topics.
#[derive(Parser)]
#[command(name = "choreo", version, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// More log lines on standard error: -v for info, -vv for debug; RUST_LOG goes before it
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 1000)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Run all services on a broker inside this process, place orders, tell what became of them
    Demo(demo::Options),
    /// Say an event straight to Kafka
    Emit(Box<emit::Options>),
    /// Create the topics of the services, or say in what they differ
    #[command(subcommand)]
    Topics(topics::Command),
}

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for is wrong; nothing was done.
    Usage(anyhow::Error),
    /// It was tried and did not succeed.
    Failed(anyhow::Error),
    /// The user has stopped it.
    Interrupted,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// Reads the command line, runs the command, and reports on standard error how it failed.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    terminal::start_logs(cli.verbose);
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(error)) => {
            terminal::error(&error);
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            terminal::error(&error);
            ExitCode::FAILURE
        }
        Err(Failure::Interrupted) => ExitCode::from(130),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.into()))?;
    let ended = runtime.block_on(async {
        match command {
            Command::Demo(options) => demo::run(options).await,
            Command::Emit(options) => emit::run(*options).await,
            Command::Topics(command) => topics::run(command).await,
        }
    });
    // A client that hangs in a call must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}
