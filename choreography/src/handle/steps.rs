//! The statements of the runtime, step by step. All of a batch at once, keys and ids sorted.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use uuid::Uuid;

use super::Decided;
use crate::db::{Asked, DbResult, Input, Transaction};
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

/// Those of the batch that may count. Dead letters that are replayed are looked up here: only one
/// that is known as dead counts, and of its replays the last one, as an operator's last word.
pub(super) async fn candidates<'a, E>(
    db: &mut Transaction,
    batch: &'a [Incoming<E>],
) -> DbResult<Vec<&'a Incoming<E>>> {
    let mut revived = revive(db, batch).await?;
    // The last replay of a letter is the first one from the end.
    let mut candidates: Vec<&Incoming<E>> = batch
        .iter()
        .rev()
        .filter(|incoming| match incoming.via {
            Via::Replay(letter) => revived.remove(&letter.0),
            Via::Topic | Via::Timer => true,
        })
        .collect();
    candidates.reverse();
    Ok(candidates)
}

/// Those of the candidates that have their effect in this transaction, each once, in the order of
/// the batch. `inserted` is the answer to [`handled`].
pub(super) fn new<E>(
    mut candidates: Vec<&Incoming<E>>,
    inserted: Vec<(Uuid,)>,
) -> Vec<&Incoming<E>> {
    let mut new: HashSet<Uuid> = inserted.into_iter().map(|(id,)| id).collect();
    // Of a dead event that comes again and its replay, which have one id, the replay counts.
    let replayed: HashSet<Uuid> =
        candidates.iter().filter(|i| is_its_letter(i)).map(|i| i.id.0).collect();
    new.extend(&replayed);
    candidates.retain(|incoming| {
        (is_its_letter(incoming) || !replayed.contains(&incoming.id.0))
            && new.remove(&incoming.id.0)
    });
    candidates
}

/// Whether it is a replay under the id of its dead letter: then it is known already.
fn is_its_letter<E>(incoming: &Incoming<E>) -> bool {
    incoming.via == Via::Replay(incoming.id)
}

/// Turns dead letters that are replayed from dead to handled. Out: those that were dead. One that
/// dies again is dead from now on, as long as its new letter is kept.
async fn revive<E>(db: &mut Transaction, batch: &[Incoming<E>]) -> DbResult<HashSet<Uuid>> {
    const REVIVE: &str = "UPDATE handled SET heard_at = now_ms(),
            dead = (SELECT input.dead FROM input WHERE input.id = handled.id)
        WHERE id IN (SELECT id FROM input) AND dead = 1 RETURNING id";
    let mut letters: BTreeMap<Uuid, i64> = BTreeMap::new();
    for incoming in batch {
        if let Via::Replay(letter) = incoming.via {
            letters.insert(letter.0, dead(incoming));
        }
    }
    if letters.is_empty() {
        return Ok(HashSet::new());
    }
    let rows: Vec<(Uuid,)> = db.fetch(REVIVE, ids_and_dead(&letters)).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Notes the ids of the candidates, sorted; the first of each counts. One that was dead under the id
/// of its damaged bytes is noted under its own, as a good copy may have come. The answer: the ids
/// that were not there.
pub(super) async fn handled<E>(
    db: &mut Transaction,
    candidates: &[&Incoming<E>],
) -> DbResult<Asked<(Uuid,)>> {
    // By the database's time: all instances prune by it.
    const INSERT: &str = "INSERT INTO handled (id, heard_at, dead)
        SELECT id, now_ms(), dead FROM input WHERE true ON CONFLICT (id) DO NOTHING RETURNING id";
    let mut ids: BTreeMap<Uuid, i64> = BTreeMap::new();
    for incoming in candidates.iter().filter(|incoming| !is_its_letter(incoming)) {
        ids.entry(incoming.id.0).or_insert(dead(incoming));
    }
    db.ask(INSERT, ids_and_dead(&ids)).await
}

fn ids_and_dead(rows: &BTreeMap<Uuid, i64>) -> Input {
    Input::new().id("id", rows.keys().copied()).int("dead", rows.values().copied())
}

/// What `handled.dead` says of an event: 0 handled, 1 not to be handled, 2 handled by a replay.
fn dead<E>(incoming: &Incoming<E>) -> i64 {
    match (&incoming.content, incoming.via) {
        (Err(_), _) => 1,
        (Ok(_), Via::Replay(_)) => 2,
        (Ok(_), Via::Topic | Via::Timer) => 0,
    }
}

/// The keys of a batch, locked.
pub(super) struct Locked {
    /// Those that were not there before.
    inserted: Asked<(String,)>,
    sequences: Asked<(String, i64)>,
}

/// Locks the keys of the candidates.
pub(super) async fn lock<E>(db: &mut Transaction, candidates: &[&Incoming<E>]) -> DbResult<Locked> {
    const KNOW: &str = "INSERT INTO spoken (key, sequence)
        SELECT key, 0 FROM input WHERE true ON CONFLICT (key) DO NOTHING RETURNING key";
    const LOCK: &str = "SELECT key, sequence FROM spoken
        WHERE key IN (SELECT key FROM input) ORDER BY key FOR UPDATE";
    let keys = keys(candidates);
    let input = || Input::new().text("key", keys.iter().map(|key| (*key).to_owned()));
    let inserted = db.ask(KNOW, input()).await?;
    let sequences = db.ask(LOCK, input()).await?;
    Ok(Locked { inserted, sequences })
}

/// The sequence of the last answer about each key. Keys that only repeats have are not kept: an
/// event that was a dead letter has left none, and heard again it changes no row.
pub(super) async fn spoken<E>(
    db: &mut Transaction,
    locked: Locked,
    new: &[&Incoming<E>],
) -> DbResult<BTreeMap<String, i64>> {
    const UNUSED: &str = "DELETE FROM spoken WHERE key IN (SELECT key FROM input)";
    let used = keys(new);
    let inserted = db.answer(locked.inserted).await?.into_iter().map(|(key,)| key);
    let unused: Vec<String> = inserted.filter(|key| !used.contains(key.as_str())).collect();
    let sequences = db.answer(locked.sequences).await?.into_iter().collect();
    if !unused.is_empty() {
        db.execute(UNUSED, Input::new().text("key", unused)).await?;
    }
    Ok(sequences)
}

fn keys<'a, E>(events: &[&'a Incoming<E>]) -> BTreeSet<&'a str> {
    events.iter().filter_map(|i| i.content.as_ref().ok()).map(|c| c.key.as_str()).collect()
}

