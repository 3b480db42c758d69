//! Spans, as a collector gets them, against the messaging conventions.

use std::time::SystemTime;

use choreography::telemetry::spans::{Caller, Message, Process};
use choreography::telemetry::{Environment, Spans, Telemetry, TraceContext, init_with};
use shared_events::identity::{span_id_of, trace_id_of};
use shared_events::ids::EventId;

use crate::receiver::{Receiver, render};

const ORDER: &str = "0199aaaa-0000-7000-8000-000000000001";
const PLACED: &str = "0199aaaa-0000-7000-8000-000000000002";
const RESERVED: &str = "0199aaaa-0000-7000-8000-000000000003";

fn id(text: &str) -> EventId {
    text.parse().unwrap()
}

fn placed() -> Message<'static> {
    Message {
        topic: "orders",
        key: Some(ORDER),
        name: Some("OrderPlaced"),
        id: id(PLACED),
        source: Some("/order-svc"),
        correlation: Some(ORDER),
    }
}

fn reserved() -> Message<'static> {
    let (topic, source) = ("inventory", Some("/inventory-svc"));
    Message { topic, name: Some("StockReserved"), id: id(RESERVED), source, ..placed() }
}

fn telemetry(more: &[(&str, &str)]) -> (Telemetry, Receiver) {
    let receiver = Receiver::start();
    let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint.as_str())];
    let environment: Environment = endpoint.iter().chain(more).copied().collect();
    (init_with("inventory-svc", "1.2.3", &environment).unwrap(), receiver)
}

fn process(context: &TraceContext) -> Process<'_> {
    Process { message: placed(), partition: 2, offset: 17, group: "inventory-svc", context }
}

/// The place of a caller that is not among the spans.
fn outside(spans: &Spans) -> TraceContext {
    let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    spans.context_of(Some(text.parse().unwrap()), Some("vendor=1"), "")
}

/// One order from the request to an answer that is said twice, and a timer.
fn run(spans: &Spans) {
    let http = spans.http("POST", "/orders", "/orders", Caller::Continued(&outside(spans)));
    let send = spans.send(Some(&http.context()), &placed(), &[]);
    let context = send.context();
    send.delivered(2, 17);
    http.responded(202);
    spans.poll("orders", "inventory-svc", [(&context, id(PLACED))], SystemTime::UNIX_EPOCH);
    let transaction = spans.transaction("inventory-svc", [(&context, id(PLACED))]);
    let process = spans.process(&process(&context));
    let answer = spans.send(Some(&process.context()), &reserved(), &[context, outside(spans)]);
    process.end();
    transaction.end();
    let stored = answer.context();
    answer.failed("NOT_ENOUGH_REPLICAS");
    spans.send_again(&stored, &reserved()).delivered(0, 5);
    spans.timer(&placed(), &stored).end();
}

#[test]
fn they_are_named_and_related_as_the_conventions_ask() {
    let (telemetry, receiver) = telemetry(&[]);
    run(&telemetry.spans());
    telemetry.shutdown();
    let spans = receiver.spans();
    let outside = outside(&Spans::disabled()).parent;
    let text = render(&spans, &[("outside", outside.span_id)]);
    assert_eq!(text, include_str!("spans.txt"), "{text}");
    let of_order = spans.iter().filter(|span| span.trace_id == outside.trace_id);
    let own = ["poll orders", "transaction inventory-svc"];
    let others = spans.iter().filter(|span| own.contains(&span.name.as_str()));
    assert_eq!(of_order.count() + others.count(), spans.len(), "one trace joins the order");
    assert!(
        spans
            .iter()
            .all(|span| span.trace_id != outside.trace_id || span.trace_state == "vendor=1")
    );
    let poll = spans.iter().find(|span| span.name == "poll orders").unwrap();
    assert_eq!(poll.start_time_unix_nano, 0, "it starts where the caller says");
}

