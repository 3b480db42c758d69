//! Standard variables that can ask for what is not built in. Each such wish is refused at start, by
//! name: a service that exports less than its operator believes is found out too late.

use anyhow::bail;

use super::environment::Environment;

/// A variable, the values that it may have, and what to do instead of the others.
type Rule = (&'static str, &'static [&'static str], &'static str);

const OVER_HTTP: &str = "what is exported goes out as http/protobuf only";
const PLAIN: &str = "requests are not compressed: send them to a collector nearby";
const NO_TLS: &str = "the exporter has no TLS: send to a collector on this host or in this pod";
const SCRAPED: &str = "metrics are at /metrics of the service's own HTTP address";
const ONE_BY_ONE: &str = "set the variables one by one";
const WHOLE: &str = "log lines are exported whole";
const EXEMPLARS: &str = "there are no exemplars";

const RULES: &[Rule] = &[
    ("OTEL_EXPORTER_OTLP_PROTOCOL", &["http/protobuf"], OVER_HTTP),
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", &["http/protobuf"], OVER_HTTP),
    ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", &["http/protobuf"], OVER_HTTP),
    ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", &["http/protobuf"], OVER_HTTP),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", &["none"], PLAIN),
    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", &["none"], PLAIN),
    ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", &["none"], PLAIN),
    ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", &["none"], PLAIN),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", &[], NO_TLS),
    ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", &[], NO_TLS),
    ("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", &[], NO_TLS),
    ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", &[], NO_TLS),
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &[], NO_TLS),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", &[], NO_TLS),
    ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", &[], NO_TLS),
    ("OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", &[], NO_TLS),
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &[], NO_TLS),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", &[], NO_TLS),
    ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", &[], NO_TLS),
    ("OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", &[], NO_TLS),
    ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", &[], WHOLE),
    ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", &[], WHOLE),
    ("OTEL_EXPORTER_PROMETHEUS_HOST", &[], SCRAPED),
    ("OTEL_EXPORTER_PROMETHEUS_PORT", &[], SCRAPED),
    ("OTEL_METRICS_EXEMPLAR_FILTER", &["always_off"], EXEMPLARS),
    (
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        &["explicit_bucket_histogram"],
        "histograms have fixed buckets",
    ),
    ("OTEL_CONFIG_FILE", &[], ONE_BY_ONE),
    ("OTEL_EXPERIMENTAL_CONFIG_FILE", &[], ONE_BY_ONE),
];

/// Refuses what is not built in.
///
/// # Errors
/// The first variable that asks for it, and what is allowed.
pub(super) fn check(environment: &Environment) -> anyhow::Result<()> {
    for (name, allowed, instead) in RULES {
        let Some(value) = environment.get(name) else { continue };
        if !allowed.contains(&value) {
            let allowed = match allowed.join(", ") {
                none if none.is_empty() => "that it is not set".to_owned(),
                values => values,
            };
            bail!("{name}={value}: allowed is {allowed}; {instead}");
        }
    }
    propagators(environment)
}

/// Records carry `traceparent`, whatever is configured: hearers of other services rely on it.
/// Baggage is not read, so accepting its name does no harm.
fn propagators(environment: &Environment) -> anyhow::Result<()> {
    let name = "OTEL_PROPAGATORS";
    let values = environment.list(name, &["tracecontext", "baggage"])?;
    if !values.is_empty() && !values.contains(&"tracecontext") {
        bail!("{name}: it must name tracecontext, which records always carry");
    }
    if values.contains(&"baggage") {
        tracing::debug!("{name} names baggage, which is neither read nor passed on");
    }
    Ok(())
}
