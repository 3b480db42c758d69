//! `GET /orders/{id}/events`.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::time::Duration;

use choreography::service::Heard;
use order_svc::Hears;
use serde_json::{Value, json};

use crate::client::answer;
use crate::common;
use crate::service::{Service, order};

/// What comes on a stream, event by event.
struct Stream(BufReader<TcpStream>);

#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

impl Stream {
    fn open(service: &Service, order: &str, headers: &str) -> Self {
        let mut reader = BufReader::new(service.stream(order, headers));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(0 < reader.read_line(&mut head).expect("a head"), "closed: {head}");
        }
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        assert!(head.to_lowercase().contains("content-type: text/event-stream"), "{head}");
        Self(reader)
    }

    /// `None` at the end of the stream. Comments are left out.
    fn next(&mut self) -> Option<Event> {
        let (mut name, mut id, mut data) = (String::new(), String::new(), Value::Null);
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).expect("a line") == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("event", text)) => name = text.to_owned(),
                Some(("id", text)) => id = text.to_owned(),
                Some(("data", text)) => data = serde_json::from_str(text).expect("JSON"),
                _ if line == "\n" && !name.is_empty() => return Some(Event { name, id, data }),
                _ => {}
            }
        }
    }

    fn names(self) -> Vec<String> {
        let mut stream = self;
        std::iter::from_fn(|| stream.next()).map(|event| event.name).collect()
    }
}

fn confirmation() -> [Heard<Hears>; 4] {
    [
        common::reserved(2, 1),
        common::notified(4, 1, "globex"),
        common::planned(3, 1),
        common::notified(5, 1, "acme"),
    ]
}

#[test]
fn a_story_is_told_as_it_happens_and_ends() {
    let service = Service::start().up();
    service.elsewhere(1_000, &[common::placed(1)]);
    let mut stream = Stream::open(&service, "order-1", "");
    let placed = stream.next().expect("an event");
    let data = json!({"at": 1_000});
    assert_eq!(placed, Event { name: "placed".into(), id: "1".into(), data });

    // By another instance, whose clock is behind.
    service.elsewhere(900, &[common::notified(4, 1, "globex")]);
    let answered = stream.next().expect("an event");
    let data = json!({"at": 900, "service": "seller-svc", "seller_id": "globex", "agrees": true});
    assert_eq!((answered.name.as_str(), answered.data), ("answered", data));

    service.elsewhere(2_000, &confirmation());
    service.elsewhere(3_000, &[common::delivered(9, 2_900)]);
    let rest = ["answered", "answered", "answered", "confirmed", "delivered", "completed"];
    assert_eq!(stream.names(), rest);
}

#[test]
fn a_stream_goes_on_after_the_last_event_that_came() {
    let service = Service::start().up();
    service.elsewhere(1_000, &[common::placed(1)]);
    service.elsewhere(2_000, &confirmation());
    let mut first = Stream::open(&service, "order-1", "");
    let seen: Vec<_> = (0..3).map(|_| first.next().expect("an event").id).collect();
    drop(first);
    service.elsewhere(3_000, &[common::delivered(9, 2_900)]);
    let after = |id: &str| Stream::open(&service, "order-1", &format!("Last-Event-ID: {id}\r\n"));
    let rest = ["answered", "answered", "confirmed", "delivered", "completed"];
    assert_eq!(after(&seen[2]).names(), rest);
    let mut events = vec![];
    let mut all = after("0");
    while let Some(event) = all.next() {
        events.push(event);
    }
    assert_eq!(events.len(), 8);
    let last = &events[7].id;
    let nothing = answer(service.stream("order-1", &format!("Last-Event-ID: {last}\r\n")));
    assert_eq!(nothing.status, 204, "a browser would come again and again");
}

#[test]
fn a_cancellation_is_the_end_and_tells_why() {
    let service = Service::start().up();
    service.elsewhere(1_000, &[common::placed(1), common::reserved(2, 1)]);
    service.elsewhere(2_000, &[common::not_served(3, 1)]);
    // Too late to change anything.
    service.elsewhere(3_000, &[common::notified(4, 1, "acme")]);
    let mut stream = Stream::open(&service, "order-1", "");
    let events: Vec<_> = std::iter::from_fn(|| stream.next()).collect();
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["placed", "answered", "answered", "cancelled"]);
    let refusal = &events[2].data;
    assert_eq!((&refusal["service"], &refusal["agrees"]), (&json!("logistics-svc"), &json!(false)));
    let reasons = &events[3].data["reasons"];
    assert_eq!(reasons[0]["code"], "SHIPMENT_REJECTED");
    assert_eq!(&refusal["reasons"], reasons);
}

#[test]
fn each_way_to_be_cancelled_has_its_reasons() {
    let ends = [
        (common::declined(2, 1, "acme"), "SELLER_DECLINED", "seller-svc: acme is suspended"),
        (common::requested(2, "a mistake"), "REQUESTED", "a mistake"),
        (common::deadline(2), "NOT_ANSWERED", "inventory-svc"),
    ];
    for (event, code, detail) in ends {
        let service = Service::start().up();
        service.elsewhere(1_000, &[common::placed(1)]);
        service.elsewhere(2_000, &[event]);
        let mut stream = Stream::open(&service, "order-1", "");
        let last = std::iter::from_fn(|| stream.next()).last().expect("events");
        assert_eq!((last.name.as_str(), &last.data["at"]), ("cancelled", &json!(2_000)));
        assert_eq!(last.data["reasons"][0], json!({"code": code, "detail": detail}));
    }
}

#[test]
fn an_order_that_was_just_accepted_is_waited_for() {
    let service = Service::start();
    let accepted = service.place("", &order());
    let id = accepted.body["order_id"].as_str().expect("an id");
    let mut stream = Stream::open(&service, id, "");
    assert_eq!(stream.next().expect("an event").name, "placed");
}

#[test]
fn open_streams_do_not_hold_up_the_end() {
    let mut service = Service::start().up();
    service.elsewhere(1_000, &[common::placed(1)]);
    let mut streams: Vec<_> = (0..5).map(|_| Stream::open(&service, "order-1", "")).collect();
    for stream in &mut streams {
        assert_eq!(stream.next().expect("an event").name, "placed");
    }
    let took = service.stop();
    assert!(took < Duration::from_secs(4), "{took:?}");
    for mut stream in streams {
        assert_eq!(stream.next(), None);
    }
}

#[test]
fn a_stream_says_every_fifteen_seconds_that_it_is_there() {
    let service = Service::start().up();
    service.elsewhere(1_000, &[common::placed(1)]);
    let mut stream = Stream::open(&service, "order-1", "");
    stream.next().expect("an event");
    let began = std::time::Instant::now();
    let mut line = String::new();
    stream.0.read_line(&mut line).expect("a line");
    assert!(line.starts_with(':'), "{line:?}");
    let took = began.elapsed();
    assert!((14..20).contains(&took.as_secs()), "{took:?}");
}
