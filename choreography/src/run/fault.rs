//! Transient faults: pause, back off, keep polling, try again in place. Nothing is skipped.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::RngExt;
use rdkafka::error::KafkaError;

use super::{Done, Runner, Stopping};
use crate::db::DbFault;
use crate::health::Health;
use crate::say::SayFault;
use crate::service::Service;

/// What is away at the moment, by name. Each is cleared only by its own success, so that a database
/// that answers does not hide a broker that does not.
pub(crate) struct Faults {
    health: Health,
    current: BTreeMap<&'static str, String>,
}

/// The database.
pub(super) const DATABASE: &str = "database";
/// The saying of answers.
pub(super) const ANSWERS: &str = "answers";
/// What Kafka knows of offsets.
pub(super) const OFFSETS: &str = "offsets";
/// The consumer's connection.
pub(super) const BROKER: &str = "broker";
/// What the broker does not let us read.
pub(super) const READING: &str = "reading";

impl Faults {
    pub(crate) fn new(health: Health) -> Self {
        Self { health, current: BTreeMap::new() }
    }

    pub(super) fn set(&mut self, name: &'static str, text: String) {
        self.current.insert(name, text);
        self.tell();
    }

    pub(super) fn clear(&mut self, name: &'static str) {
        if self.current.remove(name).is_some() {
            self.tell();
        }
    }

    fn tell(&self) {
        let texts: Vec<&str> = self.current.values().map(String::as_str).collect();
        self.health.fault((!texts.is_empty()).then(|| texts.join("; ")));
    }
}

/// How long to wait before the next try: twice as long each time, up to a limit, and a random part
/// of that, so that instances that disturb each other do not meet again.
pub(super) struct Backoff {
    tries: u32,
    began: Instant,
}

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(5);

/// Conflicts for longer than this are more than bad luck.
const BAD_LUCK: Duration = Duration::from_secs(5);

impl Backoff {
    pub(super) fn new() -> Self {
        Self { tries: 0, began: Instant::now() }
    }

    /// How often it has failed in a row.
    pub(super) fn tries(&self) -> u32 {
        self.tries
    }

    fn next(&mut self) -> Duration {
        let longest = FIRST.saturating_mul(1 << self.tries.min(16)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        longest.mul_f64(rand::rng().random_range(0.5..1.0))
    }
}

impl<S: Service> Runner<S> {
    pub(super) fn database_fault(&mut self, fault: &DbFault, backoff: &mut Backoff) -> Done<()> {
        match fault {
            DbFault::Conflict(conflict) if backoff.began.elapsed() < BAD_LUCK => {
                tracing::debug!(why = conflict.why, "another transaction was first: taken again");
            }
            DbFault::Conflict(_) | DbFault::Refused(_) | DbFault::Transient(_) => {
                tracing::warn!(%fault, "tried again");
                self.faults.set(DATABASE, format!("the database: {fault}"));
            }
        }
        if matches!(fault, DbFault::Conflict(_)) {
            self.handler.metrics.conflict();
        }
        self.pause(backoff)
    }

    pub(super) fn kafka_fault(&mut self, error: &KafkaError, backoff: &mut Backoff) -> Done<()> {
        tracing::warn!(%error, "Kafka does not tell where to start: tried again");
        self.faults.set(OFFSETS, format!("Kafka does not tell where to start: {error}"));
        self.pause(backoff)
    }

    pub(super) fn say_fault(&mut self, fault: &SayFault, backoff: &mut Backoff) -> Done<()> {
        match fault.remedy {
            Some(remedy) => {
                let text = format!(
                    "Kafka refuses an answer on topic {}: {}; {remedy}",
                    fault.topic, fault.why
                );
                tracing::error!(
                    messaging.destination = fault.topic,
                    error.r#type = fault.error_type,
                    "{text}"
                );
                self.health.not_ready("refused", Some(text.clone()));
                self.faults.set(ANSWERS, text);
            }
            None => {
                tracing::warn!(
                    messaging.destination = fault.topic,
                    error.r#type = fault.error_type,
                    why = fault.why,
                    "not said: said again"
                );
                self.faults.set(ANSWERS, format!("Kafka: {}", fault.why));
            }
        }
        self.pause(backoff)
    }

    /// What `name` stands for works again.
    pub(super) fn well(&mut self, name: &'static str, backoff: &mut Backoff) {
        *backoff = Backoff::new();
        self.faults.clear(name);
        self.health.progress();
    }

    /// What keeps records from coming, by the consumer's word: it does not go by itself.
    pub(super) fn tell_trouble(&mut self) {
        let trouble = self.hear.trouble().map(|text| format!("Kafka does not let us read: {text}"));
        match &trouble {
            Some(text) => self.faults.set(READING, text.clone()),
            None => self.faults.clear(READING),
        }
        self.health.not_ready(READING, trouble);
    }

    pub(super) fn pause(&mut self, backoff: &mut Backoff) -> Done<()> {
        const SLICE: Duration = Duration::from_millis(100);
        let until = Instant::now() + backoff.next();
        loop {
            if self.stop.is_stopping() {
                return Err(Stopping);
            }
            self.health.progress();
            self.health.stuck(None);
            self.consumer_figures();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            // A short pause is over before it would be worth it.
            if SLICE < left {
                self.hear.stand_still();
            }
            std::thread::sleep(left.min(SLICE));
        }
    }
}
