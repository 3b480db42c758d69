//! Saying, until all is acknowledged.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::time::Instant;

use shared_events::headers::Received;
use shared_events::ids::EventId;
use uuid::Uuid;

use super::fault::{ANSWERS, Backoff, DATABASE};
use super::{Done, Runner, Stopping};
use crate::crash_point;
use crate::owing;
use crate::record::Owed;
use crate::say::{Delivered, SayFault};
use crate::service::Service;
use crate::telemetry::ActiveSpan;
use crate::telemetry::spans::Message;

/// So many waits of a tenth of a second are long for an acknowledgement.
const LONG_WAITS: u32 = 10;

/// What is acknowledged is forgotten at once when it is more than this.
const ACKNOWLEDGED_MAX: usize = 1_000;

impl<S: Service> Runner<S> {
    /// Says `owed`, in order, until all of it is acknowledged. `sending` are the spans of what is
    /// said for the first time.
    pub(super) fn say(
        &mut self,
        owed: Vec<Owed>,
        mut sending: HashMap<Uuid, ActiveSpan>,
    ) -> Done<()> {
        let mut backoff = Backoff::new();
        let mut open = owed;
        while !open.is_empty() {
            self.add_spans_of_repeats(&open, &mut sending);
            match self.say_once(&mut open, &mut sending) {
                Some(fault) if self.refused.put_aside(&mut open, &fault) => {
                    self.refused.tell(&self.health);
                    self.faults.clear(ANSWERS);
                }
                Some(fault) => self.say_fault(&fault, &mut backoff)?,
                None if !open.is_empty() => return Err(Stopping),
                None => {
                    self.well(ANSWERS, &mut backoff);
                    self.health.not_ready("refused", None);
                    crash_point!(Said);
                }
            }
        }
        Ok(())
    }

    /// What is said again has a new span, linked to the one it was first sent with.
    fn add_spans_of_repeats(&self, open: &[Owed], sending: &mut HashMap<Uuid, ActiveSpan>) {
        for owed in open {
            sending.entry(owed.id).or_insert_with(|| {
                let headers = owed.record.headers();
                let received = Received::read(&headers);
                let id = EventId(owed.id);
                let spans = &self.handler.spans;
                let stored = spans.context_of(
                    received.trace_context(),
                    received.tracestate,
                    &id.to_string(),
                );
                let message = Message {
                    topic: &owed.record.topic,
                    key: owed.key.as_deref(),
                    name: received.name,
                    id,
                    source: received.source,
                    correlation: received.correlation,
                };
                spans.send_again(&stored, &message)
            });
        }
    }

    /// One attempt. What is acknowledged leaves `open`.
    fn say_once(
        &mut self,
        open: &mut Vec<Owed>,
        sending: &mut HashMap<Uuid, ActiveSpan>,
    ) -> Option<SayFault> {
        let (hear, health, faults) = (&mut self.hear, &self.health, &mut self.faults);
        let (stop, metrics) = (&self.stop, &self.handler.metrics);
        let began = Instant::now();
        let mut said = vec![false; open.len()];
        let waits = Cell::new(0_u32);
        let delivered = |place: usize, there: Delivered| {
            waits.set(0);
            said[place] = true;
            let record = &open[place];
            metrics.sent(&record.record.topic, began.elapsed().as_secs_f64(), None);
            if let Some(span) = sending.remove(&record.id) {
                span.delivered(there.partition, there.offset);
            }
        };
        let waiting = || {
            waits.set(waits.get() + 1);
            if LONG_WAITS < waits.get() {
                faults.set(ANSWERS, "Kafka does not acknowledge what was said".to_owned());
                hear.stand_still();
                health.stuck(None);
            }
            health.progress();
            !stop.is_over()
        };
        let mut fault = self.speaker.say(open, delivered, waiting).err();
        if let Some(fault) = &mut fault {
            metrics.sent(&fault.topic, began.elapsed().as_secs_f64(), Some(&fault.error_type));
            for (_, span) in sending.drain() {
                span.failed(&fault.error_type);
            }
            // Its place in what is left.
            fault.place -= said.iter().take(fault.place).filter(|said| **said).count();
        }
        let mut places = said.iter();
        let acknowledged = &mut self.acknowledged;
        open.retain(|owed| match places.next() {
            Some(true) => {
                acknowledged.push(owed.id);
                false
            }
            Some(false) | None => true,
        });
        fault
    }

    /// Says all that has been owed for at least `age_ms`, page by page.
    pub(super) fn say_owed(&mut self, age_ms: i64) -> Done<()> {
        let mut backoff = Backoff::new();
        let mut after = owing::Page::default();
        loop {
            if self.stop.is_stopping() {
                return Err(Stopping);
            }
            let page = owing::page(&self.handler.db, age_ms, &after);
            match self.waiter.wait(&mut self.hear, page) {
                Ok(page) => {
                    self.well(DATABASE, &mut backoff);
                    let Some((owed, next)) = page else { return Ok(()) };
                    crash_point!(Again Loaded);
                    let known: HashSet<Uuid> = self.acknowledged.iter().copied().collect();
                    let open = owed.into_iter().filter(|owed| !known.contains(&owed.id)).collect();
                    self.say(open, HashMap::new())?;
                    after = next;
                    if ACKNOWLEDGED_MAX < self.acknowledged.len() {
                        self.forget();
                    }
                }
                Err(fault) => self.database_fault(&fault, &mut backoff)?,
            }
        }
    }
}
