//! Counters, gauges and histograms: OpenTelemetry's messaging conventions 1.44, and ours under
//! `choreography.`. In the Prometheus text dots are underscores, units and `_total` come after:
//! `messaging_process_duration_seconds`, `choreography_repeats_total`.
//!
//! | name | kind, unit | attributes |
//! |---|---|---|
//! | `messaging.client.operation.duration` | histogram, s | operation, topic, group, error |
//! | `messaging.client.sent.messages` | counter | topic, error |
//! | `messaging.client.consumed.messages` | counter | topic, partition, group |
//! | `messaging.process.duration` | histogram, s | topic, group, error |
//! | `choreography.lag`, `choreography.lag.time` | gauge, records and s | topic, partition |
//! | `choreography.owed`, `choreography.owed.age` | gauge, records and s | |
//! | `choreography.timers.waiting`, `choreography.timers.late` | gauge, timers and s | |
//! | `choreography.dead_letters` | counter | topic, error |
//! | `choreography.dead_letter_limit` | gauge, 1 while it is reached | |
//! | `choreography.repeats`, `.skipped`, `.ignored` | counter | topic |
//! | `choreography.batch.records` | histogram | |
//! | `choreography.transaction.conflicts` | counter | |
//! | `choreography.gaps` | gauge | |
//! | `otel.sdk.processor.span.processed`, `….log.…` | counter | error, if dropped as the queue was full |
//! | `otel.sdk.exporter.span.exported`, `….log.…`, `….metric_data_point.…` | counter | error, if the collector did not take them |
//!
//! No id and no key of an event is ever an attribute here: each value would be a time series.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Meter, MeterProvider, NoopMeterProvider};
use prometheus::{Registry, TextEncoder};

use super::attributes::{
    DESTINATION, ERROR_TYPE, GROUP, KAFKA, OPERATION_NAME, PARTITION, SYSTEM, scope,
};
use super::instruments::Instruments;
use super::names::Names;

/// The metrics of one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Instruments>);

/// A request to Kafka whose duration is measured, besides the saying of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The taking of a batch, from its first record on.
    Poll,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Poll => "poll",
        }
    }
}

impl Metrics {
    /// A reader of `meter` writes to `registry`.
    pub(super) fn new(meter: &Meter, registry: Registry, names: &Arc<Names>) -> Self {
        Self(Arc::new(Instruments::new(meter, registry, names)))
    }

    /// Metrics that go nowhere: where the SDK is disabled, and for tests.
    #[must_use]
    pub fn disabled() -> Self {
        let meter = NoopMeterProvider::new().meter_with_scope(scope());
        Self::new(&meter, Registry::new(), &Arc::default())
    }

    /// All metrics in Prometheus' text format 0.0.4.
    #[must_use]
    pub fn prometheus_text(&self) -> String {
        let families = self.0.registry.gather();
        TextEncoder::new().encode_to_string(&families).unwrap_or_else(|error| {
            tracing::error!(%error, "metrics have no text form");
            String::new()
        })
    }

    /// A request to Kafka took `seconds`. `topic` and `group` are given where there is one.
    pub fn operation(
        &self,
        operation: Operation,
        topic: Option<&str>,
        group: Option<&str>,
        seconds: f64,
        error_type: Option<&str>,
    ) {
        let attributes = self.attributes(operation.name(), topic, group, error_type);
        self.0.operation_duration.record(seconds, &attributes);
    }

    /// A record was given to the producer, and `seconds` later there was its delivery report;
    /// `error_type` if it could not be delivered.
    pub fn sent(&self, topic: &str, seconds: f64, error_type: Option<&str>) {
        let attributes = self.attributes("send", Some(topic), None, error_type);
        self.0.sent.add(1, &attributes);
        self.0.operation_duration.record(seconds, &attributes);
    }

