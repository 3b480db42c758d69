//! Names and values of attributes: OpenTelemetry's semantic conventions 1.44, for messaging, Kafka,
//! CloudEvents and HTTP.

use opentelemetry::trace::Link;
use opentelemetry::{InstrumentationScope, KeyValue};
use shared_events::ids::{EventId, ID_BYTES_MAX};

use super::context::TraceContext;
use super::names::Names;

pub(super) const SYSTEM: &str = "messaging.system";
pub(super) const OPERATION_NAME: &str = "messaging.operation.name";
pub(super) const OPERATION_TYPE: &str = "messaging.operation.type";
pub(super) const DESTINATION: &str = "messaging.destination.name";
pub(super) const PARTITION: &str = "messaging.destination.partition.id";
pub(super) const GROUP: &str = "messaging.consumer.group.name";
pub(super) const OFFSET: &str = "messaging.kafka.offset";
pub(super) const KEY: &str = "messaging.kafka.message.key";
pub(super) const BATCH_COUNT: &str = "messaging.batch.message_count";
pub(super) const MESSAGE_ID: &str = "messaging.message.id";
pub(super) const CONVERSATION: &str = "messaging.message.conversation_id";
pub(super) const ERROR_TYPE: &str = "error.type";
pub(super) const HTTP_METHOD: &str = "http.request.method";
pub(super) const HTTP_ROUTE: &str = "http.route";
pub(super) const HTTP_STATUS: &str = "http.response.status_code";
pub(super) const URL_PATH: &str = "url.path";
pub(super) const URL_SCHEME: &str = "url.scheme";
const CE_ID: &str = "cloudevents.event_id";
const CE_SOURCE: &str = "cloudevents.event_source";
const CE_SPEC_VERSION: &str = "cloudevents.event_spec_version";
const CE_TYPE: &str = "cloudevents.event_type";
const CE_SUBJECT: &str = "cloudevents.event_subject";

pub(super) const KAFKA: &str = "kafka";

/// Who makes spans and metrics: this crate, by version 1.44 of the conventions.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("choreography")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
}

pub(super) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// An event in a record, as spans tell it. Nothing else of a record goes into a span: its value may
/// hold personal data.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The record's key, if it is text.
    pub key: Option<&'a str>,
    /// The event's name, if it is known.
    pub name: Option<&'a str>,
    /// The event's id.
    pub id: EventId,
    /// Who said it: `/inventory-svc`.
    pub source: Option<&'a str>,
    /// The order that it belongs to.
    pub correlation: Option<&'a str>,
}

impl Message<'_> {
    /// What every span about one event has; `operation` is name and type.
    pub(super) fn attributes(
        &self,
        names: &Names,
        operation: (&'static str, &'static str),
    ) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(16);
        attributes.extend([
            KeyValue::new(SYSTEM, KAFKA),
            KeyValue::new(OPERATION_NAME, operation.0),
            KeyValue::new(OPERATION_TYPE, operation.1),
            KeyValue::new(DESTINATION, names.text(self.topic)),
        ]);
        // A key that no id could be is not shown: other producers may put anything there.
        let key = self.key.filter(|key| key.len() <= ID_BYTES_MAX);
        attributes.extend(key.map(|key| KeyValue::new(KEY, key.to_owned())));
        attributes.extend(self.event(names));
        attributes
    }

    /// What it says of the event alone.
    pub(super) fn event(&self, names: &Names) -> Vec<KeyValue> {
        let id = self.id.to_string();
        let mut attributes = vec![
            KeyValue::new(MESSAGE_ID, id.clone()),
            KeyValue::new(CE_ID, id),
            KeyValue::new(CE_SPEC_VERSION, "1.0"),
        ];
        let key = self.key.filter(|key| key.len() <= ID_BYTES_MAX);
        let owned =
            |name, text: Option<&str>| text.map(|text| KeyValue::new(name, text.to_owned()));
        attributes.extend(owned(CE_SUBJECT, key));
        attributes.extend(owned(CONVERSATION, self.correlation));
        attributes.extend(self.name.map(|name| KeyValue::new(CE_TYPE, names.text(name))));
        attributes.extend(self.source.map(|source| KeyValue::new(CE_SOURCE, names.text(source))));
        attributes
    }
}

/// A link to the span that made a message. The message's id goes on the link, as the conventions ask
/// for operations on more than one.
pub(super) fn link_to_message(context: &TraceContext, id: EventId) -> Link {
    Link::new(context.remote(), vec![KeyValue::new(MESSAGE_ID, id.to_string())], 0)
}
