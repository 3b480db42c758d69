//! At rest: all that was heard is handled, and nothing else is; nothing is owed; dead letters are
//! those that are expected.

use std::collections::{BTreeMap, BTreeSet};

use shared_events::identity;
use shared_events::ids::EventId;

use super::{Dead, Evidence, Expected};
use crate::log::Record;
use crate::service::Service;

pub(super) fn check(evidence: &Evidence, expected: &Expected<'_>, found: &mut Vec<String>) {
    let mut dead = BTreeSet::new();
    for service in Service::ALL {
        let name = service.name();
        for (id, topic) in &evidence.books.runtime[&service].owed {
            found.push(format!("{name} still owes {id} on {topic}"));
        }
        for (record, letter) in dead_letters(evidence, service) {
            match letter {
                Some(letter) => drop(dead.insert(letter)),
                None => found.push(format!("{record}: no dead letter of {name}")),
            }
        }
        handled(evidence, service, found);
    }
    let missing = expected.dead.difference(&dead);
    found.extend(missing.map(|letter| format!("{letter:?} is on no DLQ")));
    let too_many = dead.difference(&expected.dead);
    found.extend(too_many.map(|letter| format!("{letter:?} should not be dead")));
}

/// What is on the DLQs of a service, with what its headers tell of its origin.
fn dead_letters(
    evidence: &Evidence,
    service: Service,
) -> impl Iterator<Item = (&Record, Option<Dead>)> {
    let end = format!(".{}.dlq", service.name());
    let records = evidence.log.0.iter().filter(move |record| record.topic.ends_with(&end));
    records.map(move |record| (record, letter(record, service)))
}

fn letter(record: &Record, service: Service) -> Option<Dead> {
    let number = |name| record.header(name)?.parse::<i64>().ok();
    (record.header("dlq-group")? == service.name()).then_some(())?;
    Some(Dead {
        service,
        topic: record.header("dlq-topic")?.to_owned(),
        partition: number("dlq-partition")?.try_into().ok()?,
        offset: number("dlq-offset")?,
    })
}

fn handled(evidence: &Evidence, service: Service, found: &mut Vec<String>) {
    let name = service.name();
    let mut handled = evidence.books.runtime[&service].handled.clone();
    for (id, (record, alive)) in heard(evidence, service) {
        match (handled.remove(&id), alive) {
            (Some(0 | 2), true) | (Some(1), false) => (),
            (None, _) => found.push(format!("{name} has taken {record} and not handled it")),
            (Some(dead), _) => found.push(format!("{name} has {record} as {dead} in `handled`")),
        }
    }
    // A timer's event is handled, and need not be said.
    let causes = evidence.log.0.iter().map(|record| record.id);
    for timer in causes.flat_map(|id| (0..2).map(move |i| identity::of_answer(id, name, i))) {
        handled.remove(&timer);
    }
    found.extend(handled.keys().map(|id| format!("{name} has handled {id}, which is nowhere")));
}

/// The ids of all that a service hears, each with its first record, and whether it can be decoded.
fn heard(evidence: &Evidence, service: Service) -> BTreeMap<EventId, (&Record, bool)> {
    let manifest = service.manifest();
    let topics = manifest.topics_heard();
    let mut heard = BTreeMap::new();
    for record in evidence.log.0.iter().filter(|record| topics.contains(&record.topic.as_str())) {
        let concerns =
            record.name.as_ref().is_none_or(|name| manifest.hearing(&record.topic, name).is_some());
        if concerns {
            let alive = record.is_event;
            let damaged = || identity::of_damaged(record.id, &record.value);
            let id = if alive { record.id } else { damaged() };
            heard.entry(id).or_insert((record, alive));
        }
    }
    heard
}
