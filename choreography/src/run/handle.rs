//! Handling a batch, by its transaction or by several.

use std::collections::VecDeque;
use std::ops::Range;

use super::fault::{Backoff, DATABASE};
use super::{Done, Runner, Stopping};
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
        let mut backoff = Backoff::new();
        let mut parts = VecDeque::new();
        parts.push_back(0..incoming.len());
        while let Some(part) = parts.pop_front() {
            if self.stop.is_over() {
                return Err(Stopping);
            }
            let handling = self.handler.handle(&incoming[part.clone()], &self.acknowledged);
            match self.waiter.wait(&mut self.hear, handling) {
                Ok(handled) => {
                    self.acknowledged.clear();
                    self.well(DATABASE, &mut backoff);
                    self.say(handled.owed, handled.sending)?;
                }
                Err(NotHandled::Poison(id, poison)) => {
                    for event in incoming[part.clone()].iter_mut().filter(|event| event.id == id) {
                        event.set_aside(poison.clone());
                    }
                    parts.push_front(part);
                }
                Err(NotHandled::Db(fault)) => match refusal(&fault, &backoff) {
                    Some(why) if 1 < part.len() => split(&part, &why, &mut parts),
                    Some(why) if incoming[part.start].content.is_ok() => {
                        incoming[part.start].set_aside(Poison::new(PoisonClass::Refused, why));
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

fn split(part: &Range<usize>, why: &str, parts: &mut VecDeque<Range<usize>>) {
    tracing::info!(
        why,
        records = part.len(),
        "the batch is split to find what the database refuses"
    );
    let middle = part.start + part.len() / 2;
    parts.push_front(middle..part.end);
    parts.push_front(part.start..middle);
}
