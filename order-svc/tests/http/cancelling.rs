//! `POST /orders/{id}/cancel`.

use choreography::service::Heard;
use order_svc::Hears;
use serde_json::json;

use crate::common;
use crate::service::Service;

/// `order-1` is placed, as far as the database knows.
fn placed() -> Service {
    let service = Service::start().up();
    service.elsewhere(1_000, &[common::placed(1)]);
    service
}

#[test]
fn a_cancellation_is_heard_once_however_often_it_is_asked_for() {
    let service = placed();
    let first = service.ask("POST /orders/order-1/cancel", "", r#"{"reason": "a mistake"}"#);
    assert_eq!(first.status, 202, "{}", first.text);
    assert_eq!(first.body["order_id"], "order-1");
    assert_eq!(first.body["status"], "cancellation_requested");
    assert!(first.head.contains("location: /orders/order-1"));
    let second = service.ask_bytes("POST /orders/order-1/cancel", "", b"");
    // The first may have been heard already.
    assert!([202, 409].contains(&second.status), "{}", second.text);

    let shown = service.get_until("/orders/order-1", |shown| shown.body["status"] == "cancelled");
    assert_eq!(shown.body["reasons"], json!([{"code": "REQUESTED", "detail": "a mistake"}]));
    let late = service.ask_bytes("POST /orders/order-1/cancel", "", b"");
    assert_eq!((late.status, &late.body["type"]), (409, &json!("/problems/already-decided")));
    assert_eq!(late.body["order_id"], "order-1");
    let handled: Vec<(i64,)> = service.fetch("SELECT COUNT(*) FROM handled");
    assert_eq!(handled, [(1,)], "both requests are one event");
}

#[test]
fn orders_have_cancellations_of_their_own() {
    let service = placed();
    let mut other = common::placed(2);
    if let Hears::OrderPlaced(placed) = &mut other.event {
        placed.order_id = "order-2".parse().unwrap();
    }
    service.elsewhere(1_000, &[other]);
    for order in ["order-1", "order-2"] {
        let asked = service.ask(&format!("POST /orders/{order}/cancel"), "", "{}");
        assert_eq!(asked.status, 202, "{}", asked.text);
    }
    for order in ["order-1", "order-2"] {
        let path = format!("/orders/{order}");
        service.get_until(&path, |shown| shown.body["status"] == "cancelled");
    }
}

#[test]
fn what_is_confirmed_stays_so() {
    let service = placed();
    let answers: [Heard<Hears>; 4] = [
        common::reserved(2, 1),
        common::planned(3, 1),
        common::notified(4, 1, "globex"),
        common::notified(5, 1, "acme"),
    ];
    service.elsewhere(2_000, &answers);
    let refused = service.ask("POST /orders/order-1/cancel", "", "{}");
    assert_eq!((refused.status, &refused.body["type"]), (409, &json!("/problems/already-decided")));
    assert!(refused.body["detail"].as_str().is_some_and(|d| d.contains("confirmed")));
}

#[test]
fn without_an_acknowledgement_it_says_so() {
    let service = placed();
    service.broker.refuse("orders").expect("a topic");
    let refused = service.ask("POST /orders/order-1/cancel", "", "{}");
    let expected = json!("/problems/not-acknowledged");
    assert_eq!((refused.status, &refused.body["type"]), (503, &expected));
    assert_eq!(refused.body["order_id"], "order-1");
}
