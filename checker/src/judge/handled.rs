//! All that was taken is handled, and at rest nothing else is.
//!
//! `handled` only grows, but for ids that are older than its window, and it is read after the offsets.
//! So whatever stands below a committed offset must be in it, however much moves meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use shared_events::identity;
use shared_events::ids::EventId;

use crate::books::{Runtime, timers_of};
use crate::case::Case;
use crate::record::Record;
use crate::service::Service;
use crate::violation::{Invariant, Layer, Violation};

pub(super) fn check(case: &Case<'_>, found: &mut Vec<Violation>) {
    for (service, runtime) in &case.evidence.books.runtime {
        let mut known = BTreeSet::new();
        for (id, record) in heard(case, *service) {
            known.insert(id);
            if case.is_at_rest() || case.evidence.progress.has_taken(*service, record) {
                found.extend(taken(case, *service, runtime, id, record));
            }
        }
        if case.is_at_rest() && case.is_whole() {
            nowhere(case, *service, runtime, &known, found);
        }
    }
}

/// The ids of all that a service hears, each with its first record.
fn heard<'a>(case: &Case<'a>, service: Service) -> BTreeMap<EventId, &'a Record> {
    let manifest = &case.manifests[&service];
    let topics = manifest.topics_heard();
    let mut heard = BTreeMap::new();
    let records = case.evidence.log.0.iter();
    for record in records.filter(|record| topics.contains(&record.topic.as_str())) {
        let concerns =
            record.name.as_ref().is_none_or(|name| manifest.hearing(&record.topic, name).is_some());
        if concerns {
            heard.entry(identity(record)).or_insert(record);
        }
    }
    heard
}

/// Under which id a record is handled.
fn identity(record: &Record) -> EventId {
    match record.is_event {
        true => record.id,
        false => identity::of_damaged(record.id, &record.value),
    }
}

fn taken(
    case: &Case<'_>,
    service: Service,
    runtime: &Runtime,
    id: EventId,
    record: &Record,
) -> Option<Violation> {
    let of_order = |violation: Violation| match case.looks_at(&record.key_text()) {
        true if record.is_event => violation.of(&record.key_text()).at(record),
        true | false => violation.at(record),
    };
    let name = service.name();
    match (runtime.handled.get(&id), record.is_event) {
        (Some(0 | 2), true) => None,
        (Some(1), _) if is_set_aside(case, service, runtime, id) => None,
        (Some(1), _) => {
            let what = format!(
                "{name} has it as dead in `handled`, and neither `owed` nor its topic has the dead letter"
            );
            let violation = Violation::new(Invariant::DeadLettersKept, Layer::Saying, what);
            Some(of_order(violation.by(service)))
        }
        (Some(dead), _) => {
            let what = format!("{name} has it as {dead} in `handled`, and it is no event");
            let violation = Violation::new(Invariant::ServicesAgree, Layer::Keeping, what);
            Some(of_order(violation.by(service)))
        }
        (None, _) => {
            let what =
                format!("the committed offset of {name} has passed it, and it is not in `handled`");
            let violation = Violation::new(Invariant::NothingSkipped, Layer::Hearing, what);
            Some(of_order(violation.by(service)))
        }
    }
}

/// Whether the dead letter is there, will be, or was deleted by an operator.
fn is_set_aside(case: &Case<'_>, service: Service, runtime: &Runtime, id: EventId) -> bool {
    case.deaths.contains_key(&(service, id))
        || runtime.owed.values().any(|owed| owed.cause == id)
        || case.evidence.progress.letters_deleted.contains(&service)
}

/// What is handled and has no record. A timer's event is handled, and need not be said.
fn nowhere(
    case: &Case<'_>,
    service: Service,
    runtime: &Runtime,
    known: &BTreeSet<EventId>,
    found: &mut Vec<Violation>,
) {
    let timers = case.evidence.log.0.iter().flat_map(|record| timers_of(record.id, service));
    let known: BTreeSet<EventId> = known.iter().copied().chain(timers).collect();
    for id in runtime.handled.keys().filter(|id| !known.contains(id)) {
        let what = format!("{} has handled it, and it is nowhere", service.name());
        let violation = Violation::new(Invariant::NothingInvented, Layer::Producing, what);
        found.push(violation.by(service).about(*id));
    }
}
