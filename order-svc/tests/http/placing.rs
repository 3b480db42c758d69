//! `POST /orders`, and what `GET /orders/{id}` shows of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Answer, Client};
use crate::service::{Service, order};

#[test]
fn an_order_is_accepted_and_shown_once_it_was_heard() {
    let service = Service::start();
    let accepted = service.place("", &order());
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let id = accepted.body["order_id"].as_str().expect("an id").to_owned();
    assert!(accepted.head.contains(&format!("location: /orders/{id}")));

    let shown = service.get_until(&format!("/orders/{id}"), |shown| {
        if shown.status == 404 {
            assert_eq!(shown.body["type"], "/problems/not-yet-known");
            assert_eq!(shown.body["order_id"], accepted.body["order_id"]);
            assert!(shown.head.contains("retry-after: 1"));
        }
        shown.status == 200
    });
    let shown = shown.body;
    assert_eq!(shown["status"], "placed");
    assert_eq!((&shown["total"], &shown["currency"]), (&json!(2500), &json!("EUR")));
    assert_eq!(shown["answered"], json!([]));
    let who = json!([
        {"service": "inventory-svc"}, {"service": "logistics-svc"}, {"service": "seller-svc", "seller_id": "acme"}
    ]);
    assert_eq!(shown["not_answered"], who);
    assert!(!shown.to_string().contains("Ada"), "personal data is not shown");
}

#[test]
fn a_key_repeats_the_order_and_refuses_another_one() {
    let service = Service::start();
    let key = "Idempotency-Key: k-1\r\n";
    let first = service.place(key, &order());
    let mut same = order();
    same["lines"][0]["quantity"] = json!(2.0);
    let second = service.place(key, &same);
    assert_eq!((first.status, second.status), (202, 202), "{}", second.body);
    assert_eq!(first.body["order_id"], second.body["order_id"]);
    let mut other = order();
    other["lines"][0]["quantity"] = json!(3);
    let refused = service.place(key, &other);
    assert_eq!((refused.status, &refused.body["type"]), (422, &json!("/problems/key-reused")));
    assert_eq!(refused.body["order_id"], first.body["order_id"]);
}

#[test]
fn a_hundred_requests_at_once_with_one_key_are_one_order() {
    let service = Service::start_with(&["--placements-max", "100"]).up();
    let client: &Client = &service;
    let place = || client.place("Idempotency-Key: one\r\n", &order());
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..100).map(|_| scope.spawn(place)).collect();
        all.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    for answer in &answers {
        assert_eq!(answer.status, 202, "{}", answer.text);
    }
    let ids: BTreeSet<_> = answers.iter().map(|a| a.body["order_id"].to_string()).collect();
    assert_eq!(ids.len(), 1);

    // All copies are heard before the order of another request, as there is one loop.
    let last = service.place("", &order());
    let last = last.body["order_id"].as_str().expect("an id");
    service.get_until(&format!("/orders/{last}"), |shown| shown.status == 200);
    let id = answers[0].body["order_id"].as_str().expect("an id");
    service.get_until(&format!("/orders/{id}"), |shown| shown.status == 200);
    assert_eq!(service.get("/orders").body["orders"].as_array().map(Vec::len), Some(2));
    let events: Vec<(i64,)> = service.fetch("SELECT COUNT(*) FROM handled");
    assert_eq!(events, [(2,)], "each event counts once, in however many copies it came");
}

#[test]
fn without_an_acknowledgement_it_says_so_and_the_key_repeats_it() {
    let service = Service::start().up();
    let key = "Idempotency-Key: k-1\r\n";
    service.broker.refuse("orders").expect("a topic");
    let refused = service.place(key, &order());
    not_acknowledged(&refused);
    service.broker.accept("orders").expect("a topic");
    the_key_repeats_it(&service, key, &refused);
}

#[test]
fn while_the_broker_is_away_nothing_is_half_done() {
    let service = Service::start().up();
    let key = "Idempotency-Key: k-1\r\n";
    service.broker.cluster().broker_down(1).expect("a broker");
    let refused = service.place(key, &order());
    not_acknowledged(&refused);
    assert_eq!(service.get("/orders").body["orders"], json!([]));
    service.broker.cluster().broker_up(1).expect("a broker");
    the_key_repeats_it(&service, key, &refused);
    let id = refused.body["order_id"].as_str().expect("an id");
    service.get_until(&format!("/orders/{id}"), |shown| shown.status == 200);
    assert_eq!(service.get("/orders").body["orders"].as_array().map(Vec::len), Some(1));
}

fn not_acknowledged(refused: &Answer) {
    let expected = json!("/problems/not-acknowledged");
    assert_eq!((refused.status, &refused.body["type"]), (503, &expected), "{}", refused.text);
    assert!(refused.body["order_id"].is_string());
    assert!(refused.head.contains("retry-after: 1"));
}

fn the_key_repeats_it(service: &Service, key: &str, refused: &Answer) {
    let began = Instant::now();
    loop {
        let accepted = service.place(key, &order());
        assert_eq!(accepted.body["order_id"], refused.body["order_id"]);
        if accepted.status == 202 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "never acknowledged: {}", accepted.body);
    }
}

#[test]
fn the_callers_trace_is_continued_unless_callers_are_strangers() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let header = format!("traceparent: 00-{trace}-00f067aa0ba902b7-01\r\n");
    let inside = Service::start().place(&header, &order());
    assert_eq!(inside.body["trace_id"], trace);
    let edge = Service::start_with(&["--untrusted-edge"]).place(&header, &order());
    assert_eq!(edge.status, 202);
    let own = edge.body["trace_id"].as_str().expect("a trace");
    assert!(own != trace && own.len() == 32, "{own}");
}
