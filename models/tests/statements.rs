//! The transaction's statements hold in every state, and each mutant of them fails.

use models::check::{explore, refute};
use models::statements::{Mutant, Statements};

const STATES: usize = 3_566_559;

#[test]
fn holds() {
    let states = explore(Statements::default());
    println!("statements: {states} states");
    assert_eq!(states, STATES);
}

fn refuted(mutant: Mutant, property: &'static str) {
    refute(Statements { mutant: Some(mutant) }, property);
}

const IN_ORDER: &str = "first occurrences stand in order";

#[test]
fn owed_before_lock() {
    refuted(Mutant::OwedBeforeLock, IN_ORDER);
}

#[test]
fn owed_in_the_statement_that_locks() {
    refuted(Mutant::OwedWithLock, IN_ORDER);
}

#[test]
fn key_not_locked() {
    refuted(Mutant::KeyNotLocked, "an answer has a sequence number of its own");
}

#[test]
fn key_not_inserted() {
    refuted(Mutant::KeyNotInserted, "an answer has a sequence number of its own");
}

#[test]
fn load_before_lock() {
    refuted(Mutant::LoadBeforeLock, "an effect is kept");
}

#[test]
fn concurrent_counts_as_new() {
    refuted(Mutant::ConcurrentIsNew, "an effect happens once");
}

#[test]
fn concurrent_counts_as_a_repeat() {
    refuted(Mutant::ConcurrentIsRepeat, "what is committed is answered");
}

#[test]
fn ids_not_sorted() {
    refuted(Mutant::IdsNotSorted, "no two wait for each other");
}

#[test]
fn forget_what_is_not_acknowledged() {
    refuted(Mutant::ForgetUnacknowledged, "an answer is said or owed");
}

#[test]
fn resend_by_row() {
    refuted(Mutant::ResendByRow, IN_ORDER);
}
