//! What is done when the group assigns partitions.

use super::fault::{Backoff, OFFSETS};
use super::{Done, Runner};
use crate::owing;
use crate::service::Service;

/// What was settled, and told.
#[derive(Default)]
pub(super) struct Settled {
    /// What was owed at the start has been said.
    said_all: bool,
    /// How often the group had told what is ours, when health was told.
    told: u64,
}

impl<S: Service> Runner<S> {
    /// At start and at each assignment: first all that is owed is said, then it is settled where
    /// each partition starts.
    pub(super) fn settle(&mut self, settled: &mut Settled) -> Done<()> {
        let mut backoff = Backoff::new();
        while !settled.said_all || self.hear.assignments.are_pending() {
            let changes = self.hear.assignments.changes();
            self.say_owed(0)?;
            settled.said_all = true;
            settled.told = 0;
            let nothing = owing::nothing_handled(&self.handler.db);
            match self.waiter.wait(&mut self.hear, nothing) {
                // Whoever had what was assigned meanwhile may have owed something for it.
                Ok(_) if changes != self.hear.assignments.changes() => (),
                Ok(nothing) => match self.hear.settle(nothing) {
                    Ok(()) => self.well(OFFSETS, &mut backoff),
                    Err(error) => self.kafka_fault(&error, &mut backoff)?,
                },
                Err(fault) => self.database_fault(&fault, &mut backoff)?,
            }
        }
        let changes = self.hear.assignments.changes();
        if settled.told != changes {
            settled.told = changes;
            self.tell_assignments();
        }
        Ok(())
    }

    /// An instance may be assigned nothing: it is as ready as the others.
    fn tell_assignments(&self) {
        self.handler.metrics.gaps(self.hear.assignments.gaps());
        self.handler.metrics.dead_letter_limit(self.limited);
        self.health.not_ready("gap", self.hear.assignments.describe_gaps());
        self.health.not_ready("assignment", None);
    }
}
