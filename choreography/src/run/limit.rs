//! The limit of dead letters: when most of what comes would be set aside, the fault is rather ours, as after
//! a bad deployment. Then nothing passes until the cause is mended, or an operator says so.

use super::fault::Backoff;
use super::{Done, Runner};
use crate::handle::LATEST;
use crate::health::Health;
use crate::incoming::Incoming;
use crate::service::Service;
use crate::telemetry::Metrics;

/// The reason's name in `/readyz`.
const REASON: &str = "dead letter limit";

impl<S: Service> Runner<S> {
    /// Says that the limit is reached, once, and pauses. `/healthz` stays as it is: a new process would
    /// not help.
    pub(super) fn limit_reached(&mut self, dead: i64, backoff: &mut Backoff) -> Done<()> {
        let service = self.handler.manifest.service;
        let max = self.handler.dead_max;
        let text = format!(
            "{dead} of the latest {LATEST} events of {service} would be dead letters, and \
             --dead-letters-max {max} allows no more: nothing is set aside or passed over until their \
             cause is mended, which is tried again and again. What is in the DLQ tells it: choreo dlq \
             list --group {service}. To set aside whatever comes all the same, start with \
             --dead-letters-max {LATEST}"
        );
        if !std::mem::replace(&mut self.limited, true) {
            tracing::error!(dead, max, "{text}");
        }
        tell(&self.health, &self.handler.metrics, Some(text));
        self.pause(backoff)
    }

    /// What was over the limit has been handled.
    pub(super) fn limit_passed(&mut self) {
        if std::mem::take(&mut self.limited) {
            tracing::info!("the limit of dead letters is no longer reached: going on");
            tell(&self.health, &self.handler.metrics, None);
        }
    }
}

fn tell(health: &Health, metrics: &Metrics, why: Option<String>) {
    metrics.dead_letter_limit(why.is_some());
    health.not_ready(REASON, why);
}

/// Events of a batch that were set aside and are not handled yet, as they were before: their cause may be
/// mended by the time they are tried again.
pub(super) struct Aside<E>(Vec<(usize, Incoming<E>)>);

impl<E: Clone> Aside<E> {
    pub(super) fn new() -> Self {
        Self(vec![])
    }

    /// Keeps the event at this place of the batch.
    pub(super) fn keep(&mut self, place: usize, event: &Incoming<E>) {
        self.0.push((place, event.clone()));
    }

    /// Puts back all from this place on; what is before it has been handled.
    pub(super) fn put_back(&mut self, batch: &mut [Incoming<E>], from: usize) {
        // The earliest one of a place is what it was.
        for (place, event) in self.0.drain(..).rev().filter(|(place, _)| from <= *place) {
            batch[place] = event;
        }
    }
}
