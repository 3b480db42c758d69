//! What the log and the metrics are told of a batch that was handled.

use super::{Decided, Handler, Processed};
use crate::dead_letter::Poison;
use crate::incoming::Incoming;
use crate::service::Service;
use crate::telemetry::ActiveSpan;

impl<S: Service> Handler<S> {
    pub(super) fn tell(
        &self,
        batch: &[Incoming<S::Hears>],
        new: &[&Incoming<S::Hears>],
        decided: &mut Decided,
    ) {
        for Processed { topic, took, died, span, ended } in decided.processed.drain(..) {
            let seconds = took.as_secs_f64();
            self.metrics.process_duration(&topic, self.manifest.service, seconds, died);
            span.ended(ended, died);
        }
        decided.sending.values_mut().for_each(ActiveSpan::keep);
        let is_new = |incoming| new.iter().any(|new| std::ptr::eq(*new, incoming));
        for repeat in batch.iter().filter(|incoming| new.len() < batch.len() && !is_new(*incoming))
        {
            self.metrics.repeat(&repeat.origin.topic);
            if repeat.via.is_replay() {
                tracing::info!(
                    event.id = %repeat.id,
                    "skipped: a replay of no dead letter that is still known, or of an event that was handled"
                );
            }
        }
        for incoming in new {
            let _logged = incoming.trace.enter();
            if let Err(poison) = &incoming.content {
                self.tell_dead(incoming, poison);
            }
            if let Some(why) = decided.ignored.get(&incoming.id.0) {
                self.tell_ignored(incoming, why);
            }
        }
    }

    fn tell_dead(&self, incoming: &Incoming<S::Hears>, poison: &Poison) {
        let origin = &incoming.origin;
        self.metrics.dead_letter(&origin.topic, poison.class.as_str());
        tracing::error!(
            event.id = %incoming.id, event.name = incoming.name, correlation.id = incoming.correlation,
            messaging.destination = origin.topic, messaging.partition = origin.partition,
            messaging.offset = origin.offset, error.class = poison.class.as_str(), why = poison.why,
            "dead letter: set aside on the DLQ"
        );
    }

    fn tell_ignored(&self, incoming: &Incoming<S::Hears>, why: &str) {
        self.metrics.ignored(&incoming.origin.topic);
        tracing::info!(
            event.id = %incoming.id, event.name = incoming.name,
            correlation.id = incoming.correlation, why, "ignored: the event does not count"
        );
    }
}
