//! The random suite: orders at a steady rate and faults drawn by a seed, round after round, on a Kafka
//! and a PostgreSQL of its own. It ends with a table of the faults, or with the first round that fails.
//!
//! ```text
//! cargo run --release -p tests --features real --example suite -- --minutes 30 --seed 7 --rate 200
//! ```

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use tests::databases::Storage;
use tests::suite::{Kind, Parts, Plan, Report, round};

/// Places orders while faults happen at random, and checks that nothing is lost or done twice.
#[derive(Parser)]
struct Options {
    /// No round begins after so many minutes
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// At most so many rounds
    #[arg(long, value_name = "COUNT")]
    rounds: Option<u64>,
    /// The seed of the first round; the next one has the next seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Orders a second
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    rate: u32,
    /// So many orders are placed in a round before it ends; all of them are held in memory
    #[arg(long, default_value_t = 10_000)]
    orders: usize,
    /// Where the services keep their state
    #[arg(long, value_enum, default_value = "postgres")]
    storage: Where,
    /// Only these faults; all that are possible if none is named
    #[arg(long, value_enum, value_delimiter = ',')]
    faults: Vec<Kind>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Where {
    Postgres,
    Sqlite,
}

impl Options {
    fn storage(&self) -> Storage {
        match self.storage {
            Where::Postgres => Storage::Postgres,
            Where::Sqlite => Storage::Sqlite,
        }
    }

    fn kinds(&self) -> Vec<Kind> {
        let all = Kind::value_variants();
        let named = |kind: &Kind| self.faults.is_empty() || self.faults.contains(kind);
        let possible = |kind: &Kind| kind.is_possible_on(self.storage());
        all.iter().copied().filter(|kind| named(kind) && possible(kind)).collect()
    }

    /// The command that repeats the round with this seed.
    fn again(&self, seed: u64) -> String {
        let Self { rate, orders, .. } = self;
        let storage = if self.storage == Where::Sqlite { " --storage sqlite" } else { "" };
        let faults: Vec<String> = self.faults.iter().map(|kind| kind.name()).collect();
        let faults = if faults.is_empty() {
            String::new()
        } else {
            format!(" --faults {}", faults.join(","))
        };
        format!(
            "cargo run --release -p tests --features real --example suite -- \
             --rounds 1 --seed {seed} --rate {rate} --orders {orders}{storage}{faults}"
        )
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let kinds = options.kinds();
    if kinds.is_empty() {
        tell("none of these faults is possible there: SQLite has no server that could fail");
        return ExitCode::from(2);
    }
    let parts = Parts::start("suite");
    let end = Instant::now() + Duration::from_secs(options.minutes * 60);
    let mut report = Report::default();
    let mut is_well = true;
    for number in 0..options.rounds.unwrap_or(u64::MAX) {
        if end <= Instant::now() {
            break;
        }
        let seed = options.seed + number;
        let plan = Plan {
            seed,
            rate: options.rate,
            orders: options.orders,
            storage: options.storage(),
            kinds: kinds.clone(),
        };
        let round = round(&parts, &plan, &options.again(seed));
        report.add(&round);
        tell(&round.line());
        is_well = round.violations.is_empty();
        if !is_well {
            tell(&format!("To repeat this round:\n  {}", options.again(seed)));
            break;
        }
    }
    report.table().iter().for_each(|line| tell(line));
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::print_stdout, reason = "it is a command, and this is its result")]
fn tell(line: &str) {
    println!("{line}");
}
