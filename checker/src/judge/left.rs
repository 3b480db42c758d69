//! Nothing is left: what is owed is said, and dead letters are those that are expected.

use std::collections::BTreeSet;

use crate::case::Case;
use crate::deaths;
use crate::time::shown;
use crate::violation::{Invariant, Layer, Violation};

pub(super) fn check(case: &Case<'_>, found: &mut Vec<Violation>) {
    owed(case, found);
    dead(case, found);
}

/// At rest nothing is owed. In a live system what was acknowledged may still stand there, and so may
/// what was decided a moment ago.
fn owed(case: &Case<'_>, found: &mut Vec<Violation>) {
    for (service, runtime) in &case.evidence.books.runtime {
        for (id, owed) in &runtime.owed {
            let is_said = !case.is_at_rest() && case.evidence.log.0.iter().any(|r| r.id == *id);
            let is_older = case.terms.since.is_some_and(|since| owed.since < since);
            if case.is_late(owed.since) && !is_said && !is_older {
                let what = format!("is owed on {} since {}", owed.topic, shown(owed.since));
                let violation = Violation::new(Invariant::NothingLeft, Layer::Waiting, what);
                let cause = case.first.get(&owed.cause).filter(|r| case.looks_at(&r.key_text()));
                let violation = violation.by(*service).about(*id);
                found.push(match cause {
                    Some(cause) => violation.of(&cause.key_text()),
                    None => violation,
                });
            }
        }
    }
}

fn dead(case: &Case<'_>, found: &mut Vec<Violation>) {
    let wrong = |what| Violation::new(Invariant::DeadLettersKept, Layer::Saying, what);
    let mut dead = BTreeSet::new();
    for (service, record) in deaths::letters(case.evidence) {
        match deaths::origin(record, service) {
            Some(letter) => drop(dead.insert(letter)),
            None => found.push(wrong("its headers name no dead event").by(service).at(record)),
        }
    }
    let Some(expected) = &case.terms.dead else { return };
    for missing in expected.difference(&dead) {
        let what = Violation::new(
            Invariant::DeadLettersKept,
            Layer::Saying,
            format!("{missing:?} is on no topic of dead letters"),
        );
        found.push(what.by(missing.service));
    }
    for more in dead.difference(expected) {
        let what = format!("{more:?} should not be dead");
        let violation = Violation::new(Invariant::DeadLettersKept, Layer::Deciding, what);
        found.push(violation.by(more.service));
    }
}
