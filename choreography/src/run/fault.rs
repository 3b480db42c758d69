//! Transient faults: pause, back off, keep polling, try again in place. Nothing is skipped.

use std::time::{Duration, Instant};

use rand::RngExt;
use rdkafka::error::KafkaError;

use super::{Done, Runner, Stopping};
use crate::db::DbFault;
use crate::say::SayFault;
use crate::service::Service;

/// How long to wait before the next try: twice as long each time, up to a limit, and a random part
/// of that, so that instances that disturb each other do not meet again.
pub(crate) struct Backoff {
    tries: u32,
}

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(5);

/// So many conflicts in a row are more than bad luck.
const CONFLICTS_MAX: u32 = 10;

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { tries: 0 }
    }

    fn next(&mut self) -> Duration {
        let longest = FIRST.saturating_mul(1 << self.tries.min(16)).min(LONGEST);
        self.tries += 1;
        longest.mul_f64(rand::rng().random_range(0.5..1.0))
    }
}

impl<S: Service> Runner<S> {
    pub(super) fn database_fault(&mut self, fault: &DbFault, backoff: &mut Backoff) -> Done<()> {
        match fault {
            DbFault::Conflict(error) => {
                self.handler.metrics.conflict();
                tracing::debug!(%error, "another transaction was first: taken again");
                if CONFLICTS_MAX <= backoff.tries {
                    self.health.fault(Some(format!("the database: {fault}")));
                }
            }
            DbFault::Refused(_) | DbFault::Transient(_) => {
                tracing::warn!(%fault, "tried again");
                self.health.fault(Some(format!("the database: {fault}")));
            }
        }
        self.pause(backoff)
    }

    pub(super) fn kafka_fault(&mut self, error: &KafkaError, backoff: &mut Backoff) -> Done<()> {
        tracing::warn!(%error, "Kafka does not tell where to start: tried again");
        self.health.fault(Some(format!("Kafka: {error}")));
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
                self.health.fault(Some(text));
            }
            None => {
                tracing::warn!(
                    messaging.destination = fault.topic,
                    error.r#type = fault.error_type,
                    why = fault.why,
                    "not said: said again"
                );
                self.health.fault(Some(format!("Kafka: {}", fault.why)));
            }
        }
        self.pause(backoff)
    }

    /// All is well again.
    pub(super) fn well(&mut self, backoff: &mut Backoff) {
        *backoff = Backoff::new();
        self.health.fault(None);
        self.health.progress();
    }

    fn pause(&mut self, backoff: &mut Backoff) -> Done<()> {
        const SLICE: Duration = Duration::from_millis(100);
        let until = Instant::now() + backoff.next();
        loop {
            if self.stop.is_stopping() {
                return Err(Stopping);
            }
            self.health.progress();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            if SLICE < left {
                self.hear.stand_still();
            }
            std::thread::sleep(left.min(SLICE));
        }
    }
}