#[test]
fn the_resource_tells_the_service() {
    let more = [
        ("OTEL_SERVICE_NAME", "renamed"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=a%20b,service.name=lost"),
    ];
    let (telemetry, receiver) = telemetry(&more);
    run(&telemetry.spans());
    telemetry.shutdown();
    let traces = receiver.traces();
    let spans = &traces[0].resource_spans[0];
    let resource = spans.resource.as_ref().unwrap();
    let mut attributes: Vec<_> =
        resource.attributes.iter().map(|kv| (kv.key.as_str(), format!("{:?}", kv.value))).collect();
    attributes.sort();
    let value = |name: &str| &attributes.iter().find(|(key, _)| *key == name).unwrap().1;
    assert!(value("service.name").contains("\"renamed\""));
    assert!(value("service.version").contains("\"1.2.3\""));
    assert!(value("service.instance.id").len() > 36);
    assert!(value("deployment.environment.name").contains("\"a b\""));
    assert!(value("telemetry.sdk.language").contains("\"rust\""));
    let scope = &spans.scope_spans[0];
    assert_eq!(scope.schema_url, "https://opentelemetry.io/schemas/1.44.0");
    assert_eq!(scope.scope.as_ref().unwrap().name, "choreography");
}

#[test]
fn a_batch_links_to_all_its_records() {
    let (telemetry, receiver) = telemetry(&[]);
    let spans = telemetry.spans();
    let contexts: Vec<_> =
        (0..1_500).map(|n| spans.context_of(None, None, &n.to_string())).collect();
    spans.transaction("g", contexts.iter().map(|context| (context, id(PLACED)))).end();
    telemetry.shutdown();
    let spans = receiver.spans();
    assert_eq!((spans[0].links.len(), spans[0].dropped_links_count), (1_500, 0));
}

#[test]
fn http_spans_tell_errors_and_distrust() {
    let (telemetry, receiver) = telemetry(&[]);
    let spans = telemetry.spans();
    let caller = outside(&spans);
    spans.http("BREW", "/orders/{id}", "/orders/7", Caller::Linked(&caller)).responded(404);
    spans.http("GET", "/orders/{id}", "/orders/7", Caller::Unknown).responded(503);
    telemetry.shutdown();
    let spans = receiver.spans();
    assert!(spans.iter().all(|span| span.trace_id != caller.parent.trace_id));
    let expected = "\
HTTP /orders/{id} SERVER
  link to outside
  http.request.method=\"_OTHER\"
  http.response.status_code=404
  http.route=\"/orders/{id}\"
  url.path=\"/orders/7\"
  url.scheme=\"http\"
GET /orders/{id} SERVER
  error.type=\"503\"
  http.request.method=\"GET\"
  http.response.status_code=503
  http.route=\"/orders/{id}\"
  url.path=\"/orders/7\"
  url.scheme=\"http\"
  status STATUS_CODE_ERROR \"\"
";
    assert_eq!(render(&spans, &[("outside", caller.parent.span_id)]), expected);
}

#[test]
fn a_context_is_made_up_the_same_everywhere() {
    let (telemetry, _receiver) = telemetry(&[]);
    for spans in [telemetry.spans(), Spans::disabled()] {
        let context = spans.context_of(None, Some("dropped=1"), ORDER);
        assert_eq!(context.parent.trace_id, trace_id_of(ORDER));
        assert_eq!(context.parent.span_id, span_id_of(ORDER));
        assert_eq!((context.parent.flags, context.state), (1, None));
    }
}

#[test]
fn without_an_exporter_contexts_are_passed_on() {
    let spans = Spans::disabled();
    let context = outside(&spans);
    let process = spans.process(&process(&context));
    let send = spans.send(Some(&process.context()), &reserved(), &[]);
    assert_eq!(send.context(), context);
    assert_eq!(send.context().traceparent(), context.parent.to_string());
    let fresh = [spans.send(None, &placed(), &[]), spans.send(None, &placed(), &[])];
    assert_ne!(fresh[0].context().parent.trace_id, fresh[1].context().parent.trace_id);
}

#[test]
fn after_shutdown_contexts_are_passed_on() {
    let (telemetry, _receiver) = telemetry(&[]);
    let spans = telemetry.spans();
    telemetry.shutdown();
    let context = outside(&spans);
    assert_eq!(spans.process(&process(&context)).context(), context);
    assert_ne!(spans.send(None, &placed(), &[]).context().parent.trace_id, [0; 16]);
}

#[test]
fn what_is_not_sampled_goes_on_unsampled() {
    let sampler = [("OTEL_TRACES_SAMPLER", "parentbased_always_off")];
    let (telemetry, receiver) = telemetry(&sampler);
    let spans = telemetry.spans();
    assert_eq!(spans.context_of(None, None, ORDER).parent.flags, 0);
    let root = spans.send(None, &placed(), &[]);
    assert_eq!(root.context().parent.flags, 0);
    let child = spans.send(Some(&root.context()), &placed(), &[]);
    assert_eq!(child.context(), root.context());
    let sampled = outside(&spans);
    spans.send(Some(&sampled), &placed(), &[]).end();
    drop((root, child));
    telemetry.shutdown();
    assert_eq!(receiver.spans().len(), 1, "only the child of a sampled parent");
}

#[test]
fn a_ratio_decides_the_same_in_every_service() {
    let sampler = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.25")];
    let parentbased =
        [("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.25")];
    let (one, receiver) = telemetry(&sampler);
    let (other, _) = telemetry(&parentbased);
    let (one_spans, other_spans) = (one.spans(), other.spans());
    let mut sampled = 0;
    for n in 0..1_000 {
        let context = one_spans.context_of(None, None, &format!("order {n}"));
        assert_eq!(context, other_spans.context_of(None, None, &format!("order {n}")));
        let span = one_spans.send(Some(&context), &placed(), &[]);
        assert_eq!(span.context().is_sampled(), context.is_sampled());
        sampled += usize::from(context.is_sampled());
        span.end();
    }
    one.shutdown();
    assert!((200..300).contains(&sampled), "{sampled}");
    assert_eq!(receiver.spans().len(), sampled);
}

#[test]
fn attributes_are_cut_and_strange_keys_left_out() {
    let (telemetry, receiver) = telemetry(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3")]);
    let long = "k".repeat(129);
    let message =
        Message { key: Some(&long), topic: "äöüß", name: None, source: None, ..placed() };
    telemetry.spans().send(None, &message, &[]).end();
    telemetry.shutdown();
    let text = render(&receiver.spans(), &[]);
    assert!(text.contains("messaging.destination.name=\"äöü\""), "{text}");
    assert!(!text.contains("kkk"), "{text}");
}

/// What a transaction that is rolled back has begun never was.
#[test]
fn an_attempt_that_is_dropped_is_not_exported() {
    let (telemetry, receiver) = telemetry(&[]);
    let spans = telemetry.spans();
    let outside = outside(&spans);
    drop(spans.process(&process(&outside)).attempt());
    let mut kept = spans.send(Some(&outside), &reserved(), &[]).attempt();
    kept.keep();
    drop(kept);
    spans.process(&process(&outside)).attempt().ended(SystemTime::UNIX_EPOCH, Some("panic"));
    telemetry.shutdown();
    let mut names: Vec<String> = receiver.spans().into_iter().map(|span| span.name).collect();
    names.sort();
    assert_eq!(names, ["process orders", "send inventory"]);
}
