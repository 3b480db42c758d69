//! The instruments behind [`Metrics`](super::metrics::Metrics): names, units and descriptions.

use std::sync::Arc;

use opentelemetry::metrics::{Counter, Histogram, Meter};
use prometheus::Registry;

use super::gauges::Gauges;
use super::names::Names;

/// The boundaries that the conventions give for both durations, in seconds.
const SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Up to the largest batch that can be configured.
const RECORDS: [f64; 13] =
    [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4];

#[derive(Debug)]
pub(super) struct Instruments {
    pub(super) registry: Registry,
    pub(super) names: Arc<Names>,
    pub(super) gauges: Gauges,
    pub(super) operation_duration: Histogram<f64>,
    pub(super) sent: Counter<u64>,
    pub(super) consumed: Counter<u64>,
    pub(super) process_duration: Histogram<f64>,
    pub(super) dead_letters: Counter<u64>,
    pub(super) repeats: Counter<u64>,
    pub(super) skipped: Counter<u64>,
    pub(super) ignored: Counter<u64>,
    pub(super) batch_records: Histogram<u64>,
    pub(super) conflicts: Counter<u64>,
}

impl Instruments {
    pub(super) fn new(meter: &Meter, registry: Registry, names: &Arc<Names>) -> Self {
        Self {
            registry,
            names: Arc::clone(names),
            gauges: Gauges::new(meter),
            operation_duration: seconds(
                meter,
                "messaging.client.operation.duration",
                "How long a request to Kafka took",
            ),
            sent: counter(
                meter,
                "messaging.client.sent.messages",
                "{message}",
                "Records given to the producer, those that failed included",
            ),
            consumed: counter(
                meter,
                "messaging.client.consumed.messages",
                "{message}",
                "Records taken from a partition",
            ),
            process_duration: seconds(
                meter,
                "messaging.process.duration",
                "How long the handling of a record took",
            ),
            dead_letters: counter(
                meter,
                "choreography.dead_letters",
                "{event}",
                "Events set aside as dead letters",
            ),
            repeats: counter(
                meter,
                "choreography.repeats",
                "{event}",
                "Events heard that were handled before",
            ),
            skipped: counter(
                meter,
                "choreography.skipped",
                "{record}",
                "Records skipped by their headers, as the service does not hear them",
            ),
            ignored: counter(
                meter,
                "choreography.ignored",
                "{event}",
                "Events heard that do not count; the log says why",
            ),
            batch_records: meter
                .u64_histogram("choreography.batch.records")
                .with_unit("{record}")
                .with_boundaries(RECORDS.to_vec())
                .with_description("Records handled in one transaction")
                .build(),
            conflicts: counter(
                meter,
                "choreography.transaction.conflicts",
                "{transaction}",
                "Transactions that were rolled back and tried again",
            ),
        }
    }
}

fn counter(
    meter: &Meter,
    name: &'static str,
    unit: &'static str,
    description: &'static str,
) -> Counter<u64> {
    meter.u64_counter(name).with_unit(unit).with_description(description).build()
}

fn seconds(meter: &Meter, name: &'static str, description: &'static str) -> Histogram<f64> {
    let builder = meter.f64_histogram(name).with_unit("s").with_description(description);
    builder.with_boundaries(SECONDS.to_vec()).build()
}
