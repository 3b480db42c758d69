//! The statements of the runtime, step by step. All of a batch at once, keys and ids sorted.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use uuid::Uuid;

use super::Decided;
use crate::db::{DbFault, DbResult, Input, Transaction};
use crate::incoming::{Incoming, Via};
use crate::record::{Owed, Record};

/// Deletes what Kafka has acknowledged. What another instance is deleting at this moment is left to
/// it.
pub(crate) async fn forget(db: &mut Transaction, acknowledged: &[Uuid]) -> DbResult<()> {
    if acknowledged.is_empty() {
        return Ok(());
    }
    const FORGET: &str = "DELETE FROM owed WHERE id IN
        (SELECT id FROM owed WHERE id IN (SELECT id FROM input) FOR UPDATE SKIP LOCKED)";
    db.execute(FORGET, Input::new().id("id", acknowledged.iter().copied())).await?;
    Ok(())
}

/// Deletes the timers that the batch is made of.
pub(super) async fn due<E>(db: &mut Transaction, batch: &[Incoming<E>]) -> DbResult<()> {
    let timers: Vec<Uuid> = ids(batch, |incoming| incoming.via == Via::Timer);
    if !timers.is_empty() {
        const DUE: &str = "DELETE FROM timers WHERE id IN (SELECT id FROM input)";
        db.execute(DUE, Input::new().id("id", timers)).await?;
    }
    Ok(())
}

/// Notes the ids of the batch. Out: those that have their effect in this transaction, and whether
/// they have it by a replay.
pub(super) async fn handled<E>(
    db: &mut Transaction,
    batch: &[Incoming<E>],
) -> DbResult<HashSet<(Uuid, bool)>> {
    // By the database's time: all instances prune by it.
    const HANDLED: &str = "INSERT INTO handled (id, heard_at, dead)
        SELECT id, now_ms(), dead FROM input WHERE true ON CONFLICT (id) DO NOTHING RETURNING id";
    const REPLAYED: &str = "UPDATE handled SET dead = input.dead FROM input
        WHERE handled.id = input.id AND handled.dead = 1 RETURNING handled.id";
    let ordinary = rows(batch, |via| via != Via::Replay, HANDLED_BIT);
    let replayed = rows(batch, |via| via == Via::Replay, REPLAYED_BIT);
    let mut new = HashSet::new();
    if !ordinary.is_empty() {
        let input =
            Input::new().id("id", ordinary.keys().copied()).int("dead", ordinary.values().copied());
        let ids = db.fetch::<(Uuid,)>(HANDLED, input).await?;
        new.extend(ids.into_iter().map(|(id,)| (id, false)));
    }
    if !replayed.is_empty() {
        let input =
            Input::new().id("id", replayed.keys().copied()).int("dead", replayed.values().copied());
        let ids = db.fetch::<(Uuid,)>(REPLAYED, input).await?;
        new.extend(ids.into_iter().map(|(id,)| (id, true)));
    }
    Ok(new)
}

/// What `handled.dead` says of an event that was handled.
const HANDLED_BIT: i64 = 0;
/// Of one that could not be handled.
const DEAD_BIT: i64 = 1;
/// Of one that was handled by a replay of its dead letter.
const REPLAYED_BIT: i64 = 2;

/// By id, so sorted, and each once: the first of an id counts.
fn rows<E>(batch: &[Incoming<E>], via: impl Fn(Via) -> bool, alive: i64) -> BTreeMap<Uuid, i64> {
    let mut rows = BTreeMap::new();
    for incoming in batch.iter().filter(|incoming| via(incoming.via)) {
        let dead = if incoming.content.is_ok() { alive } else { DEAD_BIT };
        rows.entry(incoming.id.0).or_insert(dead);
    }
    rows
}

