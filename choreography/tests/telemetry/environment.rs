//! What each standard variable does, or that it is refused.

use choreography::telemetry::spans::Message;
use choreography::telemetry::{Environment, LogExport, init_with};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::receiver::Receiver;

/// Variables, and what must be in the text of the refusal.
const REFUSED: &[(&str, &str, &str)] = &[
    ("OTEL_SDK_DISABLED", "yes", "true and false"),
    ("OTEL_TRACES_EXPORTER", "console", "otlp, none"),
    ("OTEL_TRACES_EXPORTER", "zipkin", "otlp, none"),
    ("OTEL_METRICS_EXPORTER", "console", "otlp, prometheus, none"),
    ("OTEL_LOGS_EXPORTER", "console", "otlp, none"),
    ("OTEL_PROPAGATORS", "b3", "tracecontext, baggage"),
    ("OTEL_PROPAGATORS", "tracecontext,xray", "tracecontext, baggage"),
    ("OTEL_PROPAGATORS", "baggage", "must name tracecontext"),
    ("OTEL_PROPAGATORS", "none", "tracecontext"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "none"),
    ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip", "none"),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem", "not set"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318", "http://"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "http://"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://", "http://"),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces", "http://"),
    ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "https://collector:4318/v1/logs", "http://"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "token", "key=value"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "token=%zz", "key=value"),
    ("OTEL_RESOURCE_ATTRIBUTES", "=1", "key=value"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "1 to 3600000"),
    ("OTEL_TRACES_SAMPLER", "jaeger_remote", "traceidratio"),
    ("OTEL_TRACES_SAMPLER", "parentbased_xray", "traceidratio"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "1 to 1000000"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9000", "OTEL_BSP_MAX_QUEUE_SIZE"),
    ("OTEL_BSP_SCHEDULE_DELAY", "-1", "1 to"),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", "none", "1 to 1000000"),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "3000", "OTEL_BLRP_MAX_QUEUE_SIZE"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "0", "1 to"),
    ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "10", "whole"),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", "many", "0 to"),
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long", "0 to"),
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "some", "lowmemory"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "0", "1 to"),
    ("OTEL_METRICS_EXEMPLAR_FILTER", "always_on", "always_off"),
    ("OTEL_EXPORTER_PROMETHEUS_PORT", "9464", "/metrics"),
    ("OTEL_CONFIG_FILE", "otel.yaml", "one by one"),
    ("OTEL_LOG_LEVEL", "loud", "debug"),
];

#[test]
fn what_is_not_built_in_is_refused_by_name() {
    for (name, value, allowed) in REFUSED {
        let environment: Environment = [(*name, *value)].into_iter().collect();
        let error = init_with("svc", "1", &environment).expect_err(name).to_string();
        assert!(error.contains(name), "{name}={value}: {error}");
        assert!(error.contains(allowed), "{name}={value}: {error}");
    }
    let ratio = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "1.5")];
    let error = init_with("svc", "1", &ratio.into_iter().collect()).unwrap_err().to_string();
    assert!(error.contains("OTEL_TRACES_SAMPLER_ARG") && error.contains("0 to 1"), "{error}");
    let secret: Environment = [("OTEL_EXPORTER_OTLP_HEADERS", "s3cret")].into_iter().collect();
    let error = init_with("svc", "1", &secret).unwrap_err().to_string();
    assert!(!error.contains("s3cret"), "{error}");
}

/// Variables (`ENDPOINT` stands for a collector), and whether spans go out.
const TRACES: &[(&[(&str, &str)], bool)] = &[
    (&[], false),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], false),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "ENDPOINT")], true),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "ENDPOINT/")], true),
    (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ENDPOINT/v1/traces")], true),
    (&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "ENDPOINT/v1/metrics")], false),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "ENDPOINT"), ("OTEL_TRACES_EXPORTER", "none")], false),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "ENDPOINT"), ("OTEL_TRACES_EXPORTER", "otlp")], true),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "ENDPOINT"), ("OTEL_SDK_DISABLED", "TRUE")], false),
    (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "ENDPOINT"), ("OTEL_TRACES_SAMPLER", "always_off")], false),
    (
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "ENDPOINT"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "1000"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
            ("OTEL_PROPAGATORS", "tracecontext,baggage"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_LOG_LEVEL", "debug"),
            ("OTEL_NODE_IP", "anything that an operator sets for itself"),
        ],
        true,
    ),
];

