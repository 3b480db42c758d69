//! Each span by itself, against OpenTelemetry's messaging conventions: attributes and links.

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::receiver::{Made, number, text};

/// Checks one span of an order's trace. `order` is its id.
pub(crate) fn check_of_order(made: &Made, order: &str) {
    let Made { service, span } = made;
    match span.kind() {
        SpanKind::Server => check_http(span),
        SpanKind::Producer => {
            check_message(span, "send", order);
            assert_eq!(text(&span.attributes, "messaging.consumer.group.name"), None);
        }
        SpanKind::Consumer => {
            check_message(span, "process", order);
            let group = text(&span.attributes, "messaging.consumer.group.name");
            assert_eq!(group.as_deref(), Some(service.as_str()), "{span:?}");
            // The sender is the parent, and linked too, as the conventions relate by links.
            let links: Vec<_> = span.links.iter().map(|link| &link.span_id).collect();
            assert_eq!(links, [&span.parent_span_id], "{span:?}");
        }
        SpanKind::Internal => {
            assert!(span.name.starts_with("timer "), "{span:?}");
            check_event(span, order);
        }
        SpanKind::Client | SpanKind::Unspecified => panic!("not in a trace of an order: {span:?}"),
    }
    assert_eq!(span.status.as_ref().map_or(0, |status| status.code), 0, "{span:?}");
    assert_eq!(text(&span.attributes, "error.type"), None, "{span:?}");
}

/// Checks a span of a batch: a poll or a transaction. It is a root, and linked to each sender.
pub(crate) fn check_of_batch(made: &Made) {
    let Made { service, span } = made;
    let attribute = |key| text(&span.attributes, key);
    assert!(span.parent_span_id.is_empty(), "a batch has many senders: {span:?}");
    assert_eq!(attribute("messaging.consumer.group.name").as_ref(), Some(service), "{span:?}");
    let count = number(&span.attributes, "messaging.batch.message_count").expect("a count");
    assert_eq!(usize::try_from(count), Ok(span.links.len()), "{span:?}");
    assert!(!span.links.is_empty(), "{span:?}");
    for link in &span.links {
        assert!(text(&link.attributes, "messaging.message.id").is_some(), "{link:?}");
    }
    if let Some(topic) = span.name.strip_prefix("poll ") {
        assert_eq!(span.kind(), SpanKind::Client, "{span:?}");
        assert_eq!(attribute("messaging.system").as_deref(), Some("kafka"), "{span:?}");
        assert_eq!(attribute("messaging.operation.name").as_deref(), Some("poll"), "{span:?}");
        assert_eq!(attribute("messaging.operation.type").as_deref(), Some("receive"), "{span:?}");
        assert_eq!(attribute("messaging.destination.name").as_deref(), Some(topic), "{span:?}");
    } else {
        assert_eq!(span.name, format!("transaction {service}"), "{span:?}");
        assert_eq!(span.kind(), SpanKind::Internal, "{span:?}");
    }
}

fn check_http(span: &Span) {
    let attribute = |key| text(&span.attributes, key);
    assert_eq!(span.name, "POST /orders");
    assert_eq!(attribute("http.request.method").as_deref(), Some("POST"));
    assert_eq!(attribute("http.route").as_deref(), Some("/orders"));
    assert_eq!(attribute("url.path").as_deref(), Some("/orders"));
    assert_eq!(attribute("url.scheme").as_deref(), Some("http"));
    assert_eq!(number(&span.attributes, "http.response.status_code"), Some(202));
}

fn check_message(span: &Span, operation: &str, order: &str) {
    let attribute = |key| text(&span.attributes, key);
    let topic = attribute("messaging.destination.name").expect("a topic");
    assert_eq!(span.name, format!("{operation} {topic}"));
    assert_eq!(attribute("messaging.system").as_deref(), Some("kafka"), "{span:?}");
    assert_eq!(attribute("messaging.operation.name").as_deref(), Some(operation), "{span:?}");
    assert_eq!(attribute("messaging.operation.type").as_deref(), Some(operation), "{span:?}");
    assert_eq!(attribute("messaging.kafka.message.key").as_deref(), Some(order), "{span:?}");
    let partition = attribute("messaging.destination.partition.id").expect("a text, as it is");
    assert!((0..6).contains(&partition.parse().expect("of digits")), "{span:?}");
    assert!(0 <= number(&span.attributes, "messaging.kafka.offset").expect("a number"), "{span:?}");
    check_event(span, order);
}

fn check_event(span: &Span, order: &str) {
    let attribute = |key| text(&span.attributes, key);
    let id = attribute("messaging.message.id");
    assert_eq!(id.as_ref().map(String::len), Some(36), "{span:?}");
    assert_eq!(attribute("cloudevents.event_id"), id, "{span:?}");
    assert_eq!(attribute("cloudevents.event_spec_version").as_deref(), Some("1.0"), "{span:?}");
    assert_eq!(attribute("cloudevents.event_subject").as_deref(), Some(order), "{span:?}");
    assert!(attribute("cloudevents.event_type").is_some(), "{span:?}");
    assert!(attribute("cloudevents.event_source").is_some(), "{span:?}");
    let conversation = attribute("messaging.message.conversation_id");
    assert_eq!(conversation.as_deref(), Some(order), "{span:?}");
}
