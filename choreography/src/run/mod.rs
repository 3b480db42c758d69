//! The loop of one instance: take, handle, say, offsets. One batch at a time, on a thread of its
//! own, so that it reads from top to bottom.

mod fault;
mod idle;
mod stop;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use rdkafka::consumer::CommitMode;
use shared_events::headers::Received;
use shared_events::ids::EventId;
use tokio::runtime::Handle;
use uuid::Uuid;

pub(crate) use fault::Backoff;
pub use stop::Stop;

use crate::db::DbFault;
use crate::dead_letter::{Poison, PoisonClass};
use crate::handle::{Handled, Handler, NotHandled};
use crate::health::Health;
use crate::hear::{Batch, Hear};
use crate::incoming::{self, Incoming};
use crate::owing;
use crate::record::Owed;
use crate::say::Speaker;
use crate::service::Service;
use crate::telemetry::ActiveSpan;
use crate::telemetry::spans::Message;
use crate::timers::Timers;
pub(crate) use idle::Idle;

/// One instance of a service.
pub(crate) struct Runner<S: Service> {
    pub(crate) handler: Handler<S>,
    pub(crate) hear: Hear,
    pub(crate) speaker: Speaker,
    pub(crate) timers: Timers,
    pub(crate) health: Health,
    pub(crate) stop: Stop,
    pub(crate) runtime: Handle,
    /// What Kafka has acknowledged and `owed` still holds.
    pub(crate) acknowledged: Vec<Uuid>,
    pub(crate) idle: Idle,
}

/// The instance is stopping: what is under way is left as it is, which loses nothing.
pub(crate) struct Stopping;

/// What ended early, or was done.
pub(crate) type Done<T> = Result<T, Stopping>;

/// How long the loop waits for a record before it looks around.
const IDLE_WAIT: Duration = Duration::from_millis(200);

/// This long without a record, though there are some, is more than a slow broker.
const STUCK: Duration = Duration::from_secs(30);

impl<S: Service> Runner<S> {
    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// The consumer has failed for good; a new process has to take over.
    pub(crate) fn run(&mut self) -> anyhow::Result<()> {
        tracing::info!(service.name = self.handler.manifest.service, "running");
        self.health
            .not_ready("assignment", Some("the group has not assigned partitions yet".into()));
        self.health.started();
        let ended = self.turns();
        self.drain();
        ended
    }

