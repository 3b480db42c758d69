//! Where a signal goes, by the variables that all signals share and by its own.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::ensure;
use axum::http::Uri;
use axum::http::uri::Scheme;
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};

use super::environment::Environment;

/// Where one signal goes.
#[derive(Clone, Debug)]
pub(super) struct Otlp {
    /// The whole URL.
    pub(super) endpoint: String,
    headers: HashMap<String, String>,
    /// For one export with all its repetitions.
    timeout: Duration,
}

/// The names that belong to one signal.
pub(super) struct Signal {
    path: &'static str,
    exporter: &'static str,
    exporters: &'static [&'static str],
    endpoint: &'static str,
    headers: &'static str,
    timeout: &'static str,
    /// A second timeout, of what calls the exporter. The SDK's threads do not read it.
    caller_timeout: &'static str,
    /// Whether the endpoint for all signals turns this one on. Metrics have `/metrics` and log lines
    /// standard error already, and trace stores such as Jaeger refuse both.
    by_general_endpoint: bool,
}

pub(super) const TRACES: Signal = Signal {
    path: "v1/traces",
    exporter: "OTEL_TRACES_EXPORTER",
    exporters: &["otlp", "none"],
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    headers: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    caller_timeout: "OTEL_BSP_EXPORT_TIMEOUT",
    by_general_endpoint: true,
};

pub(super) const METRICS: Signal = Signal {
    path: "v1/metrics",
    exporter: "OTEL_METRICS_EXPORTER",
    exporters: &["otlp", "prometheus", "none"],
    endpoint: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    headers: "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
    caller_timeout: "OTEL_METRIC_EXPORT_TIMEOUT",
    by_general_endpoint: false,
};

pub(super) const LOGS: Signal = Signal {
    path: "v1/logs",
    exporter: "OTEL_LOGS_EXPORTER",
    exporters: &["otlp", "none"],
    endpoint: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    headers: "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
    caller_timeout: "OTEL_BLRP_EXPORT_TIMEOUT",
    by_general_endpoint: false,
};

impl Otlp {
    /// Where `signal` goes; `None`: nowhere.
    ///
    /// # Errors
    /// The variable that has no allowed value, and what is allowed.
    pub(super) fn read(environment: &Environment, signal: &Signal) -> anyhow::Result<Option<Self>> {
        let general = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let exporters = environment.list(signal.exporter, signal.exporters)?;
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

    /// The builder of an exporter that sends there.
    pub(super) fn set<B: WithExportConfig + WithHttpConfig>(&self, builder: B) -> B {
        builder
            .with_endpoint(&self.endpoint)
            .with_timeout(self.timeout)
            .with_headers(self.headers.clone())
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