/// The columns of `owed` as they are read.
pub(crate) type OwedRow = (Uuid, Uuid, Option<String>, Option<i64>, Vec<u8>);

/// Loads what is still owed about the keys of the batch, and the dead letters of its events, repeats
/// included.
pub(super) async fn owed<E>(
    db: &mut Transaction,
    batch: &[Incoming<E>],
) -> DbResult<Asked<OwedRow>> {
    const OWED: &str = "SELECT id, cause, key, sequence, record FROM owed
        WHERE key IN (SELECT key FROM input)
           OR key IS NULL AND cause IN (SELECT cause FROM input)";
    let of = |incoming: &Incoming<E>| {
        let key = incoming.content.as_ref().ok().map(|content| content.key.clone());
        incoming.causes().map(move |cause| (cause.0, key.clone())).collect::<Vec<_>>()
    };
    let (causes, keys): (Vec<Uuid>, Vec<Option<String>>) = batch.iter().flat_map(of).unzip();
    let input = Input::new().id("cause", causes).text("key", keys);
    db.ask(OWED, input).await
}

/// Reads a row of `owed`. One that cannot be read can never be said: it is told and left, and must
/// not keep the others from being said.
pub(crate) fn read((id, cause, key, sequence, record): OwedRow) -> Option<Owed> {
    match Record::from_bytes(&record) {
        Ok(record) => Some(Owed { id, cause, key, sequence, record }),
        Err(error) => {
            tracing::error!(event.id = %id, %error, "this row of owed cannot be read, so it is never said");
            None
        }
    }
}

/// Saves what the decisions have left: what is owed now, timers, sequences.
pub(super) async fn save(db: &mut Transaction, decided: &Decided) -> DbResult<()> {
    const OWE: &str = "INSERT INTO owed (id, cause, key, sequence, topic, record, since)
        SELECT id, cause, key, sequence, topic, record, now_ms() FROM input
        WHERE true ON CONFLICT (id) DO NOTHING";
    const SET: &str = "INSERT INTO timers (id, due, record)
        SELECT id, now_ms() + after_ms, record FROM input WHERE true ON CONFLICT (id) DO NOTHING";
    const SPOKEN: &str = "INSERT INTO spoken (key, sequence) SELECT key, sequence FROM input
        WHERE true ON CONFLICT (key) DO UPDATE SET sequence = excluded.sequence";
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
