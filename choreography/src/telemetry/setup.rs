//! The telemetry of one service, made from the standard `OTEL_*` variables.
//!
//! | variable | what it does here |
//! |---|---|
//! | `OTEL_SDK_DISABLED` | `true`: no spans, no metrics, and no log lines but on standard error |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | the resource; both go before what the service says of itself |
//! | `OTEL_TRACES_EXPORTER` | `otlp`, `none`; unset: `otlp` if there is an endpoint |
//! | `OTEL_METRICS_EXPORTER` | `otlp`, `prometheus`, `none`; unset: `otlp` if there is an endpoint for metrics; `/metrics` is always there |
//! | `OTEL_LOGS_EXPORTER` | `otlp`, `none`; unset: `otlp` if there is an endpoint for logs; standard error always has them |
//! | `OTEL_PROPAGATORS` | `tracecontext`, with or without `baggage`, which is not passed on |
//! | `OTEL_TRACES_SAMPLER`, `…_ARG` | `always_on`, `always_off`, `traceidratio`, each also `parentbased_…` |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT`, `…_TRACES_ENDPOINT`, `…_METRICS_ENDPOINT`, `…_LOGS_ENDPOINT` | `http://…` |
//! | `OTEL_EXPORTER_OTLP_PROTOCOL` and per signal | `http/protobuf` |
//! | `OTEL_EXPORTER_OTLP_HEADERS`, `…_TIMEOUT` and per signal | as in the specification |
//! | `OTEL_BSP_*`, `OTEL_BLRP_*`, `OTEL_METRIC_EXPORT_*` | as in the specification; the queues hold 8,192 spans and 2,048 log lines |
//! | `OTEL_*_LIMIT` | of spans, as in the specification; the limit of links is 10,000 |
//! | `OTEL_LOG_LEVEL` | the level of the SDK's own messages |
//!
//! What they can ask for and is not built in (gRPC, TLS, compression, a configuration file) is an
//! error at start that names the variable.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::Registry;

use super::attributes::{SCHEMA_URL, scope};
use super::counts::AllCounts;
use super::environment::Environment;
use super::log_export::LogExport;
use super::metrics::Metrics;
use super::names::Names;
use super::providers::{loggers, meters, tracers};
use super::settings::Settings;
use super::spans::Spans;

/// How long [`Telemetry::shutdown`] waits.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);

/// The telemetry of one service.
#[derive(Debug)]
pub struct Telemetry {
    tracers: Option<SdkTracerProvider>,
    meters: Option<SdkMeterProvider>,
    loggers: Option<SdkLoggerProvider>,
    spans: Spans,
    metrics: Metrics,
}

/// The telemetry of `service` in `version`, as the environment of this process asks for it.
///
/// # Errors
/// A variable has a value that is not supported: which, and what is allowed.
pub fn init(service: &'static str, version: &str) -> anyhow::Result<Telemetry> {
    init_with(service, version, &Environment::of_process())
}

/// The same with an environment of one's own.
///
/// # Errors
/// See [`init`].
pub fn init_with(
    service: &'static str,
    version: &str,
    environment: &Environment,
) -> anyhow::Result<Telemetry> {
    let settings = Settings::read(environment)?;
    let resource = resource(&settings, service, version);
    let (names, counts) = (Arc::new(Names::default()), AllCounts::default());
    let tracers = tracers(&settings, &resource, &counts.spans)?;
    let tracer = tracers.as_ref().map(|tracers| tracers.tracer_with_scope(scope()));
    let registry = Registry::new();
    let meters = meters(&settings, &resource, &registry, &counts.points)?;
    let loggers = loggers(&settings, &resource, &counts.logs)?;
    let metrics = meters.as_ref().map(|meters| {
        let meter = meters.meter_with_scope(scope());
        counts.tell(&meter);
        Metrics::new(&meter, registry, &names)
    });
    let metrics = metrics.unwrap_or_else(Metrics::disabled);
    let spans = Spans::new(settings.sampling, tracer, &names);
    Ok(Telemetry { tracers, meters, loggers, spans, metrics })
}

impl Telemetry {
    /// Makes its spans.
    #[must_use]
    pub fn spans(&self) -> Spans {
        self.spans.clone()
    }

    /// Its metrics.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// See [`Metrics::prometheus_text`].
    #[must_use]
    pub fn prometheus_text(&self) -> String {
        self.metrics.prometheus_text()
    }

    /// From now on the log lines of this process are exported as this service's, if the environment
    /// asks for that.
    pub fn export_logs(&self, export: &LogExport) {
        if let Some(loggers) = &self.loggers {
            export.start(loggers);
        }
    }

    /// Exports what waits, for at most five seconds; what a collector has not taken by then is lost.
    /// It blocks its thread, so call it last, or where blocking is allowed.
    pub fn shutdown(self) {
        let (finished, results) = mpsc::channel();
        let (tracers, meters, loggers) = (self.tracers, self.meters, self.loggers);
        let spans = on_a_thread("spans", &finished, move || {
            tracers.is_none_or(|tracers| tracers.shutdown().is_ok())
        });
        let metrics = on_a_thread("metrics", &finished, move || {
            meters.is_none_or(|meters| meters.shutdown().is_ok())
        });
        let lines = on_a_thread("log lines", &finished, move || {
            loggers.is_none_or(|loggers| loggers.shutdown().is_ok())
        });
        let running = [spans, metrics, lines].into_iter().filter(|started| *started).count();
        let deadline = Instant::now() + SHUTDOWN_MAX;
        for _ in 0..running {
            let left = deadline.saturating_duration_since(Instant::now());
            match results.recv_timeout(left) {
                Ok((_, true)) => (),
                Ok((what, false)) => tracing::warn!("the last {what} were not exported"),
                Err(_) => {
                    return tracing::warn!(
                        "the last spans, metrics or log lines were not exported in time"
                    );
                }
            }
        }
    }
}

/// Starts `job` on a thread of its own, as the SDK's methods may wait for longer than they say; it
/// tells `finished` whether all went well. Whether the thread could be started.
fn on_a_thread(
    what: &'static str,
    finished: &mpsc::Sender<(&'static str, bool)>,
    job: impl FnOnce() -> bool + Send + 'static,
) -> bool {
    let finished = finished.clone();
    let thread = std::thread::Builder::new().name(format!("telemetry-{what}"));
    // The receiver is gone if it was too late, which was logged then.
    thread.spawn(move || finished.send((what, job())).unwrap_or_default()).is_ok()
}

/// What the operator says goes before what the service says of itself.
fn resource(settings: &Settings, service: &'static str, version: &str) -> Resource {
    let instance = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let own = [
        KeyValue::new("service.name", service),
        KeyValue::new("service.version", version.to_owned()),
        KeyValue::new("service.instance.id", instance.to_string()),
    ];
    let given = settings.resource.iter();
    let given = given.map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    let name = settings.service_name.clone().map(|name| KeyValue::new("service.name", name));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_schema_url(own, SCHEMA_URL)
        .with_attributes(given.chain(name))
        .build()
}
