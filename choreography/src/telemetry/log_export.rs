//! The way of log lines to a collector, besides the one to standard error.

use std::fmt;
use std::sync::{Arc, OnceLock};

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

/// Where the log lines of this process go besides standard error: nowhere, until
/// [`Telemetry::export_logs`](super::Telemetry::export_logs) says so. Logging starts before the
/// configuration of telemetry is read, so that what is wrong in that can be logged. Cheap to clone.
#[derive(Clone, Default)]
pub struct LogExport(Arc<OnceLock<Bridge>>);

type Bridge = OpenTelemetryTracingBridge<SdkLoggerProvider, SdkLogger>;

/// Who takes part in the sending of log lines. Lines of theirs would be sent, too, and make more.
const SENDERS: [&str; 5] = ["opentelemetry", "reqwest", "hyper", "h2", "tower"];

impl LogExport {
    /// The layer that hands on the lines that `filter` lets through, but for those of the libraries
    /// that send them.
    pub fn layer<S, F>(&self, filter: F) -> impl Layer<S> + use<S, F>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        F: Filter<S> + 'static,
    {
        Exported(self.clone()).with_filter(filter.and(filter_fn(is_of_no_sender)))
    }

    /// The first call counts: the lines of one process go to one place.
    pub(super) fn start(&self, loggers: &SdkLoggerProvider) {
        match self.0.set(OpenTelemetryTracingBridge::new(loggers)) {
            Ok(()) => tracing::info!("log lines are exported"),
            Err(_) => tracing::warn!("log lines are exported already: this goes on as it is"),
        }
    }
}

impl fmt::Debug for LogExport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("LogExport").field(&self.0.get().is_some()).finish()
    }
}

fn is_of_no_sender(metadata: &Metadata<'_>) -> bool {
    !SENDERS.iter().any(|sender| metadata.target().starts_with(sender))
}

struct Exported(LogExport);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Exported {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if let Some(bridge) = self.0.0.get() {
            bridge.on_event(event, context);
        }
    }
}
