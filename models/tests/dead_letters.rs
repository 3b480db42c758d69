//! Dead letters and replays hold in every state, and each mutant of them fails.

use models::check::{explore, refute};
use models::dead_letters::{DeadLetters, Mutant};

const STATES: usize = 3_260_484;

#[test]
fn holds() {
    let states = explore(DeadLetters::default());
    println!("dead letters: {states} states");
    assert_eq!(states, STATES);
}

fn refuted(mutant: Mutant, property: &'static str) {
    refute(DeadLetters { mutant: Some(mutant) }, property);
}

const SETTLED: &str = "what is committed is answered or in the DLQ";

#[test]
fn not_awaited() {
    refuted(Mutant::NotAwaited, SETTLED);
    refuted(Mutant::NotAwaited, "all is said and committed at rest");
}

#[test]
fn loaded_by_key_only() {
    refuted(Mutant::NotLoadedByCause, SETTLED);
}

#[test]
fn not_owed() {
    refuted(Mutant::NotOwed, "a dead letter is in the DLQ or owed");
}

#[test]
fn not_in_handled() {
    refuted(Mutant::NotHandled, "only a replay revives a dead event");
}

#[test]
fn tried_again_by_the_ordinary_topic() {
    refuted(Mutant::TriedByOrdinary, "only a replay revives a dead event");
}

#[test]
fn dead_for_ever() {
    refuted(Mutant::DeadForEver, "a replay is handled once mended");
}

#[test]
fn only_the_answers_of_the_batch() {
    refuted(Mutant::OwnOnly, "first occurrences stand in order");
}

#[test]
fn replay_not_looked_up() {
    refuted(Mutant::ReplayNotLookedUp, "an effect happens once");
}

#[test]
fn touched_state_saved() {
    refuted(Mutant::TouchedStateSaved, "a dead event has no effect");
}

#[test]
fn batch_set_aside() {
    refuted(Mutant::BatchSetAside, "a good event is never dead");
}

#[test]
fn damaged_copy_stands_for_the_good_event() {
    refuted(Mutant::DamagedStandsForGood, SETTLED);
}

#[test]
fn a_repaired_replay_keeps_the_identity_of_its_letter() {
    refuted(Mutant::RepairedKeepsLetter, "an effect happens once");
}
