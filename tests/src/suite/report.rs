//! What came of it, in words and as a table.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Kind;

/// What came of one round.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// Its seed.
    pub seed: u64,
    /// The faults, in their order.
    pub happened: Vec<Happened>,
    /// Orders that were placed straight on Kafka.
    pub placed: usize,
    /// Orders that were accepted over HTTP.
    pub over_http: usize,
    /// How often such an order had to be asked for again.
    pub repeats: usize,
    /// How long it took at the end until all was at rest.
    pub rest: Duration,
    /// What is wrong.
    pub violations: Vec<String>,
}

/// A fault that has happened.
#[derive(Clone, Copy, Debug)]
pub struct Happened {
    /// Its kind.
    pub kind: Kind,
    /// How long after the last fault of its row it took until as many orders had ended as had been
    /// placed; none if that did not come.
    pub recovery: Option<Duration>,
}

impl Round {
    /// One line about it.
    #[must_use]
    pub fn line(&self) -> String {
        let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
        self.happened.iter().for_each(|fault| *kinds.entry(fault.kind).or_default() += 1);
        let kinds: Vec<_> =
            kinds.iter().map(|(kind, times)| format!("{times} {}", kind.name())).collect();
        format!(
            "seed {}: {} orders and {} over HTTP ({} repeats), {} faults: {}; at rest after {:.1} s; \
             {} violations",
            self.seed,
            self.placed,
            self.over_http,
            self.repeats,
            self.happened.len(),
            kinds.join(", "),
            self.rest.as_secs_f64(),
            self.violations.len()
        )
    }
}

/// All rounds together.
#[derive(Clone, Debug, Default)]
pub struct Report {
    orders: usize,
    by_kind: BTreeMap<Kind, Row>,
    violations: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    times: usize,
    worst: Duration,
    violations: usize,
}

impl Report {
    /// Counts one round more. Its violations count for each kind that was part of it.
    pub fn add(&mut self, round: &Round) {
        self.orders += round.placed + round.over_http;
        self.violations += round.violations.len();
        let mut seen = vec![];
        for Happened { kind, recovery } in &round.happened {
            let row = self.by_kind.entry(*kind).or_default();
            row.times += 1;
            row.worst = row.worst.max(recovery.unwrap_or_default());
            if !seen.contains(kind) {
                seen.push(*kind);
                row.violations += round.violations.len();
            }
        }
    }

    /// How many faults have happened.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.by_kind.values().map(|row| row.times).sum()
    }

    /// As a table, each line one kind of fault.
    #[must_use]
    pub fn table(&self) -> Vec<String> {
        let head = format!(
            "{:24} {:>6} {:>17} {:>11}",
            "fault", "times", "worst recovery, s", "violations"
        );
        let row = |name: &str, row: &Row| {
            let Row { times, worst, violations } = row;
            format!("{name:24} {times:>6} {:>17.1} {violations:>11}", worst.as_secs_f64())
        };
        let rows = self.by_kind.iter().map(|(kind, of)| row(&kind.name(), of));
        let worst = self.by_kind.values().map(|row| row.worst).max().unwrap_or_default();
        let all = Row { times: self.faults(), worst, violations: self.violations };
        let all = row(&format!("all, {} orders", self.orders), &all);
        std::iter::once(head).chain(rows).chain([all]).collect()
    }
}
