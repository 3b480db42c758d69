//! The standard `OTEL_*` variables as one value. All of them are parsed here, also those that the
//! SDK reads: it would ignore with a warning what this refuses.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::ensure;
use axum::http::Uri;
use axum::http::uri::Scheme;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::trace::SpanLimits;

use super::environment::Environment;
use super::sampling::{Root, Sampling};

/// All that can be set.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// No spans and no metrics.
    pub(super) disabled: bool,
    pub(super) service_name: Option<String>,
    pub(super) resource: Vec<(String, String)>,
    pub(super) sampling: Sampling,
    pub(super) limits: SpanLimits,
    pub(super) queue: Queue,
    /// Where spans go; `None`: nowhere.
    pub(super) traces: Option<Otlp>,
    /// Where metrics go besides `/metrics`.
    pub(super) metrics: Option<Otlp>,
    pub(super) metrics_interval: Duration,
    pub(super) temporality: Temporality,
}

/// The queue between the services' work and the exporter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    /// More waiting spans than this are dropped.
    pub(super) spans_max: usize,
    /// So many go out in one request.
    pub(super) batch_max: usize,
    /// They go out after this time at the latest.
    pub(super) delay: Duration,
    /// String attributes are cut to so many characters.
    pub(super) value_chars_max: usize,
}

/// Where one signal goes.
#[derive(Clone, Debug)]
pub(super) struct Otlp {
    /// The whole URL.
    pub(super) endpoint: String,
    pub(super) headers: HashMap<String, String>,
    /// For one export with all its repetitions.
    pub(super) timeout: Duration,
}

/// Four times the SDK's default: one batch of 500 records makes up to some 1,500 spans, and while
/// those of one are exported those of the next come in.
const QUEUE_SPANS_MAX: usize = 8_192;
const EXPORT_SPANS_MAX: usize = 512;
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
        let exporters = ["otlp", "prometheus", "none"];
        let metrics = environment.list("OTEL_METRICS_EXPORTER", &exporters)?;
        let traces = environment.list("OTEL_TRACES_EXPORTER", &["otlp", "none"])?;
        Ok(Self {
            disabled: environment.is_true("OTEL_SDK_DISABLED")?,
            service_name: environment.get("OTEL_SERVICE_NAME").map(str::to_owned),
            resource: environment.pairs("OTEL_RESOURCE_ATTRIBUTES")?,
            sampling: sampling(environment)?,
            limits: limits(environment)?,
            queue: queue(environment)?,
            traces: Otlp::read(environment, &TRACES, &traces)?,
            metrics: Otlp::read(environment, &METRICS, &metrics)?,
            metrics_interval: environment
                .milliseconds("OTEL_METRIC_EXPORT_INTERVAL", Duration::from_secs(60))?,
            temporality: temporality(environment)?,
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

fn queue(environment: &Environment) -> anyhow::Result<Queue> {
    let (queue_name, batch_name) = ("OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
    let spans_max = environment.number(queue_name, QUEUE_SPANS_MAX, 1..=1_000_000)?;
    let default = EXPORT_SPANS_MAX.min(spans_max);
    let batch_max = environment.number(batch_name, default, 1..=1_000_000)?;
    ensure!(
        batch_max <= spans_max,
        "{batch_name}={batch_max}: at most {queue_name} is allowed, which is {spans_max}"
    );
    let unlimited = 1_000_000_000;
    let general =
        environment.number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", unlimited, 0..=unlimited)?;
    let name = "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT";
    Ok(Queue {
        spans_max,
        batch_max,
        delay: environment.milliseconds("OTEL_BSP_SCHEDULE_DELAY", Duration::from_secs(5))?,
        value_chars_max: environment.number(name, general, 0..=unlimited)?,
    })
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

/// The names that belong to one signal.
struct Signal {
    path: &'static str,
    endpoint: &'static str,
    headers: &'static str,
    timeout: &'static str,
    /// A second timeout, of what calls the exporter. The SDK's threads do not read it.
    caller_timeout: &'static str,
    /// Whether the endpoint for all signals turns this one on. Metrics have `/metrics` already, and
    /// trace stores such as Jaeger refuse them.
    by_general_endpoint: bool,
}

const TRACES: Signal = Signal {
    path: "v1/traces",
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    headers: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    caller_timeout: "OTEL_BSP_EXPORT_TIMEOUT",
    by_general_endpoint: true,
};

const METRICS: Signal = Signal {
    path: "v1/metrics",
    endpoint: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    headers: "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
    caller_timeout: "OTEL_METRIC_EXPORT_TIMEOUT",
    by_general_endpoint: false,
};

impl Otlp {
    /// `exporters` is what the signal's own variable asks for; empty if it is not set.
    fn read(
        environment: &Environment,
        signal: &Signal,
        exporters: &[&str],
    ) -> anyhow::Result<Option<Self>> {
        let general = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let endpoint = match environment.first(&[signal.endpoint, general]) {
            Some((name, url)) => url_of(name, url, (name == general).then_some(signal.path))?,
            None => format!("http://localhost:4318/{}", signal.path),
        };
        let headers = environment.first(&[signal.headers, "OTEL_EXPORTER_OTLP_HEADERS"]);
        let headers = headers.map_or(Ok(vec![]), |(name, _)| environment.pairs(name))?;
        let timeout =
            environment.milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", Duration::from_secs(10))?;
        let timeout = environment.milliseconds(signal.timeout, timeout)?;
        let caller = environment.milliseconds(signal.caller_timeout, timeout)?;
        let found = environment.get(signal.endpoint).is_some()
            || (signal.by_general_endpoint && environment.get(general).is_some());
        let wanted = exporters.contains(&"otlp") || (exporters.is_empty() && found);
        let otlp =
            Self { endpoint, headers: headers.into_iter().collect(), timeout: timeout.min(caller) };
        Ok(wanted.then_some(otlp))
    }
}

fn url_of(name: &str, url: &str, path: Option<&str>) -> anyhow::Result<String> {
    let uri: Option<Uri> = url.parse().ok();
    let is_http = |uri: &Uri| uri.scheme() == Some(&Scheme::HTTP) && uri.authority().is_some();
    ensure!(
        uri.as_ref().is_some_and(is_http),
        "{name}={url}: allowed is a URL that starts with http://; the exporter has no TLS, so send \
         to a collector on this host or in this pod"
    );
    Ok(match path {
        Some(path) => format!("{}/{path}", url.trim_end_matches('/')),
        None => url.to_owned(),
    })
}