    /// `records` were taken from a partition. Count each delivery once.
    pub fn consumed(&self, topic: &str, partition: i32, group: &str, records: u64) {
        let mut attributes = self.attributes("poll", Some(topic), Some(group), None);
        attributes.push(KeyValue::new(PARTITION, self.0.names.number(partition)));
        self.0.consumed.add(records, &attributes);
    }

    /// The handling of a record took `seconds`.
    pub fn process_duration(
        &self,
        topic: &str,
        group: &str,
        seconds: f64,
        error_type: Option<&str>,
    ) {
        let attributes = self.attributes("process", Some(topic), Some(group), error_type);
        self.0.process_duration.record(seconds, &attributes);
    }

    /// An assigned partition is behind by `records` and by `seconds`. The value stands until the
    /// next one, or until the partition is [no longer ours](Metrics::forget_lag).
    pub fn lag(&self, topic: &str, partition: i32, records: i64, seconds: f64) {
        self.0.gauges.lag(&self.0.names, topic, partition, records, seconds);
    }

    /// A partition is no longer ours: its lag is another instance's to tell.
    pub fn forget_lag(&self, topic: &str, partition: i32) {
        self.0.gauges.forget_lag(topic, partition);
    }

    /// `count` answers are owed, the oldest for `oldest_ms` milliseconds.
    pub fn owed(&self, count: i64, oldest_ms: i64) {
        self.0.gauges.owed(count, oldest_ms);
    }

    /// `count` timers wait, due or not.
    pub fn timers(&self, count: i64) {
        self.0.gauges.timers(count);
    }

    /// The first timer that is due has been so for `late_ms` milliseconds; 0 if none is due.
    pub fn timers_late(&self, late_ms: i64) {
        self.0.gauges.timers_late(late_ms);
    }

    /// So many partitions are not heard, as records of theirs are gone that were never heard.
    pub fn gaps(&self, partitions: usize) {
        self.0.gauges.gaps(partitions);
    }

    /// Whether the limit of dead letters is reached, so that nothing passes.
    pub fn dead_letter_limit(&self, is_reached: bool) {
        self.0.gauges.dead_letter_limit(is_reached);
    }

    /// An event became a dead letter for the reason `class`.
    pub fn dead_letter(&self, topic: &str, class: &str) {
        let topic = KeyValue::new(DESTINATION, self.0.names.text(topic));
        self.0.dead_letters.add(1, &[topic, KeyValue::new(ERROR_TYPE, self.0.names.text(class))]);
    }

    /// An event was heard that had been handled before.
    pub fn repeat(&self, topic: &str) {
        self.add(&self.0.repeats, topic, 1);
    }

    /// `records` were skipped by their headers.
    pub fn skipped(&self, topic: &str, records: u64) {
        self.add(&self.0.skipped, topic, records);
    }

    /// An event was heard that does not count.
    pub fn ignored(&self, topic: &str) {
        self.add(&self.0.ignored, topic, 1);
    }

    /// A batch of `records` was handled.
    pub fn batch(&self, records: u64) {
        self.0.batch_records.record(records, &[]);
    }

    /// A transaction met another one, was rolled back, and is tried again.
    pub fn conflict(&self) {
        self.0.conflicts.add(1, &[]);
    }

    fn add(&self, counter: &Counter<u64>, topic: &str, n: u64) {
        counter.add(n, &[KeyValue::new(DESTINATION, self.0.names.text(topic))]);
    }

    fn attributes(
        &self,
        operation: &'static str,
        topic: Option<&str>,
        group: Option<&str>,
        error_type: Option<&str>,
    ) -> Vec<KeyValue> {
        let named = |name, text: Option<&str>| Some(KeyValue::new(name, self.0.names.text(text?)));
        let mut attributes = Vec::with_capacity(6);
        attributes.push(KeyValue::new(SYSTEM, KAFKA));
        attributes.push(KeyValue::new(OPERATION_NAME, operation));
        attributes.extend(named(DESTINATION, topic));
        attributes.extend(named(GROUP, group));
        attributes.extend(named(ERROR_TYPE, error_type));
        attributes
    }
}
