//! `GET /orders`.

use choreography::service::Heard;
use order_svc::Hears;
use serde_json::Value;

use crate::client::Answer;
use crate::common;
use crate::service::Service;

/// `order-<number>` is placed at the time `now`.
fn place(service: &Service, number: u128, now: i64) {
    let mut placed: Heard<Hears> = common::placed(number);
    if let Hears::OrderPlaced(placed) = &mut placed.event {
        placed.order_id = format!("order-{number:03}").parse().unwrap();
    }
    service.elsewhere(now, &[placed]);
}

fn ids(page: &Answer) -> Vec<&str> {
    assert_eq!(page.status, 200, "{}", page.text);
    let orders = page.body["orders"].as_array().expect("orders").iter();
    orders.map(|order| order["order_id"].as_str().expect("an id")).collect()
}

fn next(page: &Answer) -> Option<&str> {
    page.body["next_cursor"].as_str()
}

#[test]
fn pages_go_on_where_they_ended_whatever_is_placed_meanwhile() {
    let service = Service::start().up();
    for number in 1..=7 {
        // Some at the same time: then the id decides.
        place(&service, number, 1_000 + i64::try_from(number / 3).unwrap());
    }
    let first = service.get("/orders?limit=3");
    assert_eq!(ids(&first), ["order-007", "order-006", "order-005"]);
    place(&service, 8, 9_000);
    let second = service.get(&format!("/orders?limit=3&cursor={}", next(&first).expect("more")));
    assert_eq!(ids(&second), ["order-004", "order-003", "order-002"]);
    let third = service.get(&format!("/orders?limit=3&cursor={}", next(&second).expect("more")));
    assert_eq!(ids(&third), ["order-001"]);
    assert_eq!(third.body["next_cursor"], Value::Null);
    assert_eq!(ids(&service.get("/orders")).first(), Some(&"order-008"));
    // A page that is just full is the last one.
    assert_eq!(next(&service.get("/orders?limit=8")), None);
}

#[test]
fn a_page_has_twenty_orders_and_a_hundred_at_most() {
    let service = Service::start().up();
    for number in 0..103 {
        place(&service, number, 1_000);
    }
    assert_eq!(ids(&service.get("/orders")).len(), 20);
    let largest = service.get("/orders?limit=100");
    assert_eq!(ids(&largest).len(), 100);
    let rest = service.get(&format!("/orders?cursor={}", next(&largest).expect("more")));
    assert_eq!(ids(&rest), ["order-002", "order-001", "order-000"]);
}

#[test]
fn orders_of_one_status() {
    let service = Service::start().up();
    for number in 1..=4 {
        place(&service, number, 1_000);
    }
    let mut refusal = common::short(9, 3);
    if let Hears::StockRejected(rejected) = &mut refusal.event {
        rejected.order_id = "order-003".parse().unwrap();
    }
    service.elsewhere(2_000, &[refusal]);
    let cancelled = service.get("/orders?status=cancelled");
    assert_eq!(ids(&cancelled), ["order-003"]);
    let order = &cancelled.body["orders"][0];
    assert_eq!(order["reasons"][0]["code"], "STOCK_REJECTED");
    assert_eq!((&order["currency"], &order["total"]), (&"EUR".into(), &7_500.into()));
    let placed = service.get("/orders?status=placed&limit=2");
    assert_eq!(ids(&placed), ["order-004", "order-002"]);
    let rest =
        service.get(&format!("/orders?status=placed&cursor={}", next(&placed).expect("more")));
    assert_eq!(ids(&rest), ["order-001"]);
    for status in ["confirmed", "completed"] {
        assert!(ids(&service.get(&format!("/orders?status={status}"))).is_empty());
    }
}
