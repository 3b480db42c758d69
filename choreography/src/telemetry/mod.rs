//! What operators see of a service: traces, metrics and logs. The only place that names
//! OpenTelemetry.
//!
//! | module | what it holds |
//! |---|---|
//! | [`setup`] | [`Telemetry`]: one value per service, made from the standard `OTEL_*` variables |
//! | [`environment`] | these variables, read once; the table in [`setup`] says what each does |
//! | [`context`] | the trace context that records carry |
//! | [`spans`] | spans, named as OpenTelemetry's messaging conventions ask |
//! | [`metrics`] | counters, gauges and histograms, and their Prometheus text |
//! | [`logs`] | log lines on standard error; [`log_export`]: also to a collector |
//!
//! **Invariant.** There is no global provider: several services can live in one process, each with
//! its own [`Telemetry`].
//!
//! **Invariant.** Nothing here waits for a collector but [`Telemetry::shutdown`], and that for five
//! seconds at most. A span or a log line that finds its queue full is dropped and counted.

pub mod setup;

pub mod environment;

mod settings;

mod otlp;

mod refused;

mod sampling;

mod providers;

mod queue;

mod log_queue;

mod point_counts;

mod counts;

pub mod context;

pub mod spans;

mod active;

mod attributes;

pub mod metrics;

mod instruments;

mod gauges;

mod names;

pub mod logs;

pub mod log_export;

pub use active::ActiveSpan;
pub use context::TraceContext;
pub use environment::Environment;
pub use log_export::LogExport;
pub use logs::{LogFormat, init_logs};
pub use metrics::Metrics;
pub use setup::{Telemetry, init, init_with};
pub use spans::Spans;
