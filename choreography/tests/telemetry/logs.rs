//! Log lines, in both formats, and as a collector gets them.

use std::io::Write;
use std::sync::{Arc, Mutex};

use choreography::telemetry::logs::layer;
use choreography::telemetry::{LogExport, LogFormat, Spans, init_logs, init_with};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::receiver::{Receiver, show};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is written for one message with a field, both with `text` in them, in a span with it.
fn written(json: bool, text: &str) -> String {
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::registry().with(layer(json, move || writer.clone()));
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("batch", why = text);
        let _entered = span.enter();
        tracing::warn!(order.id = text, shown = %text, "refused: {text}");
    });
    let bytes = kept.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn no_control_character_gets_through() {
    let all: String = (0..=0x9F).filter_map(char::from_u32).collect();
    for json in [false, true] {
        for text in ["a\nWARN forged", "\r\n", "\u{1b}[31mred", "\u{9b}31m", "\0", &all] {
            let line = written(json, text);
            let body = line.strip_suffix('\n').expect("it ends with a line feed");
            assert!(!body.chars().any(char::is_control), "{json} {text:?}: {body:?}");
        }
    }
}

#[test]
fn json_stays_json_and_tells_all() {
    let text = "a\nb\u{9b}c\u{7f} \"ü\"";
    let line: serde_json::Value = serde_json::from_str(&written(true, text)).unwrap();
    assert_eq!(line["order.id"], text);
    assert_eq!(line["shown"], text);
    assert_eq!(line["message"], format!("refused: {text}"));
    assert_eq!((&line["level"], &line["span"]["why"]), (&"WARN".into(), &text.into()));
}

#[test]
fn text_tells_escapes_in_place() {
    let line = written(false, "a\nb\u{1b}c");
    assert!(line.contains("refused: a\\nb"), "{line}");
    assert!(line.contains("WARN") && line.contains("order.id="), "{line}");
}

#[test]
fn it_may_be_started_twice() {
    init_logs(LogFormat::Auto);
    init_logs(LogFormat::Json);
}

/// A line as text: level, body, attributes, trace and span.
fn render(line: &LogRecord) -> String {
    let body = match line.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Value::StringValue(text)) => text.as_str(),
        other => panic!("{other:?}"),
    };
    let attributes: String = line.attributes.iter().map(|a| format!(" {}", show(a))).collect();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (trace, span) = (hex(&line.trace_id), hex(&line.span_id));
    let text = format!("{} {body}{attributes} {trace} {span}", line.severity_text);
    text.trim_end().to_owned()
}

#[test]
fn a_collector_gets_them_with_their_trace() {
    let receiver = Receiver::start();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint.as_str()),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_SERVICE_NAME", "renamed"),
    ];
    let telemetry = init_with("svc", "1", &variables.into_iter().collect()).unwrap();
    let export = LogExport::default();
    let subscriber = tracing_subscriber::registry().with(export.layer(LevelFilter::INFO));
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!("before there is a collector");
        telemetry.export_logs(&export);
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = Spans::disabled().context_of(Some(parent.parse().unwrap()), None, "");
        let entered = context.enter();
        tracing::warn!(order.id = "o-1", lines = 3, "refused:\n{}", "no such seller");
        drop(entered);
        tracing::info!("running");
        tracing::debug!("the filter keeps this");
    });
    telemetry.shutdown();
    let logs = receiver.logs();
    let resource = format!("{:?}", logs[0].resource);
    assert!(resource.contains("service.name") && resource.contains("renamed"), "{resource}");
    let lines: Vec<_> =
        logs.iter().flat_map(|l| &l.scope_logs).flat_map(|s| &s.log_records).collect();
    // They are grouped by the parts of the program, in any order.
    let mut texts: Vec<_> = lines.iter().map(|line| render(line)).collect();
    texts.sort();
    let refused = "WARN refused:\nno such seller order.id=\"o-1\" lines=3 \
                   0af7651916cd43dd8448eb211c80319c b7ad6b7169203331";
    assert_eq!(texts, ["INFO log lines are exported", "INFO running", refused]);
    assert!(lines.iter().all(|line| line.event_name.is_empty()), "they are no events: {lines:?}");
    assert!(lines.iter().all(|line| line.observed_time_unix_nano != 0));
}

#[test]
fn lines_of_those_who_send_lines_are_not_sent() {
    let receiver = Receiver::start();
    let endpoint = format!("{}/v1/logs", receiver.endpoint);
    let variables = [("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", endpoint.as_str())];
    let telemetry = init_with("svc", "1", &variables.into_iter().collect()).unwrap();
    let export = LogExport::default();
    telemetry.export_logs(&export);
    let subscriber = tracing_subscriber::registry().with(export.layer(LevelFilter::TRACE));
    tracing::subscriber::with_default(subscriber, || {
        tracing::error!(target: "opentelemetry_sdk", "no");
        tracing::error!(target: "opentelemetry-otlp", "no");
        tracing::error!(target: "hyper_util::client::legacy::pool", "no");
        tracing::error!(target: "reqwest::connect", "no");
        tracing::trace!("yes");
    });
    telemetry.shutdown();
    let logs = receiver.logs();
    let lines = logs.iter().flat_map(|l| &l.scope_logs).flat_map(|s| &s.log_records);
    assert_eq!(lines.map(render).collect::<Vec<_>>(), ["TRACE yes"]);
}
