//! Saying: what is owed goes to Kafka, in order, and is waited for.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use anyhow::Context;
use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, NoCustomPartitioner, Producer, ProducerContext, ThreadedProducer,
};

use crate::crash_point;
use crate::kafka::{self, refused_for_good};
use crate::record::{Owed, Record};

/// The producer of answers. It is made anew after each fault, as an idempotent producer that has
/// lost one record can not be trusted with the next.
pub(crate) struct Speaker {
    config: ClientConfig,
    producer: Option<(ThreadedProducer<Reports>, Receiver<Report>)>,
}

/// Where a record was put.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivered {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

/// Why saying stopped.
#[derive(Clone, Debug)]
pub(crate) struct SayFault {
    /// The place of the first record that failed in what was said.
    pub(crate) place: usize,
    /// Its topic.
    pub(crate) topic: String,
    /// Kafka's name of the error, such as `MSG_SIZE_TOO_LARGE`.
    pub(crate) error_type: String,
    /// The fault in words.
    pub(crate) why: String,
    /// What an operator has to do, if waiting does not help.
    pub(crate) remedy: Option<&'static str>,
}

/// A delivery report, with the place of its record in what is being said.
type Report = (usize, Result<Delivered, RDKafkaErrorCode>);

/// Where the producer's thread puts reports.
struct Reports(Sender<Report>);

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        kafka::log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        kafka::log_error(&error, reason);
    }
}

impl ProducerContext<NoCustomPartitioner> for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, place: usize) {
        let report = match result {
            Ok(message) => {
                Ok(Delivered { partition: message.partition(), offset: message.offset() })
            }
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown)),
        };
        // Nobody listens to a producer that was given up.
        let _ = self.0.send((place, report));
    }
}

/// How long one wait for reports lasts before the caller may do something else.
const PATIENCE: Duration = Duration::from_millis(100);

impl Speaker {
    /// Makes the first producer at once: so a wrong property is told at start, and the half second
    /// that an idempotent producer takes for its id is over before the first answer.
    ///
    /// # Errors
    /// A property is wrong.
    pub(crate) fn new(config: ClientConfig) -> anyhow::Result<Self> {
        let producer = create(&config).context("the settings of the producer")?;
        Ok(Self { config, producer: Some(producer) })
    }

    /// Says `owed` in the given order, and waits for all reports. `delivered` is called for each
    /// record that Kafka has acknowledged, `waiting` about ten times a second while reports are
    /// open; when it answers false, the saying ends with what is acknowledged then.
    ///
    /// # Errors
    /// The first failed report ends the saying: what follows it would stand before it. Reports that
    /// are still open are not waited for.
    pub(crate) fn say(
        &mut self,
        owed: &[Owed],
        mut delivered: impl FnMut(usize, Delivered),
        mut waiting: impl FnMut() -> bool,
    ) -> Result<(), SayFault> {
        let (producer, reports) = match self.producer.take() {
            Some(producer) => producer,
            None => create(&self.config).map_err(|error| fault(owed, 0, &error))?,
        };
        let (mut queued, mut acknowledged) = (0, 0);
        let mut refused = None;
        while acknowledged < owed.len() {
            while queued < owed.len() && refused.is_none() {
                match enqueue(&producer, &owed[queued].record, queued) {
                    Ok(Enqueued::Yes) => {
                        queued += 1;
                        crash_point!(Queued);
                    }
                    Ok(Enqueued::Full) => break,
                    Err(error) => refused = Some(fault(owed, queued, &error)),
                }
            }
            // The client itself refuses a record: what was said before it is still waited for.
            if let Some(fault) = refused.take_if(|_| acknowledged == queued) {
                return Err(fault);
            }
            match reports.recv_timeout(PATIENCE) {
                Ok((place, Ok(there))) => {
                    acknowledged += 1;
                    crash_point!(Acknowledged);
                    delivered(place, there);
                }
                Ok((place, Err(code))) => {
                    return Err(fault(owed, place, &KafkaError::MessageProduction(code)));
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    if let Some((code, why)) = producer.client().fatal_error() {
                        let fault = fault(owed, 0, &KafkaError::MessageProduction(code));
                        return Err(SayFault { why, ..fault });
                    }
                    if !waiting() {
                        return Ok(());
                    }
                }
            }
        }
        self.producer = Some((producer, reports));
        Ok(())
    }
}

fn create(
    config: &ClientConfig,
) -> Result<(ThreadedProducer<Reports>, Receiver<Report>), KafkaError> {
    let (sender, receiver) = mpsc::channel();
    Ok((config.create_with_context(Reports(sender))?, receiver))
}

/// What became of a record that was given to the client.
enum Enqueued {
    Yes,
    /// Its queue is full: some reports have to come first.
    Full,
}

fn enqueue(
    producer: &ThreadedProducer<Reports>,
    record: &Record,
    place: usize,
) -> Result<Enqueued, KafkaError> {
    let headers = record
        .each_header()
        .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value }));
    let mut message =
        BaseRecord::<[u8], [u8], usize>::with_opaque_to(&record.topic, place).headers(headers);
    message.partition = record.partition;
    message.key = record.key.as_deref();
    message.payload = record.value.as_deref();
    match producer.send(message) {
        Ok(()) => Ok(Enqueued::Yes),
        Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(Enqueued::Full),
        Err((error, _)) => Err(error),
    }
}

fn fault(owed: &[Owed], place: usize, error: &KafkaError) -> SayFault {
    let topic = owed.get(place).map_or(String::new(), |answer| answer.record.topic.clone());
    let code = error.rdkafka_error_code();
    SayFault {
        place,
        why: format!("{topic}: {error}"),
        error_type: code.map_or("_OTHER".to_owned(), |code| format!("{code:?}")),
        remedy: code.and_then(refused_for_good),
        topic,
    }
}
