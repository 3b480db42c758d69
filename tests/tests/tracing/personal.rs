//! Personal data stays in values of records, in databases, and in answers to who may ask: whatever goes
//! wrong, and with all that can be logged, none of it is in spans, metrics, log lines or headers.

use std::collections::BTreeSet;

use choreography::clock;
use choreography::db::{Database, Input};
use serde_json::{Value, json};
use shared_events::orders::{Address, CancellationRequested};
use tests::http;
use tests::load::{self, Put};
use tests::log::{self, Log, Record};
use tests::orders::{self, Order};
use tests::processes::Instance;
use tests::service::Service;
use tests::wait::{self, LIMIT};
use tests::world::World;

use crate::receiver::Receiver;
use crate::{lines, logs, post};

const SEED: u64 = 9;

/// Nobody else says this word.
const CANARY: &str = "Zebrafink";

/// By this order the database of order-svc refuses what is to be kept.
const REFUSED: &str = "order-refused";

#[test]
fn personal_data_is_in_no_span_metric_log_line_or_header() {
    let receiver = Receiver::start();
    let mut world = World::embedded("tracing");
    world.environment.extend(lines::export_all(&receiver.endpoint));
    world.environment.push(("RUST_LOG".to_owned(), "trace".to_owned()));
    let instances = world.start_all();
    let refuse = format!(
        "CREATE TRIGGER refuse BEFORE INSERT ON orders
         WHEN NEW.order_id = '{REFUSED}' AND NEW.body IS NOT NULL
         BEGIN SELECT RAISE(ABORT, 'the test says so'); END"
    );
    change(&world, &refuse);

    let order_svc = instances[&Service::Order];
    let orders = place(&world, order_svc);
    refuse_requests(&world, order_svc);
    world.load.put(&damaged(&orders[1]));
    // Each of the damaged ones dies in four services, the refused one in one.
    let letters = wait_for_letters(&world, 3 * 4 + 1);
    change(&world, "DROP TRIGGER refuse");
    world.load.put(&letters.iter().map(replay).collect::<Vec<_>>());
    wait_for_letters(&world, 3 * 4 + 1 + 3 * 4);
    world.wait_at_rest(orders.len(), LIMIT);

    for (service, instance) in &instances {
        let metrics = world.processes.get(*instance, "/metrics").expect("metrics").body;
        assert!(metrics.contains("messaging_process_duration"), "{}", service.name());
        check("the metrics", &metrics);
    }
    world.processes.stop_all();
    check_exported(&receiver);
    let log = logs(&world);
    let told = ["TRACE", "dead letter: set aside", "the test says so"];
    assert!(told.iter().all(|text| log.contains(text)), "all is told");
    check("a log", &log);
    check_headers(&world);
    world.processes.finish();
}

fn check_exported(receiver: &Receiver) {
    let died = |line: &crate::receiver::Line| format!("{:?}", line.record).contains("dead letter");
    assert!(receiver.lines().iter().any(died), "a dead letter is told");
    assert!(!receiver.spans().is_empty() && !receiver.metrics().is_empty());
    for body in receiver.bodies() {
        check("what is exported", &String::from_utf8_lossy(&body));
    }
}

fn check_headers(world: &World) {
    let Log(records) = log::read(&world.kafka);
    let has = |record: &&Record| String::from_utf8_lossy(&record.value).contains(CANARY);
    let with: BTreeSet<&str> = records.iter().filter(has).map(|r| r.topic.as_str()).collect();
    for topic in ["orders", "orders.seller-svc.dlq", "orders.order-svc.replay"] {
        assert!(with.contains(topic), "it is in the values of {topic}, not only of {with:?}");
    }
    for record in records {
        for (name, value) in &record.headers {
            let value = String::from_utf8_lossy(value.as_deref().unwrap_or_default());
            check(&format!("header {name} of {record}"), &format!("{name}: {value}"));
        }
    }
}

/// Neither as it is, nor as bytes are shown.
fn check(place: &str, text: &str) {
    let bytes = CANARY.as_bytes();
    let each = |show: fn(&u8) -> String| bytes.iter().map(show).collect::<Vec<_>>();
    let hex = each(|byte| format!("{byte:02x}"));
    let decimal = each(u8::to_string);
    for form in [CANARY.to_owned(), hex.concat(), hex.join(", "), decimal.join(", ")] {
        if let Some(at) = text.find(&form) {
            let around = text.get(at.saturating_sub(300)..(at + 100).min(text.len()));
            panic!("{place} has {form:?}: {:?}", around.unwrap_or_default());
        }
    }
}

