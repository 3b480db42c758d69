//! The queue of finished spans before the exporter. It wraps the SDK's batch processor, which drops
//! silently what finds it full, to count what is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};

use super::active::ROLLED_BACK;
use super::settings::Queue;

/// What became of finished spans.
#[derive(Debug, Default)]
pub(super) struct SpanCounts {
    /// In the queue now.
    waiting: AtomicUsize,
    /// Dropped, as the queue was full.
    pub(super) dropped: AtomicU64,
    /// The collector has them.
    pub(super) exported: AtomicU64,
    /// The collector did not take them in time.
    pub(super) failed: AtomicU64,
}

/// Puts spans into the queue.
#[derive(Debug)]
pub(super) struct CountedProcessor {
    inner: BatchSpanProcessor,
    counts: Arc<SpanCounts>,
    queue: Queue,
}

impl CountedProcessor {
    pub(super) fn new<E>(exporter: E, queue: Queue, counts: &Arc<SpanCounts>) -> Self
    where
        E: SpanExporter + 'static,
    {
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(queue.spans_max)
            .with_max_export_batch_size(queue.batch_max)
            .with_scheduled_delay(queue.delay)
            .build();
        let exporter = CountedExporter { inner: exporter, counts: Arc::clone(counts) };
        let inner = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        Self { inner, counts: Arc::clone(counts), queue }
    }
}

impl SpanProcessor for CountedProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        if span.attributes.iter().any(|attribute| attribute.key.as_str() == ROLLED_BACK) {
            return;
        }
        // Spans leave the SDK's queue before they leave this count, so the SDK's own limit, which is
        // the same, is never met, and this count of what is dropped is exact.
        let waiting = self.counts.waiting.fetch_add(1, Relaxed);
        if self.queue.spans_max <= waiting {
            self.counts.waiting.fetch_sub(1, Relaxed);
            self.counts.dropped.fetch_add(1, Relaxed);
            return;
        }
        shorten(&mut span, self.queue.value_chars_max);
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// The SDK does not know `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`.
fn shorten(span: &mut SpanData, chars_max: usize) {
    let links = span.links.links.iter_mut().flat_map(|link| &mut link.attributes);
    for KeyValue { value, .. } in span.attributes.iter_mut().chain(links) {
        if let Value::String(text) = value
            && let Some((end, _)) = text.as_str().char_indices().nth(chars_max)
        {
            *value = Value::String(text.as_str()[..end].to_owned().into());
        }
    }
}

/// Takes spans out of the queue.
#[derive(Debug)]
struct CountedExporter<E> {
    inner: E,
    counts: Arc<SpanCounts>,
}

impl<E: SpanExporter> SpanExporter for CountedExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.counts.waiting.fetch_sub(spans, Relaxed);
        let result = self.inner.export(batch).await;
        let counter = if result.is_ok() { &self.counts.exported } else { &self.counts.failed };
        counter.fetch_add(spans as u64, Relaxed);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
