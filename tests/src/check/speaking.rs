//! What each service says, as listeners rely on it: copies are equal, first occurrences are in
//! order, causes are there, and one trace joins an order.

use std::collections::{BTreeMap, BTreeSet};

use shared_events::ids::EventId;
use shared_events::orders::OrderPlaced;

use super::Evidence;
use crate::log::{Log, Record};
use crate::service::Service;

pub(super) fn check(evidence: &Evidence, found: &mut Vec<String>) {
    let events: Vec<&Record> = evidence.log.events_of_all().collect();
    let mut first: BTreeMap<EventId, &Record> = BTreeMap::new();
    let mut once = vec![];
    for record in events {
        let known = *first.entry(record.id).or_insert(record);
        if std::ptr::eq(known, record) {
            once.push(record);
        } else if (&known.value, &known.headers) != (&record.value, &record.headers) {
            found.push(format!("{record} differs from {known}"));
        }
    }
    for service in Service::ALL {
        order(evidence, service, &once, found);
    }
    causes(&once, &first, found);
    traces(&evidence.log, &once, found);
}

/// The answers about a key have the numbers 1, 2, 3, …, in this order, on one partition.
fn order(evidence: &Evidence, service: Service, once: &[&Record], found: &mut Vec<String>) {
    let source = source(service);
    let mut last: BTreeMap<String, (i64, i32)> = BTreeMap::new();
    // What starts outside of Kafka, an order over HTTP, has no number.
    let answers = once.iter().filter(|record| record.causation.is_some());
    for record in answers.filter(|record| record.source.as_ref() == Some(&source)) {
        let said = record.sequence.and_then(|number| i64::try_from(number).ok());
        let (number, partition) = last.entry(record.key_text()).or_insert((0, record.partition));
        *number += 1;
        if said != Some(*number) {
            found.push(format!(
                "order {}: {record} has number {said:?} and stands where number {number} belongs",
                record.key_text()
            ));
        }
        if *partition != record.partition {
            found.push(format!("{record}: others of its key are on partition {partition}"));
        }
    }
    let mut spoken = evidence.books.runtime[&service].spoken.clone();
    spoken.retain(|_, number| *number != 0);
    let said: BTreeMap<_, _> = last.into_iter().map(|(key, (number, _))| (key, number)).collect();
    for key in spoken.keys().chain(said.keys()) {
        let (kept, said) = (spoken.get(key), said.get(key));
        if kept != said {
            found.push(format!(
                "order {key}: {} has decided {kept:?} answers and said {said:?}",
                service.name()
            ));
        }
    }
}

/// What the service calls itself in headers.
fn source(service: Service) -> String {
    format!("/{}", service.name())
}

fn is_answer_of(record: &Record, service: Service) -> bool {
    let name = record.name.as_deref();
    service.manifest().says.iter().any(|said| Some(said.name) == name && said.topic == record.topic)
}

/// Each answer answers something, and none of the others to the same event is missing.
fn causes(once: &[&Record], first: &BTreeMap<EventId, &Record>, found: &mut Vec<String>) {
    let mut counts: BTreeMap<(EventId, &str), (u32, BTreeSet<u32>, &Record)> = BTreeMap::new();
    for record in once {
        let Some(cause) = record.causation else {
            if Service::ALL.iter().any(|service| is_answer_of(record, *service)) {
                found.push(format!("{record} answers nothing"));
            }
            continue;
        };
        if !first.contains_key(&cause) {
            found.push(format!("{record} answers {cause}, which is nowhere"));
        }
        if let (Some(count), Some(source)) = (record.answers, record.source.as_deref()) {
            let new = (count.total, BTreeSet::new(), *record);
            counts.entry((cause, source)).or_insert(new).1.insert(count.index);
        }
    }
    for ((cause, source), (total, there, example)) in counts {
        if !there.iter().copied().eq(1..=total) {
            found.push(format!(
                "{source} owes {total} answers to {cause}, such as {example}: {there:?} are there"
            ));
        }
    }
}

/// All that is said about an order is in one trace.
fn traces(log: &Log, once: &[&Record], found: &mut Vec<String>) {
    let placed: BTreeSet<String> =
        log.events::<OrderPlaced>().map(|(record, _)| record.key_text()).collect();
    let mut traces: BTreeMap<String, ([u8; 16], &Record)> = BTreeMap::new();
    for record in once.iter().filter(|record| placed.contains(&record.key_text())) {
        // What came without a trace gets one from those who hear it.
        let Some(trace) = record.trace else { continue };
        let (known, other) = *traces.entry(record.key_text()).or_insert((trace.trace_id, *record));
        if known != trace.trace_id {
            found.push(format!(
                "order {}: {record} is in another trace than {other}",
                record.key_text()
            ));
        }
    }
}
