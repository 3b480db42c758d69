//! Timers hold in every state, and each mutant of them fails.

use models::check::{explore, refute};
use models::timers::{Mutant, Timers};

const STATES: usize = 1_181_516;

#[test]
fn holds() {
    let states = explore(Timers::default());
    println!("timers: {states} states");
    assert_eq!(states, STATES);
}

fn refuted(mutant: Mutant, property: &'static str) {
    refute(Timers { mutant: Some(mutant) }, property);
}

const IN_TIME: &str = "an order answered in time is not cancelled";

#[test]
fn taken_when_due() {
    refuted(Mutant::TakenWhenDue, IN_TIME);
}

#[test]
fn own_offsets_for_those_of_the_group() {
    refuted(Mutant::OwnOffsets, IN_TIME);
}

#[test]
fn positions_for_offsets() {
    refuted(Mutant::PositionsForOffsets, IN_TIME);
}

#[test]
fn watermarks_before_the_time() {
    refuted(Mutant::WatermarksFirst, IN_TIME);
}

#[test]
fn now_for_the_time_of_the_note() {
    refuted(Mutant::NowForNote, IN_TIME);
}

#[test]
fn timer_not_locked() {
    refuted(Mutant::NotLocked, "a timer is taken once");
}

#[test]
fn deleted_when_taken() {
    refuted(Mutant::DeletedWhenTaken, "a timer is taken at rest");
}

#[test]
fn kept_after_the_commit() {
    refuted(Mutant::KeptAfterCommit, "a timer is taken at rest");
}

#[test]
fn set_again_by_a_repeat() {
    refuted(Mutant::RepeatSetsTimer, "a timer is taken once");
}

#[test]
fn answer_not_owed() {
    refuted(Mutant::AnswerNotOwed, "an answer is said or owed");
}

#[test]
fn only_the_answer_of_the_timer() {
    refuted(Mutant::OwnOnly, "first occurrences stand in order");
}

#[test]
fn not_said_again_by_others() {
    refuted(Mutant::NoResend, "an answer is said at rest");
}

#[test]
fn offsets_of_what_is_no_longer_assigned() {
    refuted(Mutant::LateOffsets, "a timer is taken at rest");
}