/// Locks the keys of the new events. Out: the sequence of the last answer about each.
pub(super) async fn lock<E>(
    db: &mut Transaction,
    new: &[&Incoming<E>],
) -> DbResult<BTreeMap<String, i64>> {
    const KNOW: &str = "INSERT INTO spoken (key, sequence)
        SELECT key, 0 FROM input WHERE true ON CONFLICT (key) DO NOTHING";
    const LOCK: &str = "SELECT key, sequence FROM spoken
        WHERE key IN (SELECT key FROM input) ORDER BY key FOR UPDATE";
    let keys: BTreeSet<&str> =
        new.iter().filter_map(|i| i.content.as_ref().ok()).map(|c| c.key.as_str()).collect();
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let input = || Input::new().text("key", keys.iter().map(|key| (*key).to_owned()));
    db.execute(KNOW, input()).await?;
    Ok(db.fetch::<(String, i64)>(LOCK, input()).await?.into_iter().collect())
}

/// The columns of `owed` as they are read.
pub(crate) type OwedRow = (Uuid, Uuid, Option<String>, Option<i64>, Vec<u8>);

/// Loads what is still owed about the keys, or to the causes, of the batch, repeats included.
pub(super) async fn owed<E>(db: &mut Transaction, batch: &[Incoming<E>]) -> DbResult<Vec<Owed>> {
    const OWED: &str = "SELECT id, cause, key, sequence, record FROM owed WHERE id IN
        (SELECT owed.id FROM owed JOIN input ON owed.key = input.key
         UNION SELECT owed.id FROM owed JOIN input ON owed.cause = input.cause)";
    let causes = batch.iter().map(|incoming| incoming.id.0);
    let keys = batch.iter().map(|i| i.content.as_ref().ok().map(|content| content.key.clone()));
    let input = Input::new().id("cause", causes).text("key", keys);
    db.fetch::<OwedRow>(OWED, input).await?.into_iter().map(read).collect()
}

/// Reads a row of `owed`.
pub(crate) fn read((id, cause, key, sequence, record): OwedRow) -> DbResult<Owed> {
    let record = Record::from_bytes(&record)
        .map_err(|error| DbFault::Transient(format!("the row {id} of owed: {error}")))?;
    Ok(Owed { id, cause, key, sequence, record })
}

/// Saves what the decisions have left: what is owed now, timers, sequences.
pub(super) async fn save(db: &mut Transaction, decided: &Decided) -> DbResult<()> {
    const OWE: &str = "INSERT INTO owed (id, cause, key, sequence, topic, record, since)
        SELECT id, cause, key, sequence, topic, record, now_ms() FROM input
        WHERE true ON CONFLICT (id) DO NOTHING";
    const SET: &str = "INSERT INTO timers (id, due, record)
        SELECT id, now_ms() + after_ms, record FROM input WHERE true ON CONFLICT (id) DO NOTHING";
    const SPOKEN: &str = "UPDATE spoken SET sequence = input.sequence FROM input
        WHERE spoken.key = input.key";
    let (owed, timers, spoken) = (&decided.owed, &decided.timers, &decided.spoken);
    if !owed.is_empty() {
        let input = Input::new()
            .id("id", owed.iter().map(|o| o.id))
            .id("cause", owed.iter().map(|o| o.cause))
            .text("key", owed.iter().map(|o| o.key.clone()))
            .int("sequence", owed.iter().map(|o| o.sequence))
            .text("topic", owed.iter().map(|o| o.record.topic.clone()))
            .bytes("record", owed.iter().map(|o| o.record.to_bytes()));
        db.execute(OWE, input).await?;
    }
    if !timers.is_empty() {
        let input = Input::new()
            .id("id", timers.iter().map(|t| t.id))
            .int("after_ms", timers.iter().map(|t| t.after_ms))
            .bytes("record", timers.iter().map(|t| t.record.to_bytes()));
        db.execute(SET, input).await?;
    }
    if !spoken.is_empty() {
        let input = Input::new()
            .text("key", spoken.keys().cloned())
            .int("sequence", spoken.values().copied());
        db.execute(SPOKEN, input).await?;
    }
    Ok(())
}

fn ids<E>(batch: &[Incoming<E>], choose: impl Fn(&Incoming<E>) -> bool) -> Vec<Uuid> {
    batch.iter().filter(|incoming| choose(incoming)).map(|incoming| incoming.id.0).collect()
}
