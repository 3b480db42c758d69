//! One trace joins all that is done for an order: real processes, the embedded broker, and a
//! collector of the test's own.

mod conventions;
mod lines;
mod metric_table;
mod personal;
mod receiver;
mod span_table;
mod tree;

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use receiver::{Made, Receiver};
use serde_json::{Value, json};
use shared_events::identity::{span_id_of, trace_id_of};
use shared_events::trace_parent::TraceParent;
use tests::check::Expected;
use tests::http;
use tests::load;
use tests::orders::{self, Order, Twist};
use tests::service::Service;
use tests::wait::LIMIT;
use tests::world::World;

const SEED: u64 = 8;

/// Nothing of these may leave the services but in payloads and answers.
const PERSONAL: [&str; 2] = ["Ada Lovelace", "Main Street"];

#[test]
fn one_trace_joins_an_order() {
    let receiver = Receiver::start();
    let mut world = World::embedded("tracing");
    world.environment.extend(lines::export_all(&receiver.endpoint));
    let instances = world.start_all();
    let mut orders = orders::good(SEED, 3);
    for order in &mut orders {
        order.placed.lines = vec![orders::line("teapot", "acme", 1)];
    }
    let posted = post(&mut orders[0], world.processes.address(instances[&Service::Order]));
    orders[1].twist = Twist::Untraced;
    // The second of the same order is one that the services log about.
    orders[2].twist = Twist::Another;
    let logged: TraceParent = orders[2].traceparent.parse().expect("a context");
    orders[1..].iter().for_each(|order| world.load.put(&load::puts(order)));
    world.wait_at_rest(orders.len(), LIMIT);
    world.processes.stop_all();

    let spans = receiver.spans();
    let sender = check_root(&spans, &posted);
    check_order(&spans, &orders[0], &posted, &sender, 2);
    let id = orders[1].placed.order_id.as_str();
    check_order(&spans, &orders[1], &trace_id_of(id), &span_id_of(id), 0);
    let of_orders = [posted.as_slice(), &trace_id_of(id), &logged.trace_id];
    let others = spans.iter().filter(|m| !of_orders.contains(&m.span.trace_id.as_slice()));
    others.for_each(conventions::check_of_batch);
    check_links(&spans, &[&span_id_of(id), &logged.span_id]);
    span_table::check(&spans);
    metric_table::check(&receiver.metrics(), &spans);
    let logs = logs(&world);
    lines::check(&receiver.lines(), &logs, &logged);
    for canary in PERSONAL {
        let has = |bytes: &[u8]| bytes.windows(canary.len()).any(|w| w == canary.as_bytes());
        assert!(!receiver.bodies().iter().any(|body| has(body)), "{canary:?} is exported");
        assert!(!has(logs.as_bytes()), "{canary:?} is in a log");
    }
    world.finish(&Expected { orders: &orders, dead: BTreeSet::new() });
}

/// Places an order over HTTP. Out: its trace's id.
fn post(order: &mut Order, address: std::net::SocketAddr) -> Vec<u8> {
    let placed = &order.placed;
    let (lines, ship_to) = (&placed.lines, &placed.ship_to);
    let body = json!({"currency": placed.currency, "lines": lines, "ship_to": ship_to});
    let answer = http::post(address, "/orders", &[], &body.to_string()).expect("an answer");
    assert_eq!(answer.status, 202, "{answer:?}");
    let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
    let text = |key: &str| answer[key].as_str().expect("a text").to_owned();
    order.placed.order_id = text("order_id").parse().expect("an order id");
    let trace = u128::from_str_radix(&text("trace_id"), 16).expect("a trace id");
    trace.to_be_bytes().to_vec()
}

fn logs(world: &World) -> String {
    let files = std::fs::read_dir(world.processes.folder()).expect("the folder").flatten();
    let logs =
        files.map(|file| file.path()).filter(|path| path.extension() == Some("log".as_ref()));
    logs.map(|path| std::fs::read_to_string(path).expect("a log")).collect()
}

/// A posted order's trace has one root, the request, and that has sent one event. Out: the span of
/// that sending.
fn check_root(spans: &[Made], trace: &[u8]) -> Vec<u8> {
    let in_trace = || spans.iter().map(|m| &m.span).filter(|span| span.trace_id == trace);
    let below = |parent: &[u8]| -> Vec<_> {
        in_trace().filter(|span| span.parent_span_id == parent).collect()
    };
    let roots = below(&[]);
    assert_eq!(roots.len(), 1, "one root: {roots:?}");
    assert_eq!(roots[0].kind(), SpanKind::Server);
    let sent = below(&roots[0].span_id);
    assert_eq!(sent.len(), 1, "one sending: {sent:?}");
    assert_eq!((sent[0].kind(), sent[0].name.as_str()), (SpanKind::Producer, "send orders"));
    sent[0].span_id.clone()
}

/// Below the `sender` of OrderPlaced everything is as it has to be; `above` spans are not below it.
fn check_order(spans: &[Made], order: &Order, trace: &[u8], sender: &[u8], above: usize) {
    let trace: Vec<&Made> = spans.iter().filter(|made| made.span.trace_id == trace).collect();
    for made in &trace {
        conventions::check_of_order(made, order.placed.order_id.as_str());
    }
    check_causes(&trace);
    let (drawn, shown) = tree::draw(&trace, sender);
    assert!(drawn == include_str!("tree.txt"), "not as in tree.txt:\n{drawn}");
    assert_eq!(shown + above, trace.len(), "some spans are not below the sender:\n{drawn}");
}

/// The confirmation rests on all answers, so its span is linked to the sending of each; no other
/// sending has more than the one cause that is its parent.
fn check_causes(trace: &[&Made]) {
    let event = |made: &Made| receiver::text(&made.span.attributes, "cloudevents.event_type");
    let sent = || trace.iter().filter(|made| made.span.kind() == SpanKind::Producer);
    for made in sent() {
        let mut linked: Vec<_> = made
            .span
            .links
            .iter()
            .map(|link| sent().find(|other| other.span.span_id == link.span_id))
            .map(|other| event(other.expect("a link to a sending of this trace")).expect("a name"))
            .collect();
        linked.sort();
        let expected: &[&str] = match event(made).as_deref() {
            Some("OrderConfirmed") => &["SellerNotified", "ShipmentPlanned", "StockReserved"],
            _ => &[],
        };
        assert_eq!(linked, expected, "{:?}", made.span);
    }
}

/// Whatever is linked to is there, or it is one of the senders that nobody has seen.
fn check_links(spans: &[Made], unseen: &[&[u8]]) {
    let seen = spans.iter().map(|made| made.span.span_id.as_slice());
    let known: BTreeSet<&[u8]> = seen.chain(unseen.iter().copied()).collect();
    for link in spans.iter().flat_map(|made| &made.span.links) {
        assert!(known.contains(link.span_id.as_slice()), "{link:?}");
    }
}