    fn turns(&mut self) -> anyhow::Result<()> {
        let mut said_all = false;
        while !self.stop.is_stopping() {
            let settled = self.settle(&mut said_all).and_then(|()| self.tend());
            if settled.is_err() {
                break;
            }
            let manifest = &self.handler.manifest;
            let batch = self.hear.take(IDLE_WAIT, |topic, name| {
                manifest.hearing(topic, name).is_some() || topic.ends_with(".replay")
            })?;
            // A consumer that gets nothing though there is something has stopped moving.
            if self.hear.stuck_for() < STUCK {
                self.health.progress();
            }
            if !batch.is_empty() && self.turn(batch).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// One batch, from what was taken to its offsets.
    fn turn(&mut self, mut batch: Batch) -> Done<()> {
        self.idle.busy();
        let taken = std::mem::take(&mut batch.records);
        let handler = &self.handler;
        let incoming: Vec<Incoming<S::Hears>> = taken
            .into_iter()
            .filter_map(|taken| incoming::read(&handler.manifest, &handler.spans, taken))
            .collect();
        self.observe(&incoming, &batch);
        if !incoming.is_empty() {
            self.handle(incoming)?;
        }
        self.offsets(&batch, CommitMode::Async);
        Ok(())
    }

    /// Tells telemetry what was taken: a span for each topic of the batch, and how many records.
    fn observe(&self, incoming: &[Incoming<S::Hears>], batch: &Batch) {
        let Handler { spans, metrics, manifest, .. } = &self.handler;
        for (topic, count) in &batch.skipped {
            metrics.skipped(topic, *count);
        }
        let mut topics: BTreeMap<&str, Vec<&Incoming<S::Hears>>> = BTreeMap::new();
        for one in incoming {
            topics.entry(&one.taken.topic).or_default().push(one);
        }
        for (topic, heard) in topics {
            let messages = heard.iter().map(|one| (&one.trace, one.id));
            spans.poll(topic, manifest.service, messages, batch.started);
            let mut partitions: BTreeMap<i32, u64> = BTreeMap::new();
            for one in heard {
                *partitions.entry(one.taken.partition).or_default() += 1;
            }
            for (partition, count) in partitions {
                metrics.consumed(topic, partition, manifest.service, count);
            }
        }
        metrics.batch(incoming.len() as u64);
    }

    fn offsets(&mut self, batch: &Batch, mode: CommitMode) {
        if let Err(error) = self.hear.commit(batch, mode) {
            tracing::warn!(%error, "offsets are not committed: the records will come again");
        }
    }

    /// Handles what was heard, and says what follows. A poisonous event is found and set aside;
    /// everything else is tried until it succeeds.
    pub(crate) fn handle(&mut self, mut incoming: Vec<Incoming<S::Hears>>) -> Done<()> {
        let mut backoff = Backoff::new();
        let mut parts = VecDeque::from([0..incoming.len()]);
        while let Some(part) = parts.pop_front() {
            let acknowledged = std::mem::take(&mut self.acknowledged);
            let (handler, health) = (&self.handler, &self.health);
            let handling = handler.handle(&incoming[part.clone()], &acknowledged);
            match self.hear.wait(&self.runtime, || health.progress(), handling) {
                Ok(handled) => {
                    self.well(&mut backoff);
                    self.say_handled(handled)?;
                    continue;
                }
                Err(NotHandled::Poison(id, poison)) => {
                    for event in incoming[part.clone()].iter_mut().filter(|event| event.id == id) {
                        event.content = Err(poison.clone());
                    }
                    parts.push_front(part);
                }
                Err(NotHandled::Db(DbFault::Refused(why))) if 1 < part.len() => {
                    tracing::info!(
                        why,
                        records = part.len(),
                        "the batch is split to find what the database refuses"
                    );
                    let middle = part.start + part.len() / 2;
                    parts.push_front(middle..part.end);
                    parts.push_front(part.start..middle);
                }
                Err(NotHandled::Db(DbFault::Refused(why)))
                    if incoming[part.start].content.is_ok() =>
                {
                    incoming[part.start].content = Err(Poison::new(PoisonClass::Refused, why));
                    parts.push_front(part);
                }
                Err(NotHandled::Db(fault)) => {
                    parts.push_front(part);
                    self.acknowledged = acknowledged;
                    self.database_fault(&fault, &mut backoff)?;
                    continue;
                }
            }
            self.acknowledged = acknowledged;
        }
        Ok(())
    }

    /// Says what a transaction has left to be said, and ends the spans of what was delivered.
    pub(crate) fn say_handled(&mut self, handled: Handled) -> Done<()> {
        self.say(handled.owed, handled.sending)
    }

    /// Says `owed`, in order, until all of it is acknowledged.
    pub(crate) fn say(
        &mut self,
        owed: Vec<Owed>,
        mut sending: HashMap<Uuid, ActiveSpan>,
    ) -> Done<()> {
        let mut backoff = Backoff::new();
        let mut open = owed;
        while !open.is_empty() {
            self.add_spans_of_repeats(&open, &mut sending);
            let fault = self.say_once(&mut open, &mut sending);
            match fault {
                Some(fault) => {
                    self.say_fault(&fault, &mut backoff)?;
                }
                None if !open.is_empty() => return Err(Stopping),
                None => self.well(&mut backoff),
            }
        }
        self.health.not_ready("refused", None);
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
    ) -> Option<crate::say::SayFault> {
        let (hear, health, stop, metrics) =
            (&mut self.hear, &self.health, &self.stop, &self.handler.metrics);
        let began = Instant::now();
        let mut said = vec![false; open.len()];
        let records: Vec<&Owed> = open.iter().collect();
        let delivered = |place: usize, there: crate::say::Delivered| {
            said[place] = true;
            let record = records[place];
            metrics.sent(&record.record.topic, began.elapsed().as_secs_f64(), None);
            if let Some(span) = sending.remove(&record.id) {
                span.delivered(there.partition, there.offset);
            }
        };
        let mut waits = 0_u32;
        let waiting = || {
            waits += 1;
            // Ten waits are a second: long for an acknowledgement.
            if 10 < waits {
                health.fault(Some("Kafka does not acknowledge what was said".to_owned()));
                hear.stand_still();
            }
            health.progress();
            !stop.is_over()
        };
        let fault = self.speaker.say(&records, delivered, waiting).err();
        if let Some(fault) = &fault {
            metrics.sent(&fault.topic, began.elapsed().as_secs_f64(), Some(&fault.error_type));
            for (_, span) in sending.drain() {
                span.failed(&fault.error_type);
            }
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

    /// At start and at each assignment: first all that is owed is said, then it is settled where
    /// each partition starts.
    fn settle(&mut self, said_all: &mut bool) -> Done<()> {
        if *said_all && !self.hear.assignments.are_pending() {
            return Ok(());
        }
        self.say_owed(0)?;
        *said_all = true;
        let mut backoff = Backoff::new();
        while self.hear.assignments.are_pending() {
            let nothing = owing::nothing_handled(&self.handler.db);
            let health = &self.health;
            let settled = match self.hear.wait(&self.runtime, || health.progress(), nothing) {
                Ok(nothing) => self.hear.settle(nothing),
                Err(fault) => {
                    self.database_fault(&fault, &mut backoff)?;
                    continue;
                }
            };
            match settled {
                Ok(()) => self.well(&mut backoff),
                Err(error) => self.kafka_fault(&error, &mut backoff)?,
            }
        }
        let gaps = self.hear.assignments.describe_gaps();
        self.handler.metrics.gaps(self.hear.assignments.gaps());
        self.health.not_ready("gap", gaps);
        if self.hear.assignments.any() {
            self.health.not_ready("assignment", None);
        }
        Ok(())
    }

    /// Says all that has been owed for at least `age_ms`, page by page.
    pub(crate) fn say_owed(&mut self, age_ms: i64) -> Done<()> {
        let mut backoff = Backoff::new();
        let mut after = owing::Page::default();
        loop {
            let page = owing::page(&self.handler.db, age_ms, &after);
            let health = &self.health;
            match self.hear.wait(&self.runtime, || health.progress(), page) {
                Ok(None) => return Ok(()),
                Ok(Some((owed, next))) => {
                    let known: std::collections::HashSet<Uuid> =
                        self.acknowledged.iter().copied().collect();
                    let open = owed.into_iter().filter(|owed| !known.contains(&owed.id)).collect();
                    self.say(open, HashMap::new())?;
                    after = next;
                }
                Err(fault) => self.database_fault(&fault, &mut backoff)?,
            }
        }
    }

    /// Forgets what is acknowledged, as far as the time to drain allows.
    fn drain(&mut self) {
        tracing::info!("stopping");
        if !self.acknowledged.is_empty() {
            let (left, forgetting) =
                (self.stop.time_left(), owing::forget_now(&self.handler.db, &self.acknowledged));
            // The timer of the time-out needs the runtime when it is made.
            let forgotten =
                self.runtime.block_on(async { tokio::time::timeout(left, forgetting).await });
            if !matches!(forgotten, Ok(Ok(()))) {
                tracing::warn!("what was said last is said once more after the next start");
            }
        }
    }
}
