//! What is done between batches: forgetting, saying old debts again, timers, figures, pruning.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::fault::{BROKER, Backoff, DATABASE, OFFSETS};
use super::handle::refusal;
use super::{Done, Runner};
use crate::db::DbFault;
use crate::dead_letter::{Poison, PoisonClass};
use crate::handle::NotHandled;
use crate::hear::Partition;
use crate::owing;
use crate::service::Service;
use crate::timers::{self, TIMERS_MAX};

/// When each was done last.
pub(crate) struct Idle {
    /// A batch was handled, or forgetting was tried.
    forget: Instant,
    timers: Instant,
    resend: Instant,
    prune: Instant,
    /// How long ids of handled events are kept, in milliseconds; `None`: forever.
    window_ms: Option<i64>,
    /// Whose lag was told.
    told: HashSet<Partition>,
}

const FORGET_AFTER: Duration = Duration::from_secs(1);
const TIMERS_EACH: Duration = Duration::from_secs(1);
const RESEND_EACH: Duration = Duration::from_secs(30);
const PRUNE_EACH: Duration = Duration::from_secs(10);

impl Idle {
    pub(crate) fn new(window_ms: Option<i64>) -> Self {
        let now = Instant::now();
        let told = HashSet::new();
        Self { forget: now, timers: now, resend: now, prune: now, window_ms, told }
    }

    pub(super) fn busy(&mut self) {
        self.forget = Instant::now();
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

/// There is more of it: its time is now. A batch comes in between.
fn again(last: &mut Instant, each: Duration) {
    *last = last.checked_sub(each).unwrap_or(*last);
}

impl<S: Service> Runner<S> {
    /// Does what is to be done now. Faults of the database or Kafka wait for the next time.
    pub(super) fn tend(&mut self) -> Done<()> {
        if is_time(&mut self.idle.forget, FORGET_AFTER) {
            self.forget();
        }
        if is_time(&mut self.idle.timers, TIMERS_EACH) {
            self.tend_timers()?;
        }
        if is_time(&mut self.idle.resend, RESEND_EACH) {
            let age = i64::try_from(RESEND_EACH.as_millis()).unwrap_or(i64::MAX);
            self.refused.begin();
            self.say_owed(age)?;
            self.refused.tell(&self.health);
        }
        if is_time(&mut self.idle.prune, PRUNE_EACH) {
            self.prune();
        }
        self.figures();
        Ok(())
    }

    pub(super) fn forget(&mut self) {
        if self.acknowledged.is_empty() {
            return;
        }
        let forgetting = owing::forget_now(&self.handler.db, &self.acknowledged);
        match self.waiter.wait(&mut self.hear, forgetting) {
            Ok(()) => {
                self.faults.clear(DATABASE);
                self.acknowledged.clear();
            }
            Err(fault) => self.later(&fault, "what was said is not forgotten yet"),
        }
    }

    /// Something in the database is tried again at its next time.
    fn later(&mut self, fault: &DbFault, what: &str) {
        if matches!(fault, DbFault::Conflict(_)) {
            self.handler.metrics.conflict();
            tracing::debug!(%fault, "{what}");
        } else {
            tracing::warn!(%fault, "{what}");
            self.faults.set(DATABASE, format!("the database: {fault}"));
        }
    }

    fn tend_timers(&mut self) -> Done<()> {
        let due = match self.waiter.wait(&mut self.hear, timers::due(&self.handler.db)) {
            Ok(due) => due,
            Err(fault) => {
                self.later(&fault, "timers are not looked at");
                return Ok(());
            }
        };
        self.faults.clear(DATABASE);
        self.handler.metrics.timers_late(due.first.map_or(0, |first| (due.now - first).max(0)));
        let topics = self.handler.manifest.topics_heard();
        match self.timers.look(&self.hear.offsets, &topics, due) {
            Ok(Some(allowed)) => {
                self.faults.clear(OFFSETS);
                self.take_timers(allowed)
            }
            Ok(None) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "timers wait, as Kafka does not tell how far the group has come");
                let text = format!("Kafka does not tell how far the group has come: {error}");
                self.faults.set(OFFSETS, text);
                Ok(())
            }
        }
    }

    /// Takes one transaction's timers.
    fn take_timers(&mut self, allowed: i64) -> Done<()> {
        let mut backoff = Backoff::new();
        let mut dead: HashMap<_, Poison> = HashMap::new();
        let mut most = TIMERS_MAX;
        loop {
            let taking = self.handler.handle_timers(allowed, most, &dead, &self.acknowledged);
            match self.waiter.wait(&mut self.hear, taking) {
                Ok((taken, handled)) => {
                    self.well(DATABASE, &mut backoff);
                    self.limit_passed();
                    if 0 < taken {
                        self.acknowledged.clear();
                        again(&mut self.idle.timers, TIMERS_EACH);
                    }
                    return self.say(handled.owed, handled.sending);
                }
                Err(failed) => match failed.why {
                    NotHandled::Poison(id, poison) => {
                        dead.insert(id, poison);
                    }
                    NotHandled::TooManyDead(count) => {
                        dead.clear();
                        self.limit_reached(count, &mut backoff)?;
                    }
                    NotHandled::Db(fault) => match (refusal(&fault, &backoff), failed.first) {
                        // Which timer it is shows when it is taken alone.
                        (Some(_), _) if 1 < most => most /= 2,
                        (Some(why), Some(id)) if !dead.contains_key(&id) => {
                            dead.insert(id, Poison::new(PoisonClass::Refused, why));
                        }
                        (Some(_) | None, _) => self.database_fault(&fault, &mut backoff)?,
                    },
                },
            }
        }
    }

    fn prune(&mut self) {
        let Some(window_ms) = self.idle.window_ms else { return };
        let dead_ms = shared_events::topics::DEAD_LETTER_RETENTION_MS;
        let pruning = owing::prune(&self.handler.db, window_ms, dead_ms);
        match self.waiter.wait(&mut self.hear, pruning) {
            Ok(0) => (),
            Ok(count) => {
                tracing::debug!(count, "ids pruned");
                again(&mut self.idle.prune, PRUNE_EACH);
            }
            Err(fault) => self.later(&fault, "ids are not pruned"),
        }
    }

    /// Tells the metrics how far behind we are, as often as the client tells us.
    fn figures(&mut self) {
        if !self.consumer_figures() {
            return;
        }
        let backlog = owing::backlog(&self.handler.db);
        if let Ok(backlog) = self.waiter.wait(&mut self.hear, backlog) {
            self.handler.metrics.owed(backlog.count, backlog.oldest_ms);
            self.handler.metrics.timers(backlog.timers);
        }
    }

    /// The same without the database, also while that is away. Out: whether there was something new.
    pub(super) fn consumer_figures(&mut self) -> bool {
        let Some(lags) = self.hear.lags() else { return false };
        if self.hear.is_away() {
            self.faults.set(BROKER, "Kafka: no broker can be reached".to_owned());
        } else {
            self.faults.clear(BROKER);
        }
        let metrics = &self.handler.metrics;
        let mut told = HashSet::new();
        for lag in lags {
            let (topic, partition) = &lag.partition;
            metrics.lag(topic, *partition, lag.records, lag.seconds);
            told.insert(lag.partition);
        }
        for (topic, partition) in self.idle.told.difference(&told) {
            metrics.forget_lag(topic, *partition);
        }
        self.idle.told = told;
        true
    }
}
