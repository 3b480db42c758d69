//! What a test expects of a system at rest, and the checker's word on it.

use std::collections::BTreeSet;

use checker::journal::Entry;
use checker::verdict::State;
pub use checker::{Dead, Evidence};
use checker::{Journal, Terms, Verdict};

use crate::orders::{Order, Twist};

/// What there has to be.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// All orders that were placed.
    pub orders: &'a [Order],
    /// All dead letters.
    pub dead: BTreeSet<Dead>,
}

/// So many violations are shown.
const SHOWN: usize = 25;

/// Compares.
///
/// # Panics
/// With each difference, and where it shows: the order, the event, the place of its record, and the
/// layer that has lost or doubled it.
pub fn check(evidence: &Evidence, expected: &Expected<'_>) {
    demand_none(&violations(evidence, expected));
}

/// Fails if something is wrong.
///
/// # Panics
/// With each of the differences.
pub fn demand_none(found: &[String]) {
    let shown: Vec<_> = found.iter().take(SHOWN).map(String::as_str).collect();
    assert!(found.is_empty(), "{} violations:\n  {}", found.len(), shown.join("\n  "));
}

/// Each difference, in words.
#[must_use]
pub fn violations(evidence: &Evidence, expected: &Expected<'_>) -> Vec<String> {
    let Verdict { orders, violations, .. } = verdict(evidence, expected);
    let mut found: Vec<String> = violations.iter().map(ToString::to_string).collect();
    found.extend(orders.into_iter().filter_map(|(id, state)| match state {
        State::Completed | State::Cancelled { .. } | State::Violated => None,
        State::UnderWay { why } | State::SetAside { why } => Some(format!("order {id}: {why}")),
    }));
    found
}

/// The checker's word on a system at rest.
#[must_use]
pub fn verdict(evidence: &Evidence, expected: &Expected<'_>) -> Verdict {
    let entries = expected.orders.iter().map(entry).collect();
    let journal = Journal { entries, is_all: true };
    let dead = Some(expected.dead.clone());
    checker::judge(evidence, &Terms { journal, dead, since: None, patience: None })
}

/// Every order of a test was acknowledged, or the test has failed before.
fn entry(order: &Order) -> Entry {
    let events_max = if order.twist == Twist::Another { 2 } else { 1 };
    let entry = Entry::acknowledged(order.placed.order_id.as_str(), 0);
    Entry { fate: Some(order.fate), events_max, ..entry }
}
