//! `choreo load`: what it counts and measures, to real services and to a slow server.

use std::time::Duration;

use serde_json::Value;

use crate::choreo;
use crate::server::{Answer, Server, answer};
use crate::world::world;

/// All times of one kind are there and in order.
fn check_times(json: &Value, name: &str, count: &Value, ms_min: f64) {
    let times = &json["latency_ms"][name];
    assert_eq!(&times["count"], count, "{name}: {json}");
    let values = ["p50", "p90", "p99", "max"].map(|what| times[what].as_f64().unwrap());
    assert!(ms_min <= values[0] && values.is_sorted(), "{name}: {json}");
}

fn check_all_ended(args: &[&str], orders: u64) {
    let run = choreo(&[&["load", "-b", &world().brokers, "-o", "json"], args].concat()).well();
    let json: Value = serde_json::from_str(&run.out).unwrap();
    let counts = &json["orders"];
    let number = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!((number("placed"), number("acknowledged")), (orders, orders), "{json}");
    assert_eq!((number("failed"), number("not_ended")), (0, 0), "{json}");
    assert_eq!(number("completed") + number("cancelled"), orders, "{json}");
    // Of twenty some are refused by design; one is cancelled by who placed it, if that is in time.
    assert!((orders * 12 / 20..=orders * 15 / 20).contains(&number("completed")), "{json}");
    check_times(&json, "acknowledged", &counts["acknowledged"], 0.1);
    check_times(&json, "decided", &counts["acknowledged"], 1.0);
    // A parcel is on its way for 300 ms.
    check_times(&json, "completed", &counts["completed"], 300.0);
    assert_eq!(json["rate"]["asked"], 40);
    assert!(run.err.contains("placed "), "progress: {}", run.err);
}

#[test]
fn orders_on_kafka_are_counted_and_measured() {
    check_all_ended(&["--rate", "40", "-n", "40", "--hot-sku", "0.5"], 40);
}

#[test]
fn orders_over_http_are_counted_and_measured() {
    check_all_ended(&["--rate", "40", "--duration", "1s", "--url", &world().url], 40);
}

#[test]
fn the_table_fits_a_terminal() {
    let args = ["load", "-b", &world().brokers, "-n", "5", "--mix", "good", "--timeout", "30s"];
    let run = choreo(&args).well();
    assert!(run.out.contains("    and completed                    5\n"), "{}", run.out);
    assert!(run.out.lines().all(|line| line.chars().count() <= 80), "{}", run.out);
}

#[test]
fn a_slow_server_is_not_measured_fast() {
    let body = r#"{"order_id":"o-1","status":"placed","trace_id":"4bf9"}"#;
    let slow = Answer { after: Duration::from_millis(100), ..answer(202, body) };
    let server = Server::start(vec![slow], answer(404, ""));
    let args = [
        "load",
        "-b",
        &world().brokers,
        "--url",
        &server.url,
        "--rate",
        "100",
        "-n",
        "10",
        "--in-flight",
        "1",
        "--timeout",
        "1s",
        "-o",
        "json",
    ];
    let run = choreo(&args);
    let json: Value = serde_json::from_str(&run.out).unwrap();
    // The tenth should have been placed after 90 ms, and is answered after 1000 ms.
    assert!(900.0 <= json["latency_ms"]["acknowledged"]["max"].as_f64().unwrap(), "{json}");
    assert!(400.0 <= json["latency_ms"]["acknowledged"]["p50"].as_f64().unwrap(), "{json}");
    assert!(9 <= json["late"]["count"].as_u64().unwrap(), "{json}");
    assert!(json["rate"]["achieved"].as_f64().unwrap() < 12.0, "{json}");
    assert!(run.err.contains("note: the rate was not kept: "), "{}", run.err);
    assert_eq!(run.code, Some(1), "{}", run.err);
    let error = run.err.lines().last().unwrap();
    assert!(error.contains("orders have not ended within 1s, such as o-1"), "{}", run.err);
}

#[test]
fn what_is_not_acknowledged_is_a_failure() {
    let server = Server::start(vec![answer(503, r#"{"title":"unavailable"}"#)], answer(404, ""));
    let args = ["load", "-b", &world().brokers, "--url", &server.url, "-n", "3", "--timeout", "1s"];
    let run = choreo(&args);
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(run.err.contains("3 not acknowledged: 503 unavailable"), "{}", run.err);
    assert!(run.err.ends_with("error: 3 of 3 orders were not acknowledged\n"), "{}", run.err);
}
