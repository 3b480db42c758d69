//! Every kind of span that the services make, as OpenTelemetry's semantic conventions 1.44 describe
//! it: model/messaging/spans.yaml and kafka.yaml, model/cloudevents, model/http/spans.yaml.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::receiver::{Made, text, value};

/// What the name of an attribute says that its value is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    Text,
    Int,
    Bool,
}
use Type::{Bool, Int, Text};

type Attributes = &'static [(&'static str, Type)];

/// One kind of span.
struct Row {
    /// How its name starts; after a space comes what it is about.
    name: &'static str,
    kind: SpanKind,
    /// `messaging.operation.type`; ours and those of HTTP have none.
    operation_type: Option<&'static str>,
    /// The attribute whose value is the end of the name.
    about: &'static str,
    required: &'static [Attributes],
    optional: &'static [Attributes],
    /// Whether each run makes one; the others come with a fault only.
    always: bool,
}

const MESSAGING: Attributes = &[
    ("messaging.system", Text),
    ("messaging.operation.name", Text),
    ("messaging.operation.type", Text),
    ("messaging.destination.name", Text),
];
const GROUP: Attributes = &[("messaging.consumer.group.name", Text)];
const BATCH: Attributes = &[("messaging.batch.message_count", Int)];
/// Of one message: required by the traces of this project, recommended by the conventions.
const MESSAGE: Attributes = &[("messaging.message.id", Text)];
const FAILED: Attributes = &[("error.type", Text)];
const ONE: Attributes = &[
    ("messaging.destination.partition.id", Text),
    ("messaging.message.conversation_id", Text),
    ("messaging.kafka.message.key", Text),
    ("messaging.kafka.message.tombstone", Bool),
    ("messaging.kafka.offset", Int),
    ("messaging.message.body.size", Int),
    ("messaging.message.envelope.size", Int),
    ("messaging.client.id", Text),
];
const BROKER: Attributes = &[
    ("messaging.kafka.cluster.id", Text),
    ("server.address", Text),
    ("server.port", Int),
    ("network.peer.address", Text),
    ("network.peer.port", Int),
];
const EVENT: Attributes = &[
    ("cloudevents.event_id", Text),
    ("cloudevents.event_source", Text),
    ("cloudevents.event_spec_version", Text),
    ("cloudevents.event_type", Text),
    ("cloudevents.event_subject", Text),
];
const HTTP: Attributes = &[
    ("http.request.method", Text),
    ("url.path", Text),
    ("url.scheme", Text),
    ("http.route", Text),
    ("http.response.status_code", Int),
];
const HTTP_MORE: Attributes = &[
    ("http.request.method_original", Text),
    ("network.protocol.version", Text),
    ("client.address", Text),
    ("server.address", Text),
    ("server.port", Int),
    ("user_agent.original", Text),
];

const TOPIC: &str = "messaging.destination.name";

const ROWS: [Row; 8] = [
    Row {
        name: "send",
        kind: SpanKind::Producer,
        operation_type: Some("send"),
        about: TOPIC,
        required: &[MESSAGING, MESSAGE],
        optional: &[ONE, BROKER, EVENT, FAILED],
        always: true,
    },
    // What is said again: its context was put into the record before.
    Row {
        name: "send",
        kind: SpanKind::Client,
        operation_type: Some("send"),
        about: TOPIC,
        required: &[MESSAGING, MESSAGE],
        optional: &[ONE, BROKER, EVENT, FAILED],
        always: false,
    },
    Row {
        name: "poll",
        kind: SpanKind::Client,
        operation_type: Some("receive"),
        about: TOPIC,
        required: &[MESSAGING, GROUP, BATCH],
        optional: &[BROKER, FAILED, &[("messaging.client.id", Text)]],
        always: true,
    },
    Row {
        name: "process",
        kind: SpanKind::Consumer,
        operation_type: Some("process"),
        about: TOPIC,
        required: &[MESSAGING, GROUP, MESSAGE],
        optional: &[ONE, BROKER, EVENT, FAILED],
        always: true,
    },
    Row {
        name: "commit",
        kind: SpanKind::Client,
        operation_type: Some("settle"),
        about: TOPIC,
        required: &[MESSAGING, GROUP],
        optional: &[BATCH, BROKER, FAILED, &[("messaging.client.id", Text)]],
        always: false,
    },
    // Ours: the conventions know neither transactions nor timers.
    Row {
        name: "transaction",
        kind: SpanKind::Internal,
        operation_type: None,
        about: "messaging.consumer.group.name",
        required: &[GROUP, BATCH],
        optional: &[FAILED],
        always: true,
    },
    Row {
        name: "timer",
        kind: SpanKind::Internal,
        operation_type: None,
        about: "cloudevents.event_type",
        required: &[MESSAGE],
        optional: &[EVENT, ONE, FAILED],
        always: true,
    },
    Row {
        name: "",
        kind: SpanKind::Server,
        operation_type: None,
        about: "http.route",
        required: &[HTTP],
        optional: &[HTTP_MORE, FAILED],
        always: true,
    },
];

