//! Every metric that the services export under a name of OpenTelemetry's, as its semantic conventions
//! 1.44 describe it: model/messaging/metrics.yaml and model/otel/metrics.yaml.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, Metric, Sum};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::receiver::{Made, Measured, text};

/// What a metric is.
#[derive(Debug, PartialEq)]
enum Shape {
    /// A monotonic sum of integers.
    Counter,
    /// A histogram with these boundaries.
    Histogram(&'static [f64]),
}
use Shape::{Counter, Histogram};

/// The boundaries of both durations.
const SECONDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

struct Row {
    name: &'static str,
    unit: &'static str,
    shape: Shape,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    /// The values that `messaging.operation.name` may have.
    operations: &'static [&'static str],
}

const MESSAGING: &[&str] = &["messaging.system", "messaging.operation.name"];
const SENT: &[&str] = &[
    "error.type",
    "messaging.destination.name",
    "messaging.destination.template",
    "messaging.destination.partition.id",
    "server.address",
    "server.port",
];
const CONSUMED: &[&str] = &[
    "error.type",
    "messaging.destination.name",
    "messaging.destination.template",
    "messaging.destination.partition.id",
    "messaging.consumer.group.name",
    "server.address",
    "server.port",
];
const DURATION: &[&str] = &[
    "error.type",
    "messaging.operation.type",
    "messaging.destination.name",
    "messaging.destination.template",
    "messaging.destination.partition.id",
    "messaging.consumer.group.name",
    "server.address",
    "server.port",
];
const SDK: &[&str] = &["error.type", "otel.component.name", "otel.component.type"];

const fn sdk(name: &'static str, unit: &'static str) -> Row {
    Row { name, unit, shape: Counter, required: &[], optional: SDK, operations: &[] }
}

const ROWS: [Row; 9] = [
    Row {
        name: "messaging.client.operation.duration",
        unit: "s",
        shape: Histogram(SECONDS),
        required: MESSAGING,
        optional: DURATION,
        operations: &["send", "poll", "commit"],
    },
    Row {
        name: "messaging.process.duration",
        unit: "s",
        shape: Histogram(SECONDS),
        required: MESSAGING,
        optional: CONSUMED,
        operations: &["process"],
    },
    Row {
        name: "messaging.client.sent.messages",
        unit: "{message}",
        shape: Counter,
        required: MESSAGING,
        optional: SENT,
        operations: &["send"],
    },
    Row {
        name: "messaging.client.consumed.messages",
        unit: "{message}",
        shape: Counter,
        required: MESSAGING,
        optional: CONSUMED,
        operations: &["poll"],
    },
    sdk("otel.sdk.processor.span.processed", "{span}"),
    sdk("otel.sdk.processor.log.processed", "{log_record}"),
    sdk("otel.sdk.exporter.span.exported", "{span}"),
    sdk("otel.sdk.exporter.log.exported", "{log_record}"),
    sdk("otel.sdk.exporter.metric_data_point.exported", "{data_point}"),
];

/// Each metric is as its row says or under our own name, each row is there, and what is counted as
/// sent is what `spans` tell of.
pub(crate) fn check(metrics: &[Measured], spans: &[Made]) {
    let mut seen = BTreeSet::new();
    for Measured { metric, .. } in metrics {
        match ROWS.iter().find(|row| row.name == metric.name) {
            Some(row) => check_one(row, metric),
            None => {
                assert!(metric.name.starts_with("choreography."), "no row for {}", metric.name);
                assert!(!metric.unit.is_empty(), "{}", metric.name);
            }
        }
        assert!(!metric.description.is_empty(), "{}", metric.name);
        seen.insert(metric.name.as_str());
    }
    for row in &ROWS {
        assert!(seen.contains(row.name), "no metric {}", row.name);
    }
    check_sent(metrics, spans);
}

fn check_one(row: &Row, metric: &Metric) {
    assert_eq!(metric.unit, row.unit, "{}", row.name);
    let cumulative = AggregationTemporality::Cumulative as i32;
    match metric.data.as_ref().expect("data") {
        Data::Histogram(histogram) => {
            assert_eq!(histogram.aggregation_temporality, cumulative, "{}", row.name);
            for point in &histogram.data_points {
                let shape = Histogram(SECONDS);
                assert_eq!((&row.shape, point.explicit_bounds.as_slice()), (&shape, SECONDS));
                assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count, "{}", row.name);
                assert!(point.sum.is_some_and(|sum| 0.0 <= sum), "{}", row.name);
                check_attributes(row, &point.attributes);
            }
        }
        Data::Sum(sum) => {
            assert_eq!((sum.aggregation_temporality, sum.is_monotonic), (cumulative, true));
            assert_eq!(row.shape, Counter, "{}", row.name);
            sum.data_points.iter().for_each(|point| check_attributes(row, &point.attributes));
            assert!(0 <= total(sum), "{}", row.name);
        }
        other => panic!("{}: {other:?}", row.name),
    }
}

fn check_attributes(row: &Row, attributes: &[KeyValue]) {
    for required in row.required {
        assert!(text(attributes, required).is_some(), "{}: {required}", row.name);
    }
    for KeyValue { key, .. } in attributes {
        let known = row.required.iter().chain(row.optional).any(|known| known == key);
        assert!(known, "{}: {key} is not in its row", row.name);
    }
    if let Some(operation) = text(attributes, "messaging.operation.name") {
        assert!(row.operations.contains(&operation.as_str()), "{}: {operation}", row.name);
        assert_eq!(text(attributes, "messaging.system").as_deref(), Some("kafka"), "{}", row.name);
    }
}

fn total(sum: &Sum) -> i64 {
    let values = sum.data_points.iter().map(|point| match point.value {
        Some(Value::AsInt(value)) => value,
        other => panic!("a counter of integers: {other:?}"),
    });
    values.sum()
}

/// The last export of each service, at its end, counts as many sent messages as it made spans of.
fn check_sent(metrics: &[Measured], spans: &[Made]) {
    let mut counted: BTreeMap<&str, i64> = BTreeMap::new();
    for Measured { service, metric } in metrics {
        if let Some(Data::Sum(sum)) = &metric.data
            && metric.name == "messaging.client.sent.messages"
        {
            counted.insert(service, total(sum));
        }
    }
    let mut made: BTreeMap<&str, i64> = BTreeMap::new();
    let is_send = |made: &&Made| made.span.name.starts_with("send ");
    for Made { service, span } in spans.iter().filter(is_send) {
        assert!(matches!(span.kind(), SpanKind::Producer | SpanKind::Client), "{span:?}");
        *made.entry(service).or_default() += 1;
    }
    assert_eq!(counted, made, "messages sent, by metric and by span");
}
