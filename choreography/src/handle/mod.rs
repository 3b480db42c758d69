//! Handling: one batch in one transaction, each statement on its own, in the order that the models
//! in `models/` have checked.
//!
//! ```text
//! begin    one transaction for the batch
//! forget   what Kafka has acknowledged since is owed no longer
//! handled  the events' ids; those already there are repeats
//! lock     the keys of the events
//! owed     only now, what is still owed about the keys or to the causes of the batch
//! load     the service's own state
//! react    the decisions, in memory
//! save     the service's state, what is owed now, timers, the sequences
//! commit
//! ```
//!
//! `lock` stands before `owed`, in a statement of its own: whoever says something about a key says
//! first what is still owed about it, and in PostgreSQL a statement sees what was committed before
//! it began, so that what is owed has to be read after the lock was got.

mod dead;
mod decide;
mod steps;
mod tell;
mod timers;

pub(crate) use dead::LATEST;
pub(crate) use steps::{OwedRow, forget, read};

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use shared_events::ids::EventId;

use crate::crash_point;
use crate::db::{Database, DbFault, DbResult, Transaction};
use crate::dead_letter::{Poison, panic_text};
use crate::incoming::Incoming;
use crate::manifest::Manifest;
use crate::record::{Owed, Record};
use crate::service::Service;
use crate::telemetry::{ActiveSpan, Metrics, Spans, TraceContext};

/// What handling needs, of one service.
pub(crate) struct Handler<S> {
    pub(crate) service: S,
    pub(crate) manifest: Manifest,
    /// Who speaks: `ce_source`.
    pub(crate) source: String,
    pub(crate) db: Database,
    pub(crate) spans: Spans,
    pub(crate) metrics: Metrics,
    /// The largest answer, in bytes.
    pub(crate) answer_bytes: usize,
    /// So many of the latest [`LATEST`] events may be dead letters.
    pub(crate) dead_max: i64,
}

/// What a transaction has left to be said.
#[derive(Default)]
pub(crate) struct Handled {
    /// By key and sequence: what was owed before, and what is new. Dead letters are last.
    pub(crate) owed: Vec<Owed>,
    /// The spans of what is new, by id.
    pub(crate) sending: HashMap<uuid::Uuid, ActiveSpan>,
}

/// Why a batch was not handled.
#[derive(Debug)]
pub(crate) enum NotHandled {
    /// This event of the batch is poison.
    Poison(EventId, Poison),
    /// So many of the latest events would be dead letters with this batch, which is over the limit.
    TooManyDead(i64),
    /// The database says why.
    Db(DbFault),
}

impl From<DbFault> for NotHandled {
    fn from(fault: DbFault) -> Self {
        Self::Db(fault)
    }
}

/// An answer, or a timer, that a decision has made.
#[derive(Default)]
pub(crate) struct Decided {
    /// New rows of `owed`.
    owed: Vec<Owed>,
    /// New rows of `timers`.
    timers: Vec<Timer>,
    /// The sequence of the last answer, by key.
    spoken: BTreeMap<String, i64>,
    sending: HashMap<uuid::Uuid, ActiveSpan>,
    /// What is told of each event, once that counts.
    processed: Vec<Processed>,
    /// Why an event does not count, by its id.
    ignored: HashMap<uuid::Uuid, &'static str>,
}

/// What telemetry is told of an event that was decided about.
struct Processed {
    topic: String,
    took: Duration,
    /// Why it is a dead letter, if so.
    died: Option<&'static str>,
    span: ActiveSpan,
    ended: SystemTime,
}

/// A row of `timers` to be.
struct Timer {
    id: uuid::Uuid,
    after_ms: i64,
    record: Record,
}

impl<S: Service> Handler<S> {
    /// Handles `batch` in one transaction. `acknowledged` is forgotten with it.
    ///
    /// # Errors
    /// Nothing has happened, unless the database failed during the commit: then it is unknown.
    pub(crate) async fn handle(
        &self,
        batch: &[Incoming<S::Hears>],
        acknowledged: &[uuid::Uuid],
    ) -> Result<Handled, NotHandled> {
        let mut db = self.db.begin().await?;
        crash_point!(Begun);
        steps::forget(&mut db, acknowledged).await?;
        crash_point!(Forgotten);
        self.transaction(db, batch).await
    }

    /// The steps from `handled` to `commit`, in a span of their own.
    async fn transaction(
        &self,
        db: Transaction,
        batch: &[Incoming<S::Hears>],
    ) -> Result<Handled, NotHandled> {
        let span = self.spans.transaction(self.manifest.service, senders(batch));
        let handled = self.steps(db, batch).await;
        match &handled {
            Ok(_) => span.end(),
            Err(NotHandled::Db(fault)) => span.failed(fault.class()),
            Err(NotHandled::Poison(_, poison)) => span.failed(poison.class.as_str()),
            Err(NotHandled::TooManyDead(_)) => span.failed("dead_letter_limit"),
        }
        handled
    }

    async fn steps(
        &self,
        mut db: Transaction,
        batch: &[Incoming<S::Hears>],
    ) -> Result<Handled, NotHandled> {
        let candidates = steps::candidates(&mut db, batch).await?;
        let heard: Vec<_> = candidates
            .iter()
            .filter_map(|incoming| incoming.content.as_ref().ok())
            .map(|content| content.heard.clone())
            .collect();
        // All of these go out together, with the first statement that loads: which candidates are
        // new is not known before, and so repeats are locked and loaded, too.
        let handled = steps::handled(&mut db, &candidates).await?;
        crash_point!(Handled);
        let locked = steps::lock(&mut db, &candidates).await?;
        crash_point!(Locked);
        let owed = steps::owed(&mut db, batch).await?;
        crash_point!(Owed);
        let state = if heard.is_empty() {
            None
        } else {
            Some(caught("load", self.service.load(&mut db, &heard)).await?)
        };
        crash_point!(Loaded);
        let new = steps::new(candidates, db.answer(handled).await?);
        self.limit_dead(&mut db, &new).await?;
        let spoken = steps::spoken(&mut db, locked, &new).await?;
        let owed = db.answer(owed).await?.into_iter().filter_map(read).collect();
        let (state, mut decided) = self.react(state, &new, spoken)?;
        crash_point!(Reacted);
        if let Some(state) = state {
            caught("save", self.service.save(&mut db, state)).await?;
        }
        steps::save(&mut db, &decided).await?;
        crash_point!(Saved);
        db.commit().await?;
        crash_point!(Committed);
        self.tell(batch, &new, &mut decided);
        Ok(to_say(owed, decided))
    }
}

/// A panic of the service outside of a decision is no event's fault: it is told, and tried again.
async fn caught<T>(what: &str, doing: impl Future<Output = DbResult<T>>) -> DbResult<T> {
    let mut doing = pin!(doing);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| doing.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| {
            let text = format!("{what} of the service panics: {}", panic_text(panic.as_ref()));
            Poll::Ready(Err(DbFault::Transient(text)))
        })
    })
    .await
}

/// The senders of what a batch holds, and which events these are.
fn senders<E>(batch: &[Incoming<E>]) -> impl Iterator<Item = (&TraceContext, EventId)> {
    batch.iter().map(|incoming| (&incoming.trace, incoming.id))
}

fn to_say(owed: Vec<Owed>, decided: Decided) -> Handled {
    let mut all = owed;
    all.extend(decided.owed);
    all.sort_by(|a, b| {
        let order = |o: &Owed| (o.key.is_none(), o.key.clone(), o.sequence);
        order(a).cmp(&order(b))
    });
    Handled { owed: all, sending: decided.sending }
}
