//! What became of the orders, and how long it took.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use checker::journal::Answer;
use hdrhistogram::Histogram;
use shared_events::event::Event;
use shared_events::orders::{OrderCancelled, OrderCompleted, OrderConfirmed};
use tokio::time::Instant;

use super::send::Sent;

/// An order that is placed later than this after its time is late.
const LATE: Duration = Duration::from_millis(10);

/// How long it is remembered what was said of an order that is not known here: its acknowledgement
/// may come later than what is said of it. Those of others are forgotten so.
const UNKNOWN_MAX: Duration = Duration::from_secs(30);

/// From so many unknown orders on they are looked through.
const UNKNOWN_COUNT: usize = 10_000;

/// What is known of one order.
#[derive(Default)]
struct Order {
    /// When it should have been placed; none if it is not acknowledged, or somebody else's.
    due: Option<Instant>,
    /// Whether its decision is counted.
    is_counted: bool,
    confirmed: Option<Instant>,
    cancelled: Option<Instant>,
    completed: Option<Instant>,
}

/// All that is measured.
pub(super) struct Ledger {
    /// Orders that have not ended, and those that are not known.
    orders: HashMap<String, Order>,
    forget_from: usize,
    pub(super) sent: u64,
    pub(super) acknowledged: u64,
    pub(super) confirmed: u64,
    pub(super) cancelled: u64,
    pub(super) completed: u64,
    pub(super) late: u64,
    pub(super) late_max: Duration,
    /// When the last one was placed.
    pub(super) last: Option<Instant>,
    /// Why orders were not acknowledged, and how many.
    pub(super) failures: BTreeMap<String, u64>,
    pub(super) to_acknowledged: Times,
    pub(super) to_decided: Times,
    pub(super) to_completed: Times,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            orders: HashMap::new(),
            forget_from: UNKNOWN_COUNT,
            sent: 0,
            acknowledged: 0,
            confirmed: 0,
            cancelled: 0,
            completed: 0,
            late: 0,
            late_max: Duration::ZERO,
            last: None,
            failures: BTreeMap::new(),
            to_acknowledged: Times::new(),
            to_decided: Times::new(),
            to_completed: Times::new(),
        }
    }

    /// An order was placed, or not.
    pub(super) fn sent(&mut self, sent: Sent) {
        let Sent { due, began, ended, entry } = sent;
        let by = began.saturating_duration_since(due);
        self.sent += 1;
        self.late += u64::from(LATE < by);
        self.late_max = self.late_max.max(by);
        self.last = self.last.max(Some(began));
        match (entry.answer, entry.order_id) {
            (Answer::Acknowledged, Some(id)) => {
                self.acknowledged += 1;
                self.to_acknowledged.add(due, ended);
                self.orders.entry(id.clone()).or_default().due = Some(due);
                self.settle(&id);
            }
            _ => *self.failures.entry(entry.why.unwrap_or_default()).or_default() += 1,
        }
    }

    /// An event of this name was heard about an order.
    pub(super) fn heard(&mut self, id: &str, name: &str, at: Instant) {
        if ![OrderConfirmed::NAME, OrderCancelled::NAME, OrderCompleted::NAME].contains(&name) {
            return;
        }
        let order = self.orders.entry(id.to_owned()).or_default();
        let heard = match name {
            OrderConfirmed::NAME => &mut order.confirmed,
            OrderCancelled::NAME => &mut order.cancelled,
            _ => &mut order.completed,
        };
        heard.get_or_insert(at);
        self.settle(id);
        self.forget(at);
    }

    /// Takes down what is known of an order now and was not before; one that has ended is forgotten.
    fn settle(&mut self, id: &str) {
        let Some(order) = self.orders.get_mut(id) else { return };
        let Some(due) = order.due else { return };
        if let Some(decided) = order.confirmed.or(order.cancelled).filter(|_| !order.is_counted) {
            order.is_counted = true;
            self.confirmed += u64::from(order.confirmed.is_some());
            self.cancelled += u64::from(order.confirmed.is_none());
            self.to_decided.add(due, decided);
        }
        if let Some(completed) = order.completed {
            self.completed += 1;
            self.to_completed.add(due, completed);
        }
        if order.completed.or(order.cancelled).is_some() {
            self.orders.remove(id);
        }
    }

    fn forget(&mut self, now: Instant) {
        if self.orders.len() < self.forget_from {
            return;
        }
        self.orders.retain(|_, order| {
            let heard = order.confirmed.max(order.cancelled).max(order.completed);
            order.due.is_some() || heard.is_some_and(|at| now < at + UNKNOWN_MAX)
        });
        self.forget_from = 2 * self.orders.len().max(UNKNOWN_COUNT / 2);
    }

    /// How many orders were acknowledged and have not ended.
    pub(super) fn open(&self) -> u64 {
        self.acknowledged - self.completed - self.cancelled
    }

    /// Some of them.
    pub(super) fn open_ids(&self, count: usize) -> Vec<&str> {
        let open = self.orders.iter().filter(|(_, order)| order.due.is_some());
        open.map(|(id, _)| id.as_str()).take(count).collect()
    }

    /// How many were not acknowledged.
    pub(super) fn failed(&self) -> u64 {
        self.failures.values().sum()
    }
}

/// A longer time counts as this: an hour, in microseconds.
const TIME_US_MAX: u64 = 60 * 60 * 1_000_000;

/// Times to the microsecond, of three digits that count.
pub(super) struct Times(Histogram<u64>);

impl Times {
    fn new() -> Self {
        // These bounds and three digits are allowed: this cannot fail.
        let histogram = Histogram::new_with_bounds(1, TIME_US_MAX, 3);
        Self(histogram.unwrap_or_else(|error| unreachable!("{error}")))
    }

    fn add(&mut self, from: Instant, to: Instant) {
        let us = to.saturating_duration_since(from).as_micros();
        self.0.saturating_record(u64::try_from(us).unwrap_or(u64::MAX));
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// In milliseconds.
    pub(super) fn percentile(&self, percent: f64) -> f64 {
        milliseconds(self.0.value_at_percentile(percent))
    }

    /// In milliseconds.
    pub(super) fn max(&self) -> f64 {
        milliseconds(self.0.max())
    }
}

#[expect(clippy::cast_precision_loss, reason = "no time here has more than 52 bits")]
fn milliseconds(us: u64) -> f64 {
    us as f64 / 1000.0
}
