//! The queue of finished spans before the exporter: the SDK's batch processor, with
//! [`Counts`] before and after it.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};

use super::active::ROLLED_BACK;
use super::counts::Counts;
use super::settings::Queue;

/// Puts spans into the queue.
#[derive(Debug)]
pub(super) struct CountedProcessor {
    inner: BatchSpanProcessor,
    counts: Arc<Counts>,
    spans_max: usize,
    value_chars_max: usize,
}

impl CountedProcessor {
    /// String attributes are cut to `value_chars_max` characters.
    pub(super) fn new<E>(
        exporter: E,
        queue: Queue,
        value_chars_max: usize,
        counts: &Arc<Counts>,
    ) -> Self
    where
        E: SpanExporter + 'static,
    {
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(queue.max)
            .with_max_export_batch_size(queue.batch_max)
            .with_scheduled_delay(queue.delay)
            .build();
        let counts = Arc::clone(counts);
        let exporter = CountedExporter { inner: exporter, counts: Arc::clone(&counts) };
        let inner = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
        Self { inner, counts, spans_max: queue.max, value_chars_max }
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
        if self.counts.enter(self.spans_max) {
            shorten(&mut span, self.value_chars_max);
            self.inner.on_end(span);
        }
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
    counts: Arc<Counts>,
}

impl<E: SpanExporter> SpanExporter for CountedExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.counts.leave(spans);
        let result = self.inner.export(batch).await;
        self.counts.sent(spans, result.is_ok());
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
