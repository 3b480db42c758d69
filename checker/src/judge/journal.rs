//! What a client was answered is true: an acknowledged order is there, one whose answer is not known
//! at most once, and a refused one is not.

use std::collections::BTreeMap;

use shared_events::amounts::Timestamp;
use shared_events::orders::OrderPlaced;

use crate::case::Case;
use crate::journal::{Answer, Entry};
use crate::record::Record;
use crate::time::shown;
use crate::violation::{Invariant, Layer, Violation};

pub(super) fn check(case: &Case<'_>, found: &mut Vec<Violation>) {
    let mut placed: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
    for (record, event) in case.evidence.log.events::<OrderPlaced>() {
        placed.entry(event.order_id.to_string()).or_default().push(record);
    }
    for (id, entry) in &case.placed_by {
        if case.is_older(entry) {
            continue;
        }
        let there = placed.get(*id).map(Vec::as_slice).unwrap_or_default();
        found.extend(wrong(entry, there).map(|wrong| wrong.of(id)));
    }
    if case.terms.journal.is_all {
        let all = case.orders.iter().chain(&case.others);
        for (id, _) in all.filter(|(id, _)| !case.placed_by.contains_key(id.as_str())) {
            let (what, layer) = ("nobody has placed it", Layer::Producing);
            found.push(Violation::new(Invariant::NothingInvented, layer, what).of(id));
        }
    }
}

fn wrong(entry: &Entry, there: &[&Record]) -> Option<Violation> {
    let producing = |what: String| Violation::new(Invariant::NoOrderLost, Layer::Producing, what);
    match (entry.answer, there) {
        (Answer::Acknowledged, []) => Some(producing(format!(
            "it was acknowledged at {}, and its OrderPlaced is not on the topic",
            shown(Timestamp(entry.answered_ms))
        ))),
        (Answer::Refused, [record, ..]) => {
            Some(producing("it was refused, and is on the topic".to_owned()).at(record))
        }
        (_, [.., record]) if entry.events_max < there.len() => Some(
            producing(format!("its client placed it once, and it is there {} times", there.len()))
                .at(record),
        ),
        (Answer::Acknowledged | Answer::Refused | Answer::Unknown, _) => None,
    }
}
