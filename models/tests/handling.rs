//! The handling of events holds in every state, and each mutant of it fails.

use models::check::{explore, refute};
use models::handling::{Handling, Mutant};

/// As many as the first exhaustive check of this world found, written in another language.
const STATES: usize = 1_160_064;

#[test]
fn holds() {
    let states = explore(Handling::default());
    println!("handling: {states} states");
    assert_eq!(states, STATES);
}

fn refuted(mutant: Mutant, property: &'static str) {
    refute(Handling { mutant: Some(mutant) }, property);
}

#[test]
fn offsets_before_the_transaction() {
    refuted(Mutant::OffsetFirst, "an event is handled at rest");
}

#[test]
fn forgotten_before_it_is_acknowledged() {
    refuted(Mutant::ForgetEarly, "an answer is said or owed");
}

#[test]
fn only_the_answers_of_the_batch() {
    refuted(Mutant::OwnOnly, "first occurrences stand in order");
}

#[test]
fn repeats_not_recognised() {
    refuted(Mutant::NoHandled, "an effect happens once");
}

#[test]
fn acknowledged_but_lost() {
    refuted(Mutant::AckUnsaid, "an answer is said or owed");
    refuted(Mutant::AckUnsaid, "an answer is said at rest");
}
