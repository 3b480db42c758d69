//! Handling a batch, by its transaction or by several.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::fault::{Backoff, DATABASE};
use super::limit::Aside;
use super::{Done, Runner, Stopping};
use crate::crash_point;
use crate::db::DbFault;
use crate::dead_letter::{Poison, PoisonClass};
use crate::handle::NotHandled;
use crate::incoming::Incoming;
use crate::service::Service;

/// Two rows of a service's own with one key: the first times it is another instance that was in
/// between, then it is the data.
const UNIQUE_TRIES: u32 = 3;

impl<S: Service> Runner<S> {
    /// Handles what was heard, and says what follows. A poisonous event is found and set aside;
    /// everything else is tried until it succeeds.
    pub(super) fn handle(&mut self, mut incoming: Vec<Incoming<S::Hears>>) -> Done<()> {
        crash_point!(Batch Taken);
        let mut backoff = Backoff::new();
        let mut parts = VecDeque::new();
        let mut aside = Aside::new();
        let mut served = Instant::now();
        parts.push_back(0..incoming.len());
        while let Some(part) = parts.pop_front() {
            if self.stop.is_over() {
                return Err(Stopping);
            }
            self.serve(&mut served);
            let handling = self.handler.handle(&incoming[part.clone()], &self.acknowledged);
            match self.waiter.wait(&mut self.hear, handling) {
                Ok(handled) => {
                    self.limit_passed();
                    self.acknowledged.clear();
                    self.well(DATABASE, &mut backoff);
                    self.say(handled.owed, handled.sending)?;
                }
                Err(NotHandled::TooManyDead(dead)) => {
                    aside.put_back(&mut incoming, part.start);
                    parts.push_front(part);
                    self.limit_reached(dead, &mut backoff)?;
                }
                Err(NotHandled::Poison(id, poison)) => {
                    for place in part.clone() {
                        let event = &mut incoming[place];
                        if event.id == id {
                            aside.keep(place, event);
                            event.set_aside(poison.clone());
                        }
                    }
                    // More of it may be poison: then each try costs less than the one before.
                    split(&part, &mut parts);
                }
                Err(NotHandled::Db(fault)) => match refusal(&fault, &backoff) {
                    Some(why) if 1 < part.len() => {
                        let records = part.len();
                        tracing::info!(
                            why,
                            records,
                            "the batch is split to find what the database refuses"
                        );
                        split(&part, &mut parts);
                    }
                    Some(why) if incoming[part.start].content.is_ok() => {
                        let event = &mut incoming[part.start];
                        aside.keep(part.start, event);
                        event.set_aside(Poison::new(PoisonClass::Refused, why));
                        parts.push_front(part);
                    }
                    // Also if the database refuses a dead letter: that is nobody's data.
                    Some(_) | None => {
                        parts.push_front(part);
                        self.database_fault(&fault, &mut backoff)?;
                    }
                },
            }
        }
        Ok(())
    }
}

/// How long a batch may take before the consumer is served.
const SERVE_EACH: Duration = Duration::from_millis(500);

impl<S: Service> Runner<S> {
    /// A batch of many parts takes long, and the group must not take this member for dead.
    fn serve(&mut self, served: &mut Instant) {
        self.health.progress();
        if SERVE_EACH <= served.elapsed() {
            self.hear.stand_still();
            *served = Instant::now();
        }
    }
}

/// Why the database refuses the data, if it does.
pub(super) fn refusal(fault: &DbFault, backoff: &Backoff) -> Option<String> {
    match fault {
        DbFault::Refused(why) => Some(why.clone()),
        DbFault::Conflict(conflict) => {
            (conflict.is_twice && UNIQUE_TRIES <= backoff.tries()).then(|| conflict.why.clone())
        }
        DbFault::Transient(_) => None,
    }
}

/// In halves, the first one first; what is one record stays so.
fn split(part: &Range<usize>, parts: &mut VecDeque<Range<usize>>) {
    let middle = part.start + part.len() / 2;
    for half in [middle..part.end, part.start..middle] {
        if !half.is_empty() {
            parts.push_front(half);
        }
    }
}
