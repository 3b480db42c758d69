//! Publishing what starts outside of Kafka: said first, kept second.

use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context;
use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use shared_events::amounts::Timestamp;
use shared_events::headers::{Envelope, RawHeaders};
use shared_events::ids::EventId;

use crate::config::Config;
use crate::crash_point;
use crate::kafka;
use crate::telemetry::spans::Message;
use crate::telemetry::{Metrics, Spans, TraceContext};

/// Says events that answer nothing, such as an order that was posted.
#[derive(Clone)]
pub struct Publisher {
    client: Arc<Client>,
    source: String,
    spans: Spans,
    metrics: Metrics,
}

/// The producer. One that has met a fatal error never works again, and another takes its place.
struct Client {
    config: ClientConfig,
    current: RwLock<Numbered>,
}

/// The how manieth it is, so that of those who see one fail only the first replaces it.
#[derive(Clone)]
struct Numbered {
    number: u64,
    producer: FutureProducer<Logged>,
}

impl Client {
    fn current(&self) -> Numbered {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, failed: &Numbered) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.number != failed.number {
            return;
        }
        match self.config.create_with_context(Logged) {
            Ok(producer) => *current = Numbered { number: failed.number + 1, producer },
            Err(error) => tracing::error!(%error, "no new producer: it is tried again"),
        }
    }
}

/// Sends librdkafka's log where ours goes.
#[derive(Clone)]
struct Logged;

impl ClientContext for Logged {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        kafka::log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        kafka::log_error(&error, reason);
    }
}

/// One event to be published.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The topic.
    pub topic: String,
    /// The partition; `None`: by the key.
    pub partition: Option<i32>,
    /// The key, which is also `ce_subject`.
    pub key: String,
    /// The event's name.
    pub name: String,
    /// Its identity.
    pub id: EventId,
    /// When it happened.
    pub time: Timestamp,
    /// The order that it belongs to.
    pub correlation: Option<String>,
    /// The value.
    pub value: Vec<u8>,
    /// What it continues; without one a trace starts here.
    pub parent: Option<TraceContext>,
    /// Headers besides ours; one of ours is replaced by them.
    pub headers: RawHeaders,
}

/// Where an event was put.
#[derive(Clone, Debug)]
pub struct Published {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// The context of the span that sent it.
    pub trace: TraceContext,
}

impl Publisher {
    /// `source` is `ce_source`, such as `/order-svc`.
    ///
    /// # Errors
    /// A property in `config` is not one of librdkafka's.
    pub fn new(
        config: &Config,
        source: &str,
        spans: Spans,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let config = kafka::publisher(config, source.trim_start_matches('/'));
        let producer =
            config.create_with_context(Logged).context("the settings of the producer")?;
        let current = RwLock::new(Numbered { number: 0, producer });
        let client = Arc::new(Client { config, current });
        Ok(Self { client, source: source.to_owned(), spans, metrics })
    }

    /// Publishes one event and waits until all in-sync replicas have it, for five seconds at most.
    ///
    /// # Errors
    /// It is not acknowledged: it may or may not be there. Publishing it again, with the same id,
    /// repeats it safely.
    pub async fn publish(&self, event: &Publication) -> anyhow::Result<Published> {
        let message = Message {
            topic: &event.topic,
            key: Some(&event.key),
            name: Some(&event.name),
            id: event.id,
            source: Some(&self.source),
            correlation: event.correlation.as_deref(),
        };
        let span = self.spans.send(event.parent.as_ref(), &message, &[]);
        let trace = span.context();
        let began = std::time::Instant::now();
        crash_point!(Request Publishing);
        let delivered = self.send(event, &trace).await;
        let error = delivered.as_ref().err().map(|error| match error.rdkafka_error_code() {
            Some(code) => format!("{code:?}"),
            None => "_OTHER".to_owned(),
        });
        self.metrics.sent(&event.topic, began.elapsed().as_secs_f64(), error.as_deref());
        match (delivered, error) {
            (Ok((partition, offset)), _) => {
                crash_point!(Request Published);
                span.delivered(partition, offset);
                Ok(Published { partition, offset, trace })
            }
            (Err(fault), error) => {
                span.failed(error.as_deref().unwrap_or_default());
                Err(fault).with_context(|| {
                    format!("{} is not acknowledged by topic {}", event.name, event.topic)
                })
            }
        }
    }

    async fn send(
        &self,
        event: &Publication,
        trace: &TraceContext,
    ) -> Result<(i32, i64), KafkaError> {
        let headers = self
            .headers(event, trace)
            .into_iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| {
                all.insert(Header { key: &key, value: value.as_deref() })
            });
        let mut record = FutureRecord::to(&event.topic)
            .key(&event.key)
            .payload(event.value.as_slice())
            .headers(headers);
        record.partition = event.partition;
        let client = self.client.current();
        let sent = Self::deliver(&client.producer, record).await;
        if sent.is_err() && client.producer.client().fatal_error().is_some() {
            self.client.replace(&client);
        }
        sent
    }

    async fn deliver(
        producer: &FutureProducer<Logged>,
        record: FutureRecord<'_, String, [u8]>,
    ) -> Result<(i32, i64), KafkaError> {
        let report = producer.send_result(record).map_err(|(error, _)| error)?;
        crash_point!(Request Produced);
        let delivery =
            report.await.map_err(|_| KafkaError::Canceled)?.map_err(|(error, _)| error)?;
        Ok((delivery.partition, delivery.offset))
    }

    fn headers(&self, event: &Publication, trace: &TraceContext) -> RawHeaders {
        let envelope = Envelope {
            id: event.id,
            source: self.source.clone(),
            name: event.name.clone(),
            time: event.time,
            subject: event.key.clone(),
            correlation: event.correlation.clone(),
            causation: None,
            answers: None,
            sequence: None,
            traceparent: trace.traceparent(),
            tracestate: trace.state.clone(),
        };
        let replaced = |name: &str| event.headers.iter().any(|(header, _)| header == name);
        let mut headers = envelope.write();
        headers.retain(|(name, _)| !replaced(name));
        headers.extend(event.headers.iter().cloned());
        headers
    }
}
