//! What is set aside: its dead letter, and how much of it there may be.

use shared_events::topics::dead_letter_topic;

use super::{Handler, NotHandled};
use crate::db::{DbResult, Input, Transaction};
use crate::dead_letter::{self, Poison};
use crate::incoming::Incoming;
use crate::record::Owed;
use crate::service::Service;
use crate::telemetry::ActiveSpan;
use crate::telemetry::spans::Message;

/// How many events the limit of dead letters looks at.
pub(crate) const LATEST: i64 = 100;

impl<S: Service> Handler<S> {
    /// The dead letter of an event, with the span that sends it.
    pub(super) fn dead_letter(
        &self,
        incoming: &Incoming<S::Hears>,
        poison: &Poison,
        process: &ActiveSpan,
    ) -> (Owed, ActiveSpan) {
        let topic = dead_letter_topic(&incoming.origin.topic, self.manifest.service);
        let message = Message {
            topic: &topic,
            key: None,
            name: incoming.name,
            id: incoming.id,
            source: incoming.source.as_deref(),
            correlation: incoming.correlation.as_deref(),
        };
        let send = self.spans.send(Some(&process.context()), &message, &[]).attempt();
        (dead_letter::of(self.manifest.service, incoming, poison, &send.context()), send)
    }

    /// Ends the transaction if what it sets aside, noted as handled before, is over the limit.
    pub(super) async fn limit_dead(
        &self,
        db: &mut Transaction,
        new: &[&Incoming<S::Hears>],
    ) -> Result<(), NotHandled> {
        if LATEST <= self.dead_max || new.iter().all(|incoming| incoming.content.is_ok()) {
            return Ok(());
        }
        match dead_of_latest(db).await? {
            dead if dead <= self.dead_max => Ok(()),
            dead => Err(NotHandled::TooManyDead(dead)),
        }
    }
}

/// How many of the latest [`LATEST`] events of the group became dead letters. In the database, so that
/// neither a restart nor another instance begins to count anew.
async fn dead_of_latest(db: &mut Transaction) -> DbResult<i64> {
    const DEAD: &str = "SELECT COUNT(*) FROM
        (SELECT dead FROM handled ORDER BY heard_at DESC, id LIMIT 100) AS latest WHERE dead = 1";
    let rows: Vec<(i64,)> = db.fetch(DEAD, Input::new()).await?;
    Ok(rows.first().map_or(0, |(count,)| *count))
}
