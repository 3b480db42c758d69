//! The exporter of metrics, with its data points counted.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;

use super::counts::Counts;

/// Sends data points, and counts what became of them.
pub(super) struct CountedMetricExporter<E> {
    pub(super) inner: E,
    pub(super) counts: Arc<Counts>,
}

impl<E: PushMetricExporter> PushMetricExporter for CountedMetricExporter<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let points = metrics.scope_metrics().flat_map(ScopeMetrics::metrics);
        let points = points.map(|metric| points_of(metric.data())).sum();
        let result = self.inner.export(metrics).await;
        self.counts.sent(points, result.is_ok());
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}

fn points_of(metrics: &AggregatedMetrics) -> usize {
    match metrics {
        AggregatedMetrics::F64(data) => points_in(data),
        AggregatedMetrics::U64(data) => points_in(data),
        AggregatedMetrics::I64(data) => points_in(data),
    }
}

fn points_in<T>(data: &MetricData<T>) -> usize {
    match data {
        MetricData::Gauge(gauge) => gauge.data_points().count(),
        MetricData::Sum(sum) => sum.data_points().count(),
        MetricData::Histogram(histogram) => histogram.data_points().count(),
        MetricData::ExponentialHistogram(histogram) => histogram.data_points().count(),
    }
}
