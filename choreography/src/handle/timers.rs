//! Timers that are due are handled as a batch is, in a transaction of their own.

use std::collections::HashMap;

use shared_events::amounts::Timestamp;
use shared_events::ids::EventId;

use super::{Handled, Handler, NotHandled, steps};
use crate::crash_point;
use crate::db::{DbFault, DbResult, Input, Transaction};
use crate::dead_letter::Poison;
use crate::incoming::{self, Incoming};
use crate::record::Record;
use crate::service::Service;
use crate::timers::{TAKE, TimerRow};

/// Why timers were not handled.
pub(crate) struct TimersNotHandled {
    /// The first one that was taken, if one was.
    pub(crate) first: Option<EventId>,
    pub(crate) why: NotHandled,
}

impl From<DbFault> for TimersNotHandled {
    fn from(fault: DbFault) -> Self {
        Self { first: None, why: NotHandled::Db(fault) }
    }
}

impl<S: Service> Handler<S> {
    /// Takes at most `most` timers due before `allowed` and handles them in one transaction, those
    /// in `dead` as dead letters. Out: how many were taken, and what is to be said. If some were,
    /// `acknowledged` is forgotten with them.
    ///
    /// # Errors
    /// As for [`Handler::handle`], with the first timer that was taken.
    pub(crate) async fn handle_timers(
        &self,
        allowed: i64,
        most: i64,
        dead: &HashMap<EventId, Poison>,
        acknowledged: &[uuid::Uuid],
    ) -> Result<(usize, Handled), TimersNotHandled> {
        let (mut db, batch) = self.take_timers(allowed, most, dead).await?;
        let Some(first) = batch.first().map(|timer| timer.id) else {
            return Ok((0, Handled::default()));
        };
        let failed = |why: NotHandled| TimersNotHandled { first: Some(first), why };
        steps::forget(&mut db, acknowledged).await?;
        crash_point!(Forgotten);
        let handled = self.transaction(db, &batch).await.map_err(failed)?;
        Ok((batch.len(), handled))
    }

    async fn take_timers(
        &self,
        allowed: i64,
        most: i64,
        dead: &HashMap<EventId, Poison>,
    ) -> DbResult<(Transaction, Vec<Incoming<S::Hears>>)> {
        let mut db = self.db.begin().await?;
        crash_point!(Timer Begun);
        let input = Input::new().int("allowed", [allowed]).int("most", [most]);
        let rows: Vec<TimerRow> = db.fetch(TAKE, input).await?;
        let mut batch =
            rows.into_iter().map(|row| self.read_timer(row)).collect::<Vec<Incoming<S::Hears>>>();
        for timer in &mut batch {
            if let Some(poison) = dead.get(&timer.id) {
                timer.set_aside(poison.clone());
            }
        }
        steps::due(&mut db, &batch).await?;
        crash_point!(Taken);
        Ok((db, batch))
    }

    /// A row that cannot be read is poison, as is a timer without a name: its bytes are set aside.
    fn read_timer(&self, (id, due, bytes): TimerRow) -> Incoming<S::Hears> {
        let record = Record::from_bytes(&bytes).unwrap_or_else(|error| {
            tracing::error!(event.id = %id, %error, "this row of timers cannot be read");
            let topic = self.manifest.timers.first().map_or("", |timer| timer.topic);
            Record::new(topic, None, None, Some(bytes), vec![])
        });
        incoming::of_timer(&self.manifest, &self.spans, EventId(id), record, Timestamp(due))
    }
}
