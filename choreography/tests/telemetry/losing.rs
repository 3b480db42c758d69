//! A collector that refuses, hangs or is slow.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use choreography::telemetry::spans::Message;
use choreography::telemetry::{Telemetry, init_with};

fn telemetry(endpoint: &str) -> Telemetry {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ];
    init_with("svc", "1", &variables.into_iter().collect()).unwrap()
}

/// Makes spans, as many as `spans`, and says how long that took.
fn make_spans(telemetry: &Telemetry, spans: usize) -> Duration {
    let id = "0199aaaa-0000-7000-8000-000000000002".parse().unwrap();
    let key = Some("0199aaaa-0000-7000-8000-000000000001");
    let message =
        Message { topic: "orders", key, name: Some("A"), id, source: None, correlation: key };
    let began = Instant::now();
    for _ in 0..spans {
        telemetry.spans().send(None, &message, &[]).delivered(1, 2);
    }
    began.elapsed()
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

#[test]
fn one_that_hangs_costs_no_time_and_what_is_lost_is_counted() {
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let telemetry = telemetry(&format!("http://{}", hanging.local_addr().unwrap()));
    let took = make_spans(&telemetry, 20_000);
    assert!(took < Duration::from_secs(10), "{took:?}");
    let text = telemetry.prometheus_text();
    let dropped =
        value(&text, "otel_sdk_processor_span_processed_total{error_type=\"queue_full\"}");
    // The queue is full, and at most one request is under way.
    let least = 20_000.0 - 8_192.0 - 512.0;
    assert!((least..=least + 512.0).contains(&dropped), "{text}");
    assert_eq!(value(&text, "otel_sdk_exporter_span_exported_total "), 0.0);
    let took = shutdown(telemetry);
    assert!(took < Duration::from_millis(5_500), "{took:?}");
}

#[test]
fn one_that_refuses_is_given_up_and_counted() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let telemetry = telemetry(&format!("http://{closed}"));
    make_spans(&telemetry, 10);
    let failed = "otel_sdk_exporter_span_exported_total{error_type=\"failed\"}";
    let deadline = Instant::now() + Duration::from_secs(10);
    while value(&telemetry.prometheus_text(), failed) < 10.0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(value(&telemetry.prometheus_text(), failed), 10.0);
    let took = shutdown(telemetry);
    assert!(took < Duration::from_millis(5_500), "{took:?}");
}

#[test]
fn shutdown_works_on_a_runtime_of_one_thread() {
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", hanging.local_addr().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let took = runtime.block_on(async {
        let telemetry = telemetry(&endpoint);
        make_spans(&telemetry, 10);
        shutdown(telemetry)
    });
    assert!(took < Duration::from_millis(5_500), "{took:?}");
}

#[test]
fn without_an_endpoint_shutdown_takes_no_time() {
    let telemetry = init_with("svc", "1", &[("", ""); 0].into_iter().collect()).unwrap();
    make_spans(&telemetry, 1_000);
    assert!(shutdown(telemetry) < Duration::from_secs(1));
}
