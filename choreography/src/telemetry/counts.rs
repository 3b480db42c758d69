//! What became of spans, log lines and data points on their way to a collector. The SDK's batch
//! processors drop silently what finds their queue full, so it is counted here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::attributes::ERROR_TYPE;

/// The counts of all that one service exports.
#[derive(Debug, Default)]
pub(super) struct AllCounts {
    pub(super) spans: Arc<Counts>,
    pub(super) logs: Arc<Counts>,
    pub(super) points: Arc<Counts>,
}

impl AllCounts {
    /// Makes metrics of them, named as the conventions ask. Data points wait in no queue: those of
    /// the next interval stand for those that were not taken.
    pub(super) fn tell(&self, meter: &Meter) {
        processed(meter, "span", "{span}", &self.spans);
        exported(meter, "span", "{span}", &self.spans);
        processed(meter, "log", "{log_record}", &self.logs);
        exported(meter, "log", "{log_record}", &self.logs);
        exported(meter, "metric_data_point", "{data_point}", &self.points);
    }
}

/// The counts of one signal.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// In the queue now.
    waiting: AtomicUsize,
    /// Dropped, as the queue was full.
    dropped: AtomicU64,
    /// Out of the queue, to be exported.
    processed: AtomicU64,
    /// The collector has them.
    exported: AtomicU64,
    /// The collector did not take them in time.
    failed: AtomicU64,
}

impl Counts {
    /// Whether one more has room in a queue for `max`; else it is counted as dropped. What is in
    /// leaves the SDK's queue before it leaves this count, so the SDK's own limit, if it is the same,
    /// is never met, and the count of what is dropped is exact.
    pub(super) fn enter(&self, max: usize) -> bool {
        let has_room = self.waiting.fetch_add(1, Relaxed) < max;
        if !has_room {
            self.waiting.fetch_sub(1, Relaxed);
            self.dropped.fetch_add(1, Relaxed);
        }
        has_room
    }

    /// So many have left the queue.
    pub(super) fn leave(&self, items: usize) {
        self.waiting.fetch_sub(items, Relaxed);
        self.processed.fetch_add(items as u64, Relaxed);
    }

    /// So many were sent, after all repetitions: whether the collector took them.
    pub(super) fn sent(&self, items: usize, taken: bool) {
        let counter = if taken { &self.exported } else { &self.failed };
        counter.fetch_add(items as u64, Relaxed);
    }
}

fn processed(meter: &Meter, what: &str, unit: &'static str, counts: &Arc<Counts>) {
    let counts = Arc::clone(counts);
    meter
        .u64_observable_counter(format!("otel.sdk.processor.{what}.processed"))
        .with_unit(unit)
        .with_description("Given to the exporter, or dropped as the queue was full")
        .with_callback(move |tell| {
            tell.observe(counts.processed.load(Relaxed), &[]);
            tell.observe(counts.dropped.load(Relaxed), &[KeyValue::new(ERROR_TYPE, "queue_full")]);
        })
        .build();
}

fn exported(meter: &Meter, what: &str, unit: &'static str, counts: &Arc<Counts>) {
    let counts = Arc::clone(counts);
    meter
        .u64_observable_counter(format!("otel.sdk.exporter.{what}.exported"))
        .with_unit(unit)
        .with_description("Sent to the collector, those that it did not take included")
        .with_callback(move |tell| {
            tell.observe(counts.exported.load(Relaxed), &[]);
            tell.observe(counts.failed.load(Relaxed), &[KeyValue::new(ERROR_TYPE, "failed")]);
        })
        .build();
}