#[test]
fn spans_go_out_only_where_that_is_asked_for() {
    for (variables, goes_out) in TRACES {
        let receiver = Receiver::start();
        let telemetry = init_with("svc", "1", &environment(variables, &receiver)).unwrap();
        telemetry.spans().send(None, &message(), &[]).end();
        telemetry.shutdown();
        assert_eq!(receiver.spans().len(), usize::from(*goes_out), "{variables:?}");
    }
}

#[test]
fn metrics_and_log_lines_go_out_only_where_that_is_asked_for() {
    /// Variables, and the paths that something is sent to.
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "ENDPOINT");
    let metrics = ("OTEL_METRICS_EXPORTER", "otlp,prometheus");
    let logs = ("OTEL_LOGS_EXPORTER", "otlp");
    let rows: &[Row<'_>] = &[
        (&[all], &[]),
        (&[all, metrics], &["/v1/metrics"]),
        (&[all, logs], &["/v1/logs"]),
        (&[all, metrics, logs], &["/v1/logs", "/v1/metrics"]),
        (&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "ENDPOINT/mine")], &["/mine"]),
        (&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "ENDPOINT/lines")], &["/lines"]),
        (
            &[
                ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "ENDPOINT/lines"),
                ("OTEL_LOGS_EXPORTER", "none"),
            ],
            &[],
        ),
        (&[all, metrics, logs, ("OTEL_SDK_DISABLED", "true")], &[]),
    ];
    for (variables, paths) in rows {
        let receiver = Receiver::start();
        let telemetry = init_with("svc", "1", &environment(variables, &receiver)).unwrap();
        let export = LogExport::default();
        telemetry.export_logs(&export);
        telemetry.metrics().repeat("orders");
        let subscriber = tracing_subscriber::registry().with(export.layer(LevelFilter::INFO));
        tracing::subscriber::with_default(subscriber, || tracing::info!("a line"));
        let scraped = telemetry.prometheus_text().contains("choreography_repeats_total");
        assert_eq!(scraped, !variables.contains(&("OTEL_SDK_DISABLED", "true")), "{variables:?}");
        telemetry.shutdown();
        let mut seen: Vec<_> = receiver.requests().into_iter().map(|r| r.path).collect();
        seen.sort();
        assert_eq!(seen, *paths, "{variables:?}");
    }
}

#[test]
fn headers_reach_the_collector() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ENDPOINT"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-general=1"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-token=a%20b,x-other=2"),
    ];
    let receiver = Receiver::start();
    let telemetry = init_with("svc", "1", &environment(&variables, &receiver)).unwrap();
    telemetry.spans().send(None, &message(), &[]).end();
    telemetry.shutdown();
    let headers = &receiver.requests()[0].headers;
    assert_eq!(
        (&headers["x-token"], &headers["x-other"]),
        (&"a b".parse().unwrap(), &"2".parse().unwrap())
    );
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert!(!headers.contains_key("x-general"), "the signal's own go before those of all");
}

#[test]
fn of_this_process_only_what_is_telemetrys_is_read() {
    assert_eq!(Environment::of_process().get("PATH"), None);
    let environment: Environment = [("OTEL_SERVICE_NAME", " a ")].into_iter().collect();
    assert_eq!(environment.get("OTEL_SERVICE_NAME"), Some("a"));
    assert_eq!(environment.without("OTEL_SERVICE_NAME").get("OTEL_SERVICE_NAME"), None);
}

fn environment(variables: &[(&str, &str)], receiver: &Receiver) -> Environment {
    let replaced = |value: &str| value.replace("ENDPOINT", &receiver.endpoint);
    variables.iter().map(|(name, value)| (*name, replaced(value))).collect()
}

fn message() -> Message<'static> {
    let id = "0199aaaa-0000-7000-8000-000000000002".parse().unwrap();
    Message { topic: "orders", key: None, name: None, id, source: None, correlation: None }
}