/// Places orders over HTTP and by records: two that end well, one that the database refuses, one that
/// cannot be shipped and one that somebody cancels. The last two have it in their reasons, too.
fn place(world: &World, order_svc: Instance) -> Vec<Order> {
    let mut orders = orders::good(SEED, 5);
    for order in &mut orders {
        order.placed.lines = vec![orders::line("teapot", "acme", 1)];
        order.placed.ship_to = address("DE");
    }
    orders[2].placed.order_id = REFUSED.parse().expect("an id");
    orders[3].placed.ship_to = address(&format!("{CANARY}-country"));
    let address = world.processes.address(order_svc);
    post(&mut orders[0], address);
    orders[1..4].iter().for_each(|order| world.load.put(&load::puts(order)));
    let of_record = CancellationRequested {
        order_id: orders[3].placed.order_id.clone(),
        reason: format!("{CANARY}-reason"),
    };
    let key = Some(of_record.order_id.as_str());
    let id = clock::new_event_id();
    world.load.put(&[load::put(&of_record, id, key, &orders[3].traceparent)]);

    post(&mut orders[4], address);
    let cancel = format!("/orders/{}/cancel", orders[4].placed.order_id);
    let body = json!({"reason": format!("{CANARY}-reason over HTTP")}).to_string();
    wait::until("it is cancelled, or decided already", LIMIT, || {
        match http::post(address, &cancel, &[], &body).expect("an answer").status {
            202 | 409 => Ok(()),
            status => Err(format!("status {status}")),
        }
    });
    orders
}

fn address(country: &str) -> Address {
    let text = |field: &str| format!("{CANARY}-{field}");
    Address {
        name: text("name"),
        street: text("street"),
        postal_code: text("postal-code"),
        city: text("city"),
        country: country.to_owned(),
    }
}

/// What is refused is told to who has sent it, but not shown: others read problem documents, too.
fn refuse_requests(world: &World, order_svc: Instance) {
    let line = json!(orders::line("teapot", "acme", 1));
    let order = |ship_to: Value| json!({"currency": "EUR", "lines": [line], "ship_to": ship_to});
    let good = json!(address("DE"));
    let with = |field: &str, value: Value| {
        let mut ship_to = good.clone();
        ship_to[field] = value;
        order(ship_to).to_string()
    };
    let bodies = [
        with("name", json!(format!("{CANARY}\u{7}"))),
        with("street", json!(CANARY.repeat(30))),
        with("city", json!([CANARY])),
        order(json!(CANARY)).to_string(),
        order(good.clone()).to_string().replacen(CANARY, &format!("{CANARY}\" {CANARY}"), 1),
    ];
    for body in bodies {
        let address = world.processes.address(order_svc);
        let answer = http::post(address, "/orders", &[], &body).expect("an answer");
        assert_eq!(answer.status, 400, "{answer:?}");
        check("a problem document", &answer.body);
    }
}

/// Records with an order's headers that are no event: cut off, not Avro, with a text that is none.
fn damaged(order: &Order) -> Vec<Put> {
    let whole = || {
        let key = Some(order.placed.order_id.as_str());
        load::put(&order.placed, clock::new_event_id(), key, &order.traceparent)
    };
    let mut cut = whole();
    cut.value.pop();
    let json = Put { value: json!(order.placed).to_string().into_bytes(), ..whole() };
    let mut no_text = whole();
    let place = no_text.value.windows(CANARY.len()).position(|at| at == CANARY.as_bytes());
    no_text.value[place.expect("the name") + CANARY.len()] = 0xFF;
    vec![cut, json, no_text]
}

fn wait_for_letters(world: &World, count: usize) -> Vec<Record> {
    wait::until(&format!("{count} dead letters"), LIMIT, || {
        let Log(mut records) = log::read(&world.kafka);
        records.retain(|record| record.topic.ends_with(".dlq"));
        if records.len() == count { Ok(records) } else { Err(format!("{}", records.len())) }
    })
}

/// The dead letter as it is, on the topic that its group alone hears.
fn replay(letter: &Record) -> Put {
    let group = letter.topic.strip_suffix(".dlq").expect("a topic of dead letters");
    Put {
        topic: format!("{group}.replay"),
        partition: Some(letter.partition),
        key: letter.key_text(),
        value: letter.value.clone(),
        headers: letter.headers.clone(),
    }
}

fn change(world: &World, sql: &str) {
    wait::block_on(async {
        let db = Database::connect(world.databases.url(Service::Order)).await.expect("a database");
        let mut changing = db.begin().await.expect("a transaction");
        changing.execute(sql, Input::new()).await.expect("changed");
        changing.commit().await.expect("committed");
        db.close().await;
    });
}
