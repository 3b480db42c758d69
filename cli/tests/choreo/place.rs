//! `choreo place`: over HTTP, to real services and to a server on its bad days.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::{Answer, Server, answer};
use crate::world::world;
use crate::{Run, choreo, choreo_interrupted};

const ACCEPTED: &str = r#"{"order_id":"o-1","status":"placed","trace_id":"4bf9"}"#;

fn place(url: &str, args: &[&str]) -> Run {
    choreo(&[&["place", "--url", url], args].concat())
}

fn error(run: &Run) -> &str {
    run.err.lines().last().unwrap_or_default()
}

#[test]
fn an_order_is_followed_to_its_end() {
    let run = place(&world().url, &["--wait"]).well();
    let out = &run.out;
    assert!(out.starts_with("order 01"), "{out}");
    assert_eq!(out.lines().filter(|line| line.ends_with("  agrees")).count(), 3, "{out}");
    for who in ["inventory-svc", "logistics-svc", "seller-svc acme"] {
        assert!(out.contains(who), "{who}: {out}");
    }
    assert!(out.lines().last().unwrap().starts_with("completed after "), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
}

#[test]
fn an_order_that_is_cancelled_has_ended_too() {
    let args = ["--wait", "-o", "json", "--set", "lines.0.sku=flying-carpet"];
    let run = place(&world().url, &args).well();
    let json: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&json["status"], &json["ended"]), (&"cancelled".into(), &true.into()), "{json}");
    assert_eq!(json["reasons"][0]["code"], "STOCK_REJECTED", "{json}");
    assert_eq!(json["trace_id"].as_str().unwrap().len(), 32, "{json}");
    let disagrees = |answer: &Value| answer["agrees"] == false;
    let who = json["answered"].as_array().unwrap().iter().find(|answer| disagrees(answer)).unwrap();
    assert_eq!(who["service"], "inventory-svc", "{json}");
}

#[test]
fn an_idempotency_key_is_of_one_order() {
    let url = &world().url;
    let key = format!("key-{}", std::process::id());
    let args = ["--idempotency-key", &key, "-o", "json"];
    let order = |run: Run| serde_json::from_str::<Value>(&run.out).unwrap()["order_id"].clone();
    let first = order(place(url, &args).well());
    assert_eq!(first, order(place(url, &args).well()));
    let run = place(url, &[&args[..], &["--set", "lines.0.quantity=2"]].concat());
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{}", run.err);
    let expected = "error: 422 The key was used for another order: Idempotency-Key: ";
    assert!(error(&run).starts_with(expected), "{}", run.err);
    assert!(error(&run).ends_with(&format!("(order {})", first.as_str().unwrap())), "{}", run.err);
}

#[test]
fn what_order_svc_refuses_is_told_with_its_field() {
    let run = place(&world().url, &["--set", "ship_to.country=de"]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{}", run.err);
    let expected = "error: 400 A field is not right: /ship_to/country: must be two capital letters";
    assert!(error(&run).starts_with(expected), "{}", run.err);
}

#[test]
fn what_is_not_acknowledged_is_repeated_with_the_same_key() {
    let body = r#"{"title":"not acknowledged","detail":"it may exist","order_id":"o-1"}"#;
    let headers = &[("retry-after", "0"), ("content-type", "application/problem+json")];
    let busy = Answer { headers, ..answer(503, body) };
    let server = Server::start(vec![busy.clone(), busy, answer(202, ACCEPTED)], answer(404, ""));
    let run = place(&server.url, &["-o", "json"]).well();
    let json: Value = serde_json::from_str(&run.out).unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 3, "{}", run.err);
    assert!(asked.iter().all(|asked| json["idempotency_key"] == asked.key));
    assert_eq!(asked[0].body, asked[2].body);
    assert_eq!(asked[0].body["order_id"], Value::Null, "order-svc draws it");
    let notes = run.err.matches("503 not acknowledged: it may exist (order o-1); the same request");
    assert_eq!(notes.count(), 2, "{}", run.err);
}

#[test]
fn what_cannot_be_repeated_in_time_says_how_to_repeat_it() {
    let busy = Answer { headers: &[("retry-after", "60")], ..answer(503, "{}") };
    let server = Server::start(vec![busy], answer(404, ""));
    let run = place(&server.url, &["--timeout", "2s", "--idempotency-key", "cart-17"]);
    assert_eq!(run.code, Some(1), "{}", run.err);
    let expected =
        "error: 503 Service Unavailable; --idempotency-key cart-17 repeats the order safely";
    assert_eq!(error(&run), expected);
}

#[test]
fn a_server_that_hangs_or_is_away_is_a_failure_soon() {
    let hang = Answer { after: Duration::from_secs(60), ..answer(202, ACCEPTED) };
    let server = Server::start(vec![hang.clone()], hang);
    let began = Instant::now();
    let run = place(&server.url, &["--timeout", "1s"]);
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(error(&run).contains("no answer within"), "{}", run.err);
    assert!(error(&run).contains("--idempotency-key 0"), "{}", run.err);
    // Port 1 is nobody's.
    let run = place("http://127.0.0.1:1", &[]);
    assert_eq!(run.code, Some(1), "{}", run.err);
    let expected =
        "error: order-svc at http://127.0.0.1:1: Connection refused (os error 111); check";
    assert!(error(&run).starts_with(expected), "{}", run.err);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn an_order_that_does_not_end_in_time_is_a_failure() {
    let show = r#"{"status":"placed","placed_at":1000,"not_answered":[{"service":"logistics-svc"}],
        "answered":[{"service":"seller-svc","seller_id":"acme","at":1025,"agrees":true}]}"#;
    let server = Server::start(vec![answer(202, ACCEPTED)], answer(200, show));
    let run = place(&server.url, &["--wait", "--timeout", "1s"]);
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(run.out.contains("    25 ms  seller-svc acme"), "{}", run.out);
    let last = run.out.lines().last().unwrap();
    assert!(
        last.starts_with("placed, not ended after 1") && last.ends_with("missing: logistics-svc"),
        "{last}"
    );
    assert_eq!(error(&run), "error: order o-1 has not ended within 1s");
    // Nobody has heard of it, for good.
    let server = Server::start(vec![answer(202, ACCEPTED)], answer(404, r#"{"title":"unknown"}"#));
    let run = place(&server.url, &["--wait"]);
    assert_eq!((run.code, error(&run)), (Some(1), "error: 404 unknown"));
}

#[test]
fn what_a_server_says_cannot_steer_the_terminal() {
    let body = "<html>\u{1b}[31m bad \u{202e}gateway";
    let server = Server::start(vec![answer(502, body)], answer(404, ""));
    let run = place(&server.url, &[]);
    assert_eq!(run.code, Some(1), "{}", run.err);
    let expected = "error: 502 Bad Gateway: <html>\\u{1b}[31m bad \\u{202e}gateway; --idempotency";
    assert!(error(&run).starts_with(expected), "{}", run.err);
}

#[test]
fn ctrl_c_ends_it_with_130() {
    let hang = Answer { after: Duration::from_secs(60), ..answer(202, ACCEPTED) };
    let server = Server::start(vec![hang.clone()], hang);
    let args = ["place", "--url", &server.url];
    let run = choreo_interrupted(&args, || !server.asked().is_empty());
    assert_eq!((run.code, run.out.as_str()), (Some(130), ""), "{}", run.err);
}