/// Each span is as its row says, and each row that every run has is there.
pub(crate) fn check(spans: &[Made]) {
    let mut seen = BTreeSet::new();
    for made in spans {
        seen.insert(check_one(made));
    }
    for (number, row) in ROWS.iter().enumerate() {
        assert!(!row.always || seen.contains(&number), "no span {} {:?}", row.name, row.kind);
    }
}

/// Out: the number of its row.
fn check_one(Made { span, .. }: &Made) -> usize {
    let (start, about) = span.name.split_once(' ').expect("an operation, and what it is about");
    let is_it =
        |row: &Row| row.kind == span.kind() && (row.name == start || row.kind == SpanKind::Server);
    let number = ROWS.iter().position(is_it).unwrap_or_else(|| panic!("no row for {span:?}"));
    let row = &ROWS[number];
    check_types(row, &span.attributes, &format!("{span:?}"));
    let attribute = |key| text(&span.attributes, key);
    assert_eq!(attribute(row.about).as_deref(), Some(about), "{span:?}");
    let operation = row.operation_type.map(|_| row.name);
    assert_eq!(attribute("messaging.operation.name").as_deref(), operation, "{span:?}");
    assert_eq!(attribute("messaging.operation.type").as_deref(), row.operation_type, "{span:?}");
    assert_eq!(attribute("messaging.system").as_deref(), operation.map(|_| "kafka"), "{span:?}");
    if row.kind == SpanKind::Server {
        assert_eq!(attribute("http.request.method").as_deref(), Some(start), "{span:?}");
    }
    // Status and error.type come together; what went well has neither: OK is for applications.
    let code = span.status.as_ref().map_or(0, |status| status.code);
    assert_eq!(code, if attribute("error.type").is_some() { 2 } else { 0 }, "{span:?}");
    assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?}");
    assert_eq!((span.dropped_attributes_count, span.dropped_links_count), (0, 0), "{span:?}");
    number
}

/// All attributes of the row that are required are there, once, and no others than it knows.
fn check_types(row: &Row, attributes: &[KeyValue], what: &str) {
    let required = || row.required.iter().copied().flatten();
    for (key, _) in required() {
        let count = attributes.iter().filter(|attribute| attribute.key == *key).count();
        assert_eq!(count, 1, "{key}: {what}");
    }
    for KeyValue { key, .. } in attributes {
        let known = required().chain(row.optional.iter().copied().flatten());
        let known = known.into_iter().find(|(name, _)| name == key);
        let (_, expected) = known.unwrap_or_else(|| panic!("{key} is not in its row: {what}"));
        let found = match value(attributes, key) {
            Some(Value::StringValue(_)) => Some(Text),
            Some(Value::IntValue(_)) => Some(Int),
            Some(Value::BoolValue(_)) => Some(Bool),
            _ => None,
        };
        assert_eq!(found, Some(*expected), "{key}: {what}");
    }
}
