//! The table of totals.

use std::collections::BTreeMap;
use std::fmt::Write;

use shared_events::event::Event;
use shared_events::orders::{OrderCancelled, OrderCompleted};

use super::ledger::{End, Ledger, Order};
use crate::terminal::{BAD, FAINT, GOOD, STRONG, left, right};

const LABEL_WIDTH: usize = 30;
const NUMBER_WIDTH: usize = 8;

/// So many orders that did not end are named.
const OPEN_NAMED_MAX: usize = 20;

/// How many orders ended how, who said how much, and how long it took.
pub(super) fn totals(ledger: &Ledger) -> String {
    let completed = ledger.ended(End::Completed);
    let cancelled = ledger.ended(End::Cancelled);
    let mut text = format!("{STRONG}totals{STRONG:#}\n");
    let mut row = |label: &str, number: usize, style| {
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{}{}",
            left(label, LABEL_WIDTH, anstyle::Style::new()),
            right(&number.to_string(), NUMBER_WIDTH, style)
        );
    };
    let plain = anstyle::Style::new();
    row("orders placed", ledger.placed(), STRONG);
    row("  confirmed and delivered", completed, GOOD);
    row("  cancelled", cancelled, plain);
    for (code, count) in reasons(ledger) {
        row(&format!("    {}", code.to_lowercase().replace('_', " ")), count, plain);
    }
    let open = ledger.open().count();
    row("  not ended", open, if open == 0 { FAINT } else { BAD });
    let speakers = speakers(ledger);
    row("events said", speakers.values().sum(), STRONG);
    for (speaker, count) in speakers {
        row(&format!("  by {speaker}"), count, plain);
    }
    row("repeats, which change nothing", ledger.repeats, FAINT);
    row("dead letters", ledger.dead_letters, if ledger.dead_letters == 0 { FAINT } else { BAD });
    text.push_str(&times("placed to decided", ledger, Order::ms_until_decided));
    text.push_str(&times("placed to delivered", ledger, |order| {
        order.ms_until(&[OrderCompleted::NAME])
    }));
    text
}

/// The orders that did not end, and what is missing of each; empty if all ended.
pub(super) fn not_ended(ledger: &Ledger) -> String {
    let count = ledger.open().count();
    let mut text = String::new();
    for (id, missing) in ledger.open().take(OPEN_NAMED_MAX) {
        let _ = writeln!(text, "{BAD}not ended:{BAD:#} order {id}: {}", missing.join("; "));
    }
    if OPEN_NAMED_MAX < count {
        let _ = writeln!(text, "… and {} more", count - OPEN_NAMED_MAX);
    }
    text
}

/// How many orders were cancelled for which reason; of several reasons the first.
fn reasons(ledger: &Ledger) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let cancelled = ledger.orders.values().filter_map(|order| order.find(OrderCancelled::NAME));
    for code in cancelled.filter_map(|told| told.about.code.clone()) {
        *counts.entry(code).or_default() += 1;
    }
    counts
}

fn speakers(ledger: &Ledger) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for told in ledger.orders.values().flat_map(|order| &order.events) {
        *counts.entry(told.speaker.as_str()).or_default() += 1;
    }
    counts
}

fn times(label: &str, ledger: &Ledger, of: impl Fn(&Order) -> Option<i64>) -> String {
    let mut times: Vec<i64> = ledger.orders.values().filter_map(of).collect();
    times.sort_unstable();
    let Some(last) = times.len().checked_sub(1) else { return String::new() };
    let percentile = |percent: usize| times[last * percent / 100];
    let label = left(label, LABEL_WIDTH, anstyle::Style::new());
    format!("{label}p50 {} ms, p99 {} ms\n", percentile(50), percentile(99))
}
