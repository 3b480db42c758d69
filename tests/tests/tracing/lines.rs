//! The log lines that a collector gets.

use std::process::{Command, Stdio};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use shared_events::trace_parent::TraceParent;
use tests::binaries::{self, Build};
use tests::service::Service;

use crate::receiver::{Line, Receiver};

/// The variables that have everything exported. The libraries that send log lines tell all that they
/// do, so a line of theirs that is sent would show.
pub(crate) fn export_all(endpoint: &str) -> impl Iterator<Item = (String, String)> {
    let senders = "info,opentelemetry=debug,reqwest=trace,hyper=trace,hyper_util=trace";
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "500"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("RUST_LOG", senders),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter()
}

/// Each service's first and last words are exported, and what it says of an order with its trace; what
/// is exported stands in the log, too; and nothing that tells of the sending itself.
pub(crate) fn check(lines: &[Line], logs: &str, logged: &TraceParent) {
    for service in Service::ALL.map(Service::name) {
        let of_service = || lines.iter().filter(|line| line.service == service).map(body);
        assert!(of_service().any(|line| line == "running"), "{service} has not begun");
        assert!(of_service().any(|line| line == "stopping"), "{service} has not ended");
    }
    let (trace, span) = (&logged.trace_id, &logged.span_id);
    let of_order = |line: &&Line| line.record.trace_id == trace && line.record.span_id == span;
    assert!(lines.iter().any(|line| of_order(&line)), "no line about the order has its trace");
    for line in lines {
        let text = body(line);
        assert!(logs.contains(text.trim()), "{text:?} is not in a log");
        let senders = ["opentelemetry", "reqwest", "hyper"];
        assert!(!senders.iter().any(|sender| line.target.starts_with(sender)), "{text:?}");
    }
    assert!(logs.contains("hyper_util"), "the senders write to standard error");
}

fn body(line: &Line) -> String {
    match line.record.body.as_ref().and_then(|body| body.value.clone()) {
        Some(Value::StringValue(text)) => text,
        _ => String::new(),
    }
}

#[test]
fn why_a_service_cannot_start_is_exported() {
    let receiver = Receiver::start();
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/no-start");
    std::fs::create_dir_all(folder).expect("a folder");
    let ended = Command::new(binaries::path(Build::Ordinary, Service::Seller))
        .args(["-b", "127.0.0.1:1", "-X", "no.such.property=1"])
        .env_clear()
        .envs(export_all(&receiver.endpoint))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("a binary that starts");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let lines: Vec<_> = receiver.lines().iter().map(body).collect();
    assert!(lines.iter().any(|line| line.contains("no.such.property")), "{lines:?} {ended:?}");
}
