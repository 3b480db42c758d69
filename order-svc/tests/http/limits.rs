//! What many or slow clients are told.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, answer};
use crate::common;
use crate::service::{Service, order};

#[test]
fn more_placements_than_allowed_are_told_to_come_again() {
    let service = Service::start_with(&["--placements-max", "1"]).up();
    service.broker.cluster().broker_down(1).expect("a broker");
    let client: &Client = &service;
    std::thread::scope(|scope| {
        let first = scope.spawn(|| client.place("", &order()));
        std::thread::sleep(Duration::from_secs(1));
        let second = service.place("", &order());
        let expected = json!("/problems/too-many-placements");
        assert_eq!((second.status, &second.body["type"]), (429, &expected), "{}", second.text);
        assert!(second.head.contains("retry-after: 1"));
        assert_eq!(second.body["order_id"], Value::Null, "nothing was done");
        assert_eq!(first.join().expect("an answer").status, 503);
    });
    // Its place is free again.
    assert_eq!(service.place("", &order()).status, 503);
}

#[test]
fn more_streams_than_allowed_are_told_to_come_again() {
    let service = Service::start_with(&["--streams-max", "1"]).up();
    service.elsewhere(1_000, &[common::placed(1)]);
    let open = service.stream("order-1", "");
    std::thread::sleep(Duration::from_millis(500));
    let refused = answer(service.stream("order-1", ""));
    let expected = json!("/problems/too-many-streams");
    assert_eq!((refused.status, &refused.body["type"]), (429, &expected), "{}", refused.text);
    assert!(refused.head.contains("retry-after: 5"));
    drop(open);
    let began = Instant::now();
    loop {
        let mut next = service.stream("order-1", "");
        next.set_read_timeout(Some(Duration::from_secs(1))).expect("a time-out");
        let mut head = [0; 12];
        std::io::Read::read_exact(&mut next, &mut head).expect("a head");
        if &head == b"HTTP/1.0 200" {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "the place is never free again");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let service = Service::start().up();
    let began = Instant::now();
    let head = "POST /orders HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let refused = answer(service.send(head.as_bytes()));
    let expected = json!("/problems/body-too-slow");
    assert_eq!((refused.status, &refused.body["type"]), (408, &expected), "{}", refused.text);
    assert!(refused.head.contains("connection: close"));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_body_that_is_too_large_is_not_read_to_its_end() {
    let service = Service::start().up();
    let large = service.ask("POST /orders", "", &" ".repeat(70_000));
    let expected = json!("/problems/body-too-large");
    assert_eq!((large.status, &large.body["type"]), (413, &expected), "{}", large.text);
    // Without a length: as it comes.
    let head = "POST /orders HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
                Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut stream = service.send(head.as_bytes());
    for _ in 0..66 {
        stream.write_all(format!("400\r\n{}\r\n", " ".repeat(0x400)).as_bytes()).expect("sent");
    }
    let chunked = answer(stream);
    assert_eq!((chunked.status, &chunked.body["type"]), (413, &expected), "{}", chunked.text);
}
