//! `choreo dlq`: to live with dead letters. They are listed and shown; whoever has mended the cause
//! replays them; whoever has no use for them any more deletes them.

mod options;

mod letter;

mod filter;

mod book;

mod tell;

mod list;

mod show;

mod replay;

mod discard;

use crate::cli::Failure;
pub(crate) use options::Command;

/// Does what is asked for.
pub(crate) async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List(options) => list::run(options).await,
        Command::Show(options) => show::run(options).await,
        Command::Replay(options) => replay::run(options).await,
        Command::Drop(options) => discard::run(options).await,
    }
}
