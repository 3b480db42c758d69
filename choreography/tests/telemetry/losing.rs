//! A collector that is not there, refuses, hangs or is slow: the flow goes on at full speed, what is
//! lost is counted, and the end does not wait for long.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use choreography::telemetry::spans::Message;
use choreography::telemetry::{LogExport, Telemetry, init_with};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::receiver::answering;

/// Of each signal; more than all queues hold.
const MADE: u32 = 20_000;
/// One wait for a collector in each batch would take much longer.
const MAKING_MAX: Duration = Duration::from_secs(15);
const SHUTDOWN_MAX: Duration = Duration::from_millis(5_500);

fn telemetry(endpoint: &str) -> Telemetry {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
    ];
    init_with("svc", "1", &variables.into_iter().collect()).unwrap()
}

/// Makes as many spans, measurements and log lines, and says how long that took.
fn make(telemetry: &Telemetry, items: u32) -> Duration {
    let id = "0199aaaa-0000-7000-8000-000000000002".parse().unwrap();
    let key = Some("0199aaaa-0000-7000-8000-000000000001");
    let message =
        Message { topic: "orders", key, name: Some("A"), id, source: None, correlation: key };
    let (spans, metrics, export) = (telemetry.spans(), telemetry.metrics(), LogExport::default());
    telemetry.export_logs(&export);
    let subscriber = tracing_subscriber::registry().with(export.layer(LevelFilter::INFO));
    tracing::subscriber::with_default(subscriber, || {
        let began = Instant::now();
        for _ in 0..items {
            let span = spans.send(None, &message, &[]);
            let _entered = span.context().enter();
            tracing::info!(order.id = key, "said");
            metrics.sent("orders", 0.01, None);
            span.delivered(1, 2);
        }
        began.elapsed()
    })
}

/// The value of the first line that starts with `start`.
fn value(text: &str, start: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or(f64::NAN)
}

fn shutdown(telemetry: Telemetry) -> Duration {
    let began = Instant::now();
    telemetry.shutdown();
    began.elapsed()
}

/// What is waiting, lost and sent makes all; `outcome` is `_total` or `_total{…}`, and must come.
fn check(endpoint: &str, drops: bool, outcome: &str) {
    let telemetry = telemetry(endpoint);
    let took = make(&telemetry, MADE);
    assert!(took < MAKING_MAX, "{took:?}");
    let text = telemetry.prometheus_text();
    for (what, waiting_max) in [("span", 8_192.0), ("log", 2_048.0)] {
        let start = format!("otel_sdk_processor_{what}_processed_total");
        let processed = value(&text, &format!("{start} "));
        let dropped = value(&text, &format!("{start}{{error_type=\"queue_full\"}}"));
        let made = f64::from(MADE);
        assert!((made - waiting_max..=made).contains(&(processed + dropped)), "{what}: {text}");
        assert!(0.0 < dropped || !drops, "{what}: {text}");
    }
    for what in ["span", "log", "metric_data_point"] {
        let start = format!("otel_sdk_exporter_{what}_exported{outcome}");
        let deadline = Instant::now() + Duration::from_secs(20);
        while value(&telemetry.prometheus_text(), &start) == 0.0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let text = telemetry.prometheus_text();
        assert!(0.0 < value(&text, &start), "{start}: {text}");
    }
    let took = shutdown(telemetry);
    assert!(took < SHUTDOWN_MAX, "{took:?}");
}

const TAKEN: &str = "_total ";
const FAILED: &str = "_total{error_type=\"failed\"}";

#[test]
fn one_that_is_not_there() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check(&format!("http://{closed}"), true, FAILED);
}

#[test]
fn one_that_refuses_for_now() {
    check(&answering(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO), true, FAILED);
}

#[test]
fn one_that_refuses_for_good() {
    check(&answering(StatusCode::NOT_FOUND, Duration::ZERO), false, FAILED);
}

#[test]
fn one_that_hangs() {
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    check(&format!("http://{}", hanging.local_addr().unwrap()), true, FAILED);
}

#[test]
fn one_that_is_slow() {
    check(&answering(StatusCode::OK, Duration::from_secs(1)), true, TAKEN);
}

#[test]
fn shutdown_works_on_a_runtime_of_one_thread() {
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", hanging.local_addr().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let took = runtime.block_on(async {
        let telemetry = telemetry(&endpoint);
        make(&telemetry, 10);
        shutdown(telemetry)
    });
    assert!(took < SHUTDOWN_MAX, "{took:?}");
}

#[test]
fn without_an_endpoint_shutdown_takes_no_time() {
    let telemetry = init_with("svc", "1", &[("", ""); 0].into_iter().collect()).unwrap();
    make(&telemetry, 1_000);
    assert!(shutdown(telemetry) < Duration::from_secs(1));
}
