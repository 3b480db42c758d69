//! `choreo check`: whether the orders of a live system are whole.

mod options;

mod gather;

mod tell;

use std::path::Path;

use anyhow::{Context, anyhow};
use checker::{Journal, Patience, Terms, judge};
use choreography::clock;

use crate::cli::{Failure, UNDECIDED};
use crate::records::from::From;
use crate::terminal;
use gather::{Gathered, gather};
pub(crate) use options::Options;
use tell::Told;

/// Orders that were placed within this time are looked at, unless it is said otherwise.
const SINCE: std::time::Duration = std::time::Duration::from_secs(10 * 60);

/// The largest journal that is read.
const JOURNAL_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Reads the evidence and tells the verdict on it.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let config = options.cluster.config()?;
    // First of all: what it says was acknowledged is on the topic before anything else is read.
    let journal = options.journal.as_deref().map(journal).transpose().map_err(Failure::Usage)?;
    let journal = journal.unwrap_or_default();
    let from = from(&options, &journal);
    let Gathered { evidence, since, is_narrowed } = gather(&config, &options, from).await?;
    let patience = Patience {
        now: clock::now(),
        grace: options.grace,
        deadline: options.deadline,
        deliver_after: options.deliver_after,
    };
    let terms = Terms { journal, dead: None, since, patience: Some(patience) };
    // A large one takes a moment.
    let judging = tokio::task::spawn_blocking(move || (judge(&evidence, &terms), evidence, terms));
    let (verdict, evidence, terms) = judging.await.context("the verdict")?;
    let told = Told { verdict: &verdict, evidence: &evidence, since: terms.since, is_narrowed };
    terminal::print(&told.text(options.output)).context("standard output")?;
    if !verdict.violations.is_empty() {
        return Err(anyhow!("{} violations", verdict.violations.len()).into());
    }
    if is_narrowed {
        let what = "there are more records than --records: only the newest orders were looked at";
        return Err(undecided(what));
    }
    if !verdict.is_whole() {
        return Err(undecided("not all orders have come to their end"));
    }
    Ok(())
}

/// It cannot be said yet whether all is well.
fn undecided(why: &str) -> Failure {
    terminal::note(why);
    Failure::Found(UNDECIDED)
}

fn journal(file: &Path) -> anyhow::Result<Journal> {
    let of = || format!("--journal {}", file.display());
    let size = std::fs::metadata(file).with_context(of)?.len();
    anyhow::ensure!(
        size <= JOURNAL_BYTES_MAX,
        "{}: {size} bytes are more than {JOURNAL_BYTES_MAX}; check a part of it",
        of()
    );
    Journal::parse(&std::fs::read_to_string(file).with_context(of)?).with_context(of)
}

fn from(options: &Options, journal: &Journal) -> From {
    let first = journal.entries.iter().map(|entry| entry.sent_ms).min();
    match (options.from, options.since, first) {
        (Some(from), ..) => from,
        (None, Some(since), _) => From::Ago(since),
        (None, None, Some(first)) => From::Time(first),
        (None, None, None) => From::Ago(SINCE),
    }
}
