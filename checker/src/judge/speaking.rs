//! What each service says, as listeners rely on it: copies are equal, first occurrences are in
//! order, causes are there, and one trace joins an order.
//!
//! In a live system a record before the noted ends rests only on records that are read, too: they came
//! before it, so before the records were read to the end. What came later is not judged yet.

use std::collections::{BTreeMap, BTreeSet};

use shared_events::ids::EventId;

use crate::case::{Case, Found, speaker};
use crate::record::Record;
use crate::service::Service;
use crate::violation::{Invariant, Layer, Violation};

pub(super) fn check(case: &Case<'_>, found: &mut Vec<Violation>) {
    copies(case, found);
    order(case, found);
    spoken(case, found);
    causes(case, found);
    answers(case, found);
    traces(case, found);
}

fn copies(case: &Case<'_>, found: &mut Vec<Violation>) {
    for record in case.evidence.log.events_of_all() {
        let known = case.first[&record.id];
        if (&known.value, &known.headers) != (&record.value, &record.headers) {
            let by = speaker(record);
            let layer = by.map_or(Layer::Producing, |_| Layer::Saying);
            let what = format!("it differs from {known}, which has the same id");
            let violation = Violation::new(Invariant::CopiesEqual, layer, what).at(record);
            found.push(of_key(case, record, Violation { service: by, ..violation }));
        }
    }
}

fn of_key(case: &Case<'_>, record: &Record, violation: Violation) -> Violation {
    let key = record.key_text();
    if case.orders.contains_key(&key) { violation.of(&key) } else { violation }
}

/// The answers about a key have the numbers 1, 2, 3, …, in this order, on one partition.
fn order(case: &Case<'_>, found: &mut Vec<Violation>) {
    let mut last: BTreeMap<(Service, String), (i64, i32)> = BTreeMap::new();
    let answers = case.once.iter().filter(|record| record.causation.is_some());
    for record in answers.filter(|record| case.looks_at(&record.key_text())) {
        let Some(service) = speaker(record) else { continue };
        let said = record.sequence.and_then(|number| i64::try_from(number).ok());
        let key = (service, record.key_text());
        let (number, partition) = last.entry(key).or_insert((0, record.partition));
        *number += 1;
        let wrong = |what: String| {
            let violation = Violation::new(Invariant::InOrder, Layer::Saying, what);
            of_key(case, record, violation.by(service).at(record))
        };
        if said != Some(*number) {
            found.push(wrong(format!(
                "it has number {said:?} and stands where number {number} belongs"
            )));
        }
        if *partition != record.partition {
            found.push(wrong(format!("others of its key are on partition {partition}")));
        }
    }
}

/// At rest each service has said as many answers about each key as it has decided; of an order that
/// is looked at that is a part of its own story.
fn spoken(case: &Case<'_>, found: &mut Vec<Violation>) {
    if !case.is_at_rest() {
        return;
    }
    for (service, runtime) in &case.evidence.books.runtime {
        let said = case.said.iter().filter(|((speaker, _), _)| speaker == service);
        let said: BTreeMap<&str, i64> = said.map(|((_, key), n)| (key.as_str(), *n)).collect();
        let decided = runtime.spoken.iter().filter(|(_, number)| **number != 0);
        let decided: BTreeMap<&str, i64> = decided.map(|(key, n)| (key.as_str(), *n)).collect();
        let keys: BTreeSet<&str> = said.keys().chain(decided.keys()).copied().collect();
        for key in keys.into_iter().filter(|key| !case.orders.contains_key(*key)) {
            let (is, should_be) = (said.get(key), decided.get(key));
            if is != should_be {
                let what = format!("it has decided {should_be:?} answers and said {is:?}");
                let violation = Violation::new(Invariant::NoAnswerMissing, Layer::Saying, what);
                found.push(violation.by(*service).of(key));
            }
        }
    }
}

/// Each answer answers something.
fn causes(case: &Case<'_>, found: &mut Vec<Violation>) {
    for record in case.once.iter().filter(|record| case.looks_at(&record.key_text())) {
        if !case.is_at_rest() && !case.evidence.progress.was_there(record) {
            continue;
        }
        let invented = |layer, what: String| {
            let violation = Violation::new(Invariant::NothingInvented, layer, what).at(record);
            of_key(case, record, Violation { service: speaker(record), ..violation })
        };
        match record.causation {
            Some(cause) if !case.first.contains_key(&cause) => {
                let what = format!("it answers {cause}, which is nowhere");
                found.push(invented(Layer::Producing, what));
            }
            None if is_answer(case, record) => {
                found.push(invented(Layer::Producing, "it answers nothing".to_owned()));
            }
            Some(_) | None => {}
        }
    }
}

fn is_answer(case: &Case<'_>, record: &Record) -> bool {
    let name = record.name.as_deref();
    let says = case.manifests.values().flat_map(|manifest| &manifest.says);
    says.into_iter().any(|said| Some(said.name) == name && said.topic == record.topic)
}

/// Of several answers to one event none is missing.
fn answers(case: &Case<'_>, found: &mut Vec<Violation>) {
    let mut counts: BTreeMap<(EventId, Service), (u32, BTreeSet<u32>, &Record)> = BTreeMap::new();
    for record in case.once.iter().filter(|record| case.looks_at(&record.key_text())) {
        let (Some(cause), Some(count), Some(service)) =
            (record.causation, record.answers, speaker(record))
        else {
            continue;
        };
        let new = (count.total, BTreeSet::new(), *record);
        counts.entry((cause, service)).or_insert(new).1.insert(count.index);
    }
    for ((cause, service), (total, there, example)) in counts {
        if there.iter().copied().eq(1..=total) {
            continue;
        }
        let place = case.first.get(&cause).map_or(Found::Lost(Layer::Unknown), |cause| {
            case.find(service, cause, &example.key_text())
        });
        let layer = match place {
            // Some of them were decided, so all were.
            Found::Lost(_) | Found::Timer(_) => Layer::Saying,
            Found::Owed(since) if case.is_late(since) => Layer::Waiting,
            Found::Behind if case.is_at_rest() => Layer::Behind,
            Found::Owed(_) | Found::Behind => continue,
        };
        let what = format!(
            "{} owes {total} answers to {cause}, and only {there:?} are there",
            service.name()
        );
        let violation = Violation::new(Invariant::NoAnswerMissing, layer, what).by(service);
        found.push(of_key(case, example, violation.at(example)));
    }
}

/// An answer is in the trace of what it answers; where that came without one, all its answers are in
/// one that those who hear it have made. So all that comes of one request is in one trace.
fn traces(case: &Case<'_>, found: &mut Vec<Violation>) {
    let mut made: BTreeMap<EventId, &Record> = BTreeMap::new();
    for record in case.once.iter().filter(|record| case.orders.contains_key(&record.key_text())) {
        let (Some(trace), Some(id)) = (record.trace, record.causation) else { continue };
        let cause = case.first.get(&id).filter(|cause| cause.trace.is_some());
        let other = cause.unwrap_or_else(|| made.entry(id).or_insert(record));
        if other.trace.is_some_and(|other| other.trace_id != trace.trace_id) {
            let what = format!("it is in another trace than {other}");
            let layer = speaker(record).map_or(Layer::Producing, |_| Layer::Saying);
            let violation = Violation::new(Invariant::OneTrace, layer, what).at(record);
            found.push(of_key(case, record, Violation { service: speaker(record), ..violation }));
        }
    }
}
