//! The standard `OTEL_*` variables as one value. All of them are parsed here, also those that the
//! SDK reads: it would ignore with a warning what this refuses.

use std::time::Duration;

use anyhow::ensure;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::trace::SpanLimits;

use super::environment::Environment;
use super::otlp::{LOGS, METRICS, Otlp, TRACES};
use super::sampling::{Root, Sampling};

/// All that can be set.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// No spans, no metrics, and no log lines but on standard error.
    pub(super) disabled: bool,
    pub(super) service_name: Option<String>,
    pub(super) resource: Vec<(String, String)>,
    pub(super) sampling: Sampling,
    pub(super) limits: SpanLimits,
    /// String attributes of spans are cut to so many characters.
    pub(super) value_chars_max: usize,
    /// Where spans go; `None`: nowhere.
    pub(super) traces: Option<Otlp>,
    pub(super) span_queue: Queue,
    /// Where metrics go besides `/metrics`.
    pub(super) metrics: Option<Otlp>,
    pub(super) metrics_interval: Duration,
    pub(super) temporality: Temporality,
    /// Where log lines go besides standard error.
    pub(super) logs: Option<Otlp>,
    pub(super) log_queue: Queue,
}

/// A queue between the services' work and an exporter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    /// What comes while so many wait is dropped.
    pub(super) max: usize,
    /// So many go out in one request.
    pub(super) batch_max: usize,
    /// They go out after this time at the latest.
    pub(super) delay: Duration,
}

/// Four times the SDK's default: one batch of 500 records makes up to some 1,500 spans, and while
/// those of one are exported those of the next come in.
const QUEUE_SPANS_MAX: usize = 8_192;
/// The SDK's default.
const QUEUE_LINES_MAX: usize = 2_048;
const BATCH_MAX: usize = 512;
/// The poll and the transaction of a batch link to each of its records, so the SDK's 128 are too
/// few. The largest batch that can be configured has so many records.
const LINKS_MAX: u32 = 10_000;
/// The SDK's default for everything else on a span.
const COUNT_MAX: u32 = 128;

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// The variable that has no allowed value, and what is allowed.
    pub(super) fn read(environment: &Environment) -> anyhow::Result<Self> {
        super::refused::check(environment)?;
        super::logs::otel_level(environment)?;
        Ok(Self {
            disabled: environment.is_true("OTEL_SDK_DISABLED")?,
            service_name: environment.get("OTEL_SERVICE_NAME").map(str::to_owned),
            resource: environment.pairs("OTEL_RESOURCE_ATTRIBUTES")?,
            sampling: sampling(environment)?,
            limits: limits(environment)?,
            value_chars_max: value_chars_max(environment)?,
            traces: Otlp::read(environment, &TRACES)?,
            span_queue: queue(environment, "BSP", QUEUE_SPANS_MAX, Duration::from_secs(5))?,
            metrics: Otlp::read(environment, &METRICS)?,
            metrics_interval: environment
                .milliseconds("OTEL_METRIC_EXPORT_INTERVAL", Duration::from_secs(60))?,
            temporality: temporality(environment)?,
            logs: Otlp::read(environment, &LOGS)?,
            log_queue: queue(environment, "BLRP", QUEUE_LINES_MAX, Duration::from_secs(1))?,
        })
    }
}

fn sampling(environment: &Environment) -> anyhow::Result<Sampling> {
    let name = "OTEL_TRACES_SAMPLER";
    let Some(value) = environment.get(name) else { return Ok(Sampling::DEFAULT) };
    let root = match value.strip_prefix("parentbased_").unwrap_or(value) {
        "always_on" => Root::On,
        "always_off" => Root::Off,
        "traceidratio" => {
            Root::Ratio(environment.number("OTEL_TRACES_SAMPLER_ARG", 1.0, 0.0..=1.0)?)
        }
        _ => anyhow::bail!(
            "{name}={value}: allowed are always_on, always_off and traceidratio, each also with \
             parentbased_ before it"
        ),
    };
    Ok(Sampling { parent_based: value.starts_with("parentbased_"), root })
}

fn limits(environment: &Environment) -> anyhow::Result<SpanLimits> {
    let count = |name, default| environment.number(name, default, 0..=1_000_000);
    let attributes = count("OTEL_ATTRIBUTE_COUNT_LIMIT", COUNT_MAX)?;
    Ok(SpanLimits {
        max_attributes_per_span: count("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", attributes)?,
        max_events_per_span: count("OTEL_SPAN_EVENT_COUNT_LIMIT", COUNT_MAX)?,
        max_links_per_span: count("OTEL_SPAN_LINK_COUNT_LIMIT", LINKS_MAX)?,
        max_attributes_per_event: count("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", attributes)?,
        max_attributes_per_link: count("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", attributes)?,
    })
}

/// `processor` stands in the names of the variables.
fn queue(
    environment: &Environment,
    processor: &str,
    max: usize,
    delay: Duration,
) -> anyhow::Result<Queue> {
    let name = |what| format!("OTEL_{processor}_{what}");
    let (max_name, batch_name) = (name("MAX_QUEUE_SIZE"), name("MAX_EXPORT_BATCH_SIZE"));
    let max = environment.number(&max_name, max, 1..=1_000_000)?;
    let batch_max = environment.number(&batch_name, BATCH_MAX.min(max), 1..=1_000_000)?;
    ensure!(
        batch_max <= max,
        "{batch_name}={batch_max}: at most {max_name} is allowed, which is {max}"
    );
    let delay = environment.milliseconds(&name("SCHEDULE_DELAY"), delay)?;
    Ok(Queue { max, batch_max, delay })
}

fn value_chars_max(environment: &Environment) -> anyhow::Result<usize> {
    let unlimited = 1_000_000_000;
    let number = |name, default| environment.number(name, default, 0..=unlimited);
    let general = number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", unlimited)?;
    number("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", general)
}

fn temporality(environment: &Environment) -> anyhow::Result<Temporality> {
    let name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    match environment.get(name).map(str::to_ascii_lowercase).as_deref() {
        None | Some("cumulative") => Ok(Temporality::Cumulative),
        Some("delta") => Ok(Temporality::Delta),
        Some("lowmemory") => Ok(Temporality::LowMemory),
        Some(value) => {
            anyhow::bail!("{name}={value}: allowed are cumulative, delta and lowmemory")
        }
    }
}
