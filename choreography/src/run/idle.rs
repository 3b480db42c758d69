//! What is done between batches: forgetting, saying old debts again, timers, figures, pruning.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{Backoff, Done, Runner};
use crate::db::DbFault;
use crate::dead_letter::{Poison, PoisonClass};
use crate::handle::NotHandled;
use crate::owing;
use crate::service::Service;
use crate::timers::{self, TIMERS_MAX};

/// When each was done last.
pub(crate) struct Idle {
    /// A batch was handled.
    busy: Instant,
    timers: Instant,
    resend: Instant,
    prune: Instant,
    /// How long ids of handled events are kept, in milliseconds; `None`: forever.
    window_ms: Option<i64>,
}

const FORGET_AFTER: Duration = Duration::from_secs(1);
const TIMERS_EACH: Duration = Duration::from_secs(1);
const RESEND_EACH: Duration = Duration::from_secs(30);
const PRUNE_EACH: Duration = Duration::from_secs(10);

impl Idle {
    pub(crate) fn new(window_ms: Option<i64>) -> Self {
        let now = Instant::now();
        Self { busy: now, timers: now, resend: now, prune: now, window_ms }
    }

    pub(super) fn busy(&mut self) {
        self.busy = Instant::now();
    }
}

/// Whether a thing's time has come; if so, it counts from now again.
fn is_time(last: &mut Instant, each: Duration) -> bool {
    let time = each <= last.elapsed();
    if time {
        *last = Instant::now();
    }
    time
}

impl<S: Service> Runner<S> {
    /// Does what is to be done now. Faults of the database or Kafka wait for the next time.
    pub(super) fn tend(&mut self) -> Done<()> {
        if !self.acknowledged.is_empty() && FORGET_AFTER <= self.idle.busy.elapsed() {
            self.forget();
        }
        if is_time(&mut self.idle.timers, TIMERS_EACH) {
            self.tend_timers()?;
        }
        if is_time(&mut self.idle.resend, RESEND_EACH) {
            let age = i64::try_from(RESEND_EACH.as_millis()).unwrap_or(i64::MAX);
            self.say_owed(age)?;
        }
        if is_time(&mut self.idle.prune, PRUNE_EACH) {
            self.prune();
        }
        self.figures();
        Ok(())
    }

    fn forget(&mut self) {
        let health = &self.health;
        let forgetting = owing::forget_now(&self.handler.db, &self.acknowledged);
        match self.hear.wait(&self.runtime, || health.progress(), forgetting) {
            Ok(()) => self.acknowledged.clear(),
            Err(fault) => tracing::warn!(%fault, "what was said is not forgotten yet"),
        }
    }

    fn tend_timers(&mut self) -> Done<()> {
        let health = &self.health;
        let due = match self.hear.wait(
            &self.runtime,
            || health.progress(),
            timers::due(&self.handler.db),
        ) {
            Ok(due) => due,
            Err(fault) => {
                tracing::warn!(%fault, "timers are not looked at");
                return Ok(());
            }
        };
        self.handler.metrics.timers_late(due.first.map_or(0, |first| (due.now - first).max(0)));
        let topics = self.handler.manifest.topics_heard();
        match self.timers.look(&self.hear.offsets, &topics, due) {
            Ok(Some(allowed)) => self.take_timers(allowed),
            Ok(None) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "timers wait, as Kafka does not tell how far the group has come");
                Ok(())
            }
        }
    }

    fn take_timers(&mut self, allowed: i64) -> Done<()> {
        let mut backoff = Backoff::new();
        let mut dead: HashMap<_, Poison> = HashMap::new();
        let mut most = TIMERS_MAX;
        loop {
            let health = &self.health;
            let taking = self.handler.handle_timers(allowed, most, &dead);
            match self.hear.wait(&self.runtime, || health.progress(), taking) {
                Ok((0, _)) => return Ok(()),
                Ok((_, handled)) => {
                    self.say_handled(handled)?;
                    most = TIMERS_MAX;
                }
                Err((_, NotHandled::Poison(id, poison))) => {
                    dead.insert(id, poison);
                }
                // Which timer it is shows when each is taken alone.
                Err((_, NotHandled::Db(DbFault::Refused(_)))) if 1 < most => most = 1,
                Err((Some(id), NotHandled::Db(DbFault::Refused(why))))
                    if !dead.contains_key(&id) =>
                {
                    dead.insert(id, Poison::new(PoisonClass::Refused, why));
                }
                Err((_, NotHandled::Db(fault))) => self.database_fault(&fault, &mut backoff)?,
            }
        }
    }

    fn prune(&mut self) {
        let Some(window_ms) = self.idle.window_ms else { return };
        let health = &self.health;
        let dead_ms = shared_events::topics::DEAD_LETTER_RETENTION_MS;
        let pruning = owing::prune(&self.handler.db, window_ms, dead_ms);
        match self.hear.wait(&self.runtime, || health.progress(), pruning) {
            Ok(0) => (),
            Ok(count) => tracing::debug!(count, "ids pruned"),
            Err(fault) => tracing::warn!(%fault, "ids are not pruned"),
        }
    }

    /// Tells the metrics how far behind we are, as often as the client tells us.
    fn figures(&mut self) {
        let Some(lags) = self.hear.lags() else { return };
        let seconds = self.hear.seconds_behind();
        for lag in &lags {
            let seconds = if lag.records == 0 { 0.0 } else { seconds };
            self.handler.metrics.lag(&lag.topic, lag.partition, lag.records, seconds);
        }
        let health = &self.health;
        let backlog = owing::backlog(&self.handler.db);
        if let Ok(backlog) = self.hear.wait(&self.runtime, || health.progress(), backlog) {
            self.handler.metrics.owed(backlog.count, backlog.oldest_ms);
        }
    }
}
