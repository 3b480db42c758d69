//! The command line: what can be asked for, and how it ends.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{ArgAction, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use tokio::signal::unix::{SignalKind, signal};

use crate::{check, demo, dlq, emit, flow, load, place, tail, terminal, topics};

/// The exit code of a command that has looked and cannot say yet: nothing is wrong so far, and the end
/// is not there.
pub(crate) const UNDECIDED: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  choreo demo                            200 orders, and what became of them; needs nothing else
  choreo topics create -b kafka:9092     the topics that the services need
  choreo place --wait                    an order over HTTP, followed to its end
  choreo emit OrderPlaced                an order, straight to Kafka
  choreo tail                            what is said on the topics, as it is said
  choreo flow ORDER_ID                   was each event of the order used, by whom?
  choreo dlq list                        what could not be handled, and whether it was replayed
  choreo load --rate 100 --duration 1m   many orders, and how long each took
  choreo check                           whether the orders of the last 10 minutes are whole

Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 not decided (check, flow), 130 interrupted.";

/// Choreographed order services on Kafka: see them at work, place orders, follow what is said.
#[derive(Parser)]
#[command(name = "choreo", version = VERSION, propagate_version = true, after_help = EXAMPLES)]
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
    /// Place an order over HTTP, and follow it to its end
    Place(Box<place::Options>),
    /// Say an event straight to Kafka
    Emit(Box<emit::Options>),
    /// Follow topics: what was said, by whom, in answer to what
    Tail(Box<tail::Options>),
    /// What became of each event of an order: used, by whom, with what result
    Flow(Box<flow::Options>),
    /// Dead letters: list, show, replay or delete them
    #[command(subcommand)]
    Dlq(Box<dlq::Command>),
    /// Place many orders at a fixed rate, and measure how long each takes
    Load(Box<load::Options>),
    /// Say whether orders are whole, and what was lost or doubled where
    Check(Box<check::Options>),
    /// Create the topics of the services, or say in what they differ
    #[command(subcommand)]
    Topics(topics::Command),
    /// Print what makes a shell complete the words of this command
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

const COMPLETIONS: &str = "\
Examples:
  choreo completions bash > ~/.local/share/bash-completion/completions/choreo
  choreo completions zsh > ~/.zfunc/_choreo
  choreo completions fish > ~/.config/fish/completions/choreo.fish";

/// The version, and the commit if the build knew it.
const VERSION: &str = env!("CHOREO_VERSION");

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for is wrong; nothing was done.
    Usage(anyhow::Error),
    /// It was tried and did not succeed.
    Failed(anyhow::Error),
    /// It has found what the user asked about, and said so: the exit code tells a program.
    Found(u8),
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
        Err(Failure::Found(code)) => ExitCode::from(code),
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
            // These two end what they have begun when they are interrupted.
            Command::Demo(options) => demo::run(options).await,
            Command::Load(options) => load::run(*options).await,
            Command::Place(options) => unless_interrupted(place::run(*options)).await,
            Command::Emit(options) => unless_interrupted(emit::run(*options)).await,
            Command::Tail(options) => unless_interrupted(tail::run(*options)).await,
            Command::Flow(options) => unless_interrupted(flow::run(*options)).await,
            Command::Dlq(command) => unless_interrupted(dlq::run(*command)).await,
            Command::Check(options) => unless_interrupted(check::run(*options)).await,
            Command::Topics(command) => unless_interrupted(topics::run(command)).await,
            Command::Completions { shell } => completions(shell),
        }
    });
    // A client that hangs in a call must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

async fn unless_interrupted(
    command: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    tokio::select! {
        ended = command => ended,
        interrupted = interrupted() => Err(interrupted),
    }
}

/// Ends when the user asks for it, by Ctrl-C or `kill`.
pub(crate) async fn interrupted() -> Failure {
    let listen = |kind| signal(kind).context("cannot listen to signals");
    let (mut interrupt, mut terminate) =
        match (listen(SignalKind::interrupt()), listen(SignalKind::terminate())) {
            (Ok(interrupt), Ok(terminate)) => (interrupt, terminate),
            (Err(error), _) | (_, Err(error)) => return Failure::Failed(error),
        };
    tokio::select! {
        _ = interrupt.recv() => (),
        _ = terminate.recv() => (),
    }
    Failure::Interrupted
}

fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = vec![];
    clap_complete::generate(shell, &mut Cli::command(), "choreo", &mut script);
    Ok(terminal::print(&String::from_utf8_lossy(&script)).context("standard output")?)
}
