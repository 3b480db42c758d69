//! The text that a scraper gets.

use choreography::telemetry::metrics::Operation;
use choreography::telemetry::{Environment, Metrics, Telemetry, init_with};

fn telemetry(variables: &[(&str, &str)]) -> Telemetry {
    init_with("inventory-svc", "1.2.3", &variables.iter().copied().collect::<Environment>())
        .unwrap()
}

fn tell_all(metrics: &Metrics) {
    metrics.sent("inventory", 0.02, None);
    metrics.sent("inventory", 0.02, None);
    metrics.sent("inventory", 1.0, Some("NOT_ENOUGH_REPLICAS"));
    metrics.consumed("orders", 3, "inventory-svc", 500);
    metrics.operation(Operation::Poll, Some("orders"), Some("inventory-svc"), 0.5, None);
    metrics.process_duration("orders", "inventory-svc", 0.001, None);
    metrics.process_duration("orders", "inventory-svc", 0.001, Some("panic"));
    metrics.lag("orders", 0, 10, 1.5);
    metrics.lag("orders", 1, 20, 2.5);
    metrics.lag("orders", 1, 7, 0.5);
    metrics.forget_lag("orders", 0);
    metrics.owed(4, 2_500);
    metrics.timers(9);
    metrics.timers_late(1_500);
    metrics.gaps(1);
    metrics.dead_letter_limit(true);
    metrics.dead_letter("orders", "undecodable");
    metrics.repeat("orders");
    metrics.skipped("orders", 12);
    metrics.ignored("orders");
    metrics.batch(500);
    metrics.conflict();
}

/// All lines but those of buckets and comments, sorted.
fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.contains("_bucket"))
        .filter(|line| !line.starts_with("target_info"))
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn it_has_the_conventions_names() {
    let telemetry = telemetry(&[]);
    tell_all(&telemetry.metrics());
    let text = telemetry.prometheus_text();
    let expected: Vec<_> = include_str!("metrics.txt").lines().collect();
    assert_eq!(lines(&text), expected, "{}", lines(&text).join("\n"));
    telemetry.shutdown();
}

#[test]
fn durations_have_the_conventions_buckets() {
    let telemetry = telemetry(&[]);
    tell_all(&telemetry.metrics());
    let text = telemetry.prometheus_text();
    for name in
        ["messaging_process_duration_seconds", "messaging_client_operation_duration_seconds"]
    {
        let name = format!("{name}_bucket");
        let mut bounds: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with(&name))
            .filter_map(|line| line.split("le=\"").nth(1)?.split('"').next())
            .collect();
        bounds.dedup();
        bounds.truncate(15);
        let expected = "0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 +Inf";
        assert_eq!(bounds.join(" "), expected, "{name}");
    }
}

#[test]
fn it_tells_the_service_once() {
    let telemetry = telemetry(&[("OTEL_SERVICE_NAME", "renamed")]);
    let text = telemetry.prometheus_text();
    let info = text.lines().find(|line| line.starts_with("target_info{")).unwrap();
    assert!(
        info.contains("service_name=\"renamed\"") && info.contains("service_version=\"1.2.3\"")
    );
}

#[test]
fn a_disabled_sdk_has_no_metrics() {
    let telemetry = telemetry(&[("OTEL_SDK_DISABLED", "true")]);
    tell_all(&telemetry.metrics());
    assert_eq!(telemetry.prometheus_text(), "");
    tell_all(&Metrics::disabled());
    telemetry.shutdown();
}

#[test]
fn services_of_one_process_have_their_own() {
    let (one, other) = (telemetry(&[]), telemetry(&[]));
    one.metrics().repeat("orders");
    assert!(one.prometheus_text().contains("choreography_repeats_total"));
    assert!(!other.prometheus_text().contains("choreography_repeats_total"));
}
