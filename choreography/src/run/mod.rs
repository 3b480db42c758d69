//! The loop of one instance: take, handle, say, offsets. One batch at a time, on a thread of its
//! own, so that it reads from top to bottom.

mod fault;
mod handle;
mod idle;
mod limit;
mod refused;
mod say;
mod settle;
mod stop;
mod wait;

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

pub(crate) use fault::Faults;
pub(crate) use idle::Idle;
pub(crate) use refused::Refused;
pub use stop::Stop;
pub(crate) use wait::Waiter;

use crate::handle::Handler;
use crate::health::Health;
use crate::hear::{Batch, Hear};
use crate::incoming::{self, Incoming};
use crate::owing;
use crate::say::Speaker;
use crate::service::Service;
use crate::telemetry::metrics::Operation;
use crate::timers::Timers;
use settle::Settled;

/// One instance of a service.
pub(crate) struct Runner<S: Service> {
    pub(crate) handler: Handler<S>,
    pub(crate) hear: Hear,
    pub(crate) speaker: Speaker,
    pub(crate) timers: Timers,
    pub(crate) health: Health,
    pub(crate) faults: Faults,
    pub(crate) stop: Stop,
    pub(crate) waiter: Waiter,
    /// What Kafka has acknowledged and `owed` still holds.
    pub(crate) acknowledged: Vec<Uuid>,
    pub(crate) idle: Idle,
    pub(crate) refused: Refused,
    /// The limit of dead letters is reached, and that has been told.
    pub(crate) limited: bool,
}

/// The instance is stopping: what is under way is left as it is, which loses nothing.
pub(crate) struct Stopping;

/// What ended early, or was done.
pub(crate) type Done<T> = Result<T, Stopping>;

/// How long the loop waits for a record before it looks around.
const IDLE_WAIT: Duration = Duration::from_millis(200);

impl<S: Service> Runner<S> {
    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// The consumer has failed for good; a new process has to take over.
    pub(crate) fn run(&mut self) -> anyhow::Result<()> {
        tracing::info!(service.name = self.handler.manifest.service, "running");
        self.health.started();
        let ended = self.turns();
        self.drain();
        ended
    }

    fn turns(&mut self) -> anyhow::Result<()> {
        let mut settled = Settled::default();
        while !self.stop.is_stopping() {
            let tended = self.settle(&mut settled).and_then(|()| self.tend());
            if tended.is_err() {
                break;
            }
            let manifest = &self.handler.manifest;
            let batch = self.hear.take(IDLE_WAIT, |taken| incoming::is_heard(manifest, taken))?;
            self.health.progress();
            self.health.stuck(self.hear.stuck());
            self.tell_trouble();
            let records_keep_coming = !batch.is_empty();
            if records_keep_coming && self.turn(batch).is_err() {
                break;
            }
            self.commit(records_keep_coming);
        }
        Ok(())
    }

    fn commit(&mut self, records_keep_coming: bool) {
        if let Err(error) = self.hear.commit(records_keep_coming) {
            tracing::warn!(%error, "offsets are not committed: the records will come again");
        }
    }

    /// One batch, from what was taken to its offsets.
    fn turn(&mut self, mut batch: Batch) -> Done<()> {
        let taken = std::mem::take(&mut batch.records);
        let handler = &self.handler;
        let incoming: Vec<Incoming<S::Hears>> = taken
            .into_iter()
            .filter_map(|taken| incoming::read(&handler.manifest, &handler.spans, taken))
            .collect();
        self.observe(&incoming, &batch);
        if !incoming.is_empty() {
            let places = refused::places(&incoming);
            self.handle(incoming)?;
            self.rest_refused(&places);
            self.idle.busy();
        }
        self.hear.handled(&batch);
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
            let seconds = batch.started.elapsed().unwrap_or_default().as_secs_f64();
            metrics.operation(Operation::Poll, Some(topic), Some(manifest.service), seconds, None);
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

    /// Forgets what is acknowledged, as far as the time to drain allows.
    fn drain(&mut self) {
        tracing::info!("stopping");
        self.commit(false);
        let forgetting = owing::forget_now(&self.handler.db, &self.acknowledged);
        if !self.waiter.is_done_within(self.stop.time_left(), forgetting) {
            tracing::warn!("what was said last is said once more after the next start");
        }
    }
}
