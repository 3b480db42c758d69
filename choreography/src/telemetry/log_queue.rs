//! The queue of log lines before the exporter, counted as that of [spans](super::queue) is.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::LogRecord;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter, LogProcessor, SdkLogRecord,
};

use super::counts::Counts;
use super::settings::Queue;

/// Puts log lines into the queue.
#[derive(Debug)]
pub(super) struct CountedLogProcessor {
    inner: BatchLogProcessor,
    counts: Arc<Counts>,
    lines_max: usize,
}

impl CountedLogProcessor {
    pub(super) fn new<E>(exporter: E, queue: Queue, counts: &Arc<Counts>) -> Self
    where
        E: LogExporter + 'static,
    {
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(queue.max)
            .with_max_export_batch_size(queue.batch_max)
            .with_scheduled_delay(queue.delay)
            .build();
        let counts = Arc::clone(counts);
        let exporter = CountedLogExporter { inner: exporter, counts: Arc::clone(&counts) };
        let inner = BatchLogProcessor::builder(exporter).with_batch_config(config).build();
        Self { inner, counts, lines_max: queue.max }
    }
}

impl LogProcessor for CountedLogProcessor {
    fn emit(&self, line: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if self.counts.enter(self.lines_max) {
            // The bridge names each line after its file and line number. To OpenTelemetry a name
            // stands for a class of events, and these would change with each edit.
            line.set_event_name("");
            self.inner.emit(line, scope);
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

/// Takes log lines out of the queue.
#[derive(Debug)]
struct CountedLogExporter<E> {
    inner: E,
    counts: Arc<Counts>,
}

impl<E: LogExporter> LogExporter for CountedLogExporter<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let lines = batch.iter().count();
        self.counts.leave(lines);
        let result = self.inner.export(batch).await;
        self.counts.sent(lines, result.is_ok());
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
