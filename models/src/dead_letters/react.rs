//! The transaction of [`super::DeadLetters`]: which records are new, and which are poison.

use super::identity::{content, identity};
use super::{Batch, Cause, Fate, Mutant, ORDINARY, Phase, REPLAY, Record, Sayings, State, place};
use crate::small_set::SmallSet;

/// Why a transaction is rolled back.
pub(super) enum Rollback {
    /// The record at this offset is poison.
    Poison(u8),
    /// One of the records is poison, but the database does not say which.
    Refused,
}

impl State {
    pub(super) fn commit(&mut self, i: usize, mutant: Option<Mutant>) {
        let Phase::Taken(batch) = self.instances[i].phase else { return };
        self.forget(i);
        let Ok(new) = self.react(batch, mutant) else { return };
        let mut say = self.owed_for(batch, mutant).union(new);
        if mutant == Some(Mutant::NotAwaited) {
            say.letters = SmallSet::EMPTY;
        }
        self.owed = self.owed.union(match mutant {
            Some(Mutant::NotOwed) => Sayings { letters: SmallSet::EMPTY, ..new },
            _ => new,
        });
        let batch = Batch { dead: SmallSet::EMPTY, ..batch };
        self.instances[i].phase = Phase::Say { batch: Some(batch), say };
    }

    /// Takes the batch again with the poisonous record as a dead letter. If the record is not
    /// known, the first half of the batch is taken alone.
    pub(super) fn dead(&mut self, i: usize, mutant: Option<Mutant>) {
        let Phase::Taken(mut batch) = self.instances[i].phase else { return };
        let alone = batch.begin + 1 == batch.end;
        match self.clone().react(batch, mutant) {
            Err(Rollback::Poison(offset)) => batch.dead.insert(offset),
            Err(Rollback::Refused) if alone || mutant == Some(Mutant::BatchSetAside) => {
                batch.dead = (batch.begin..batch.end).collect();
            }
            Err(Rollback::Refused) => {
                batch.end = batch.begin.midpoint(batch.end);
                if batch.assigned {
                    self.position[batch.topic] = batch.end;
                }
            }
            Ok(_) => {}
        }
        self.instances[i].phase = Phase::Taken(batch);
    }

    /// Gives the new events of the batch to `react`, and answers what is to be said.
    pub(super) fn react(
        &mut self,
        batch: Batch,
        mutant: Option<Mutant>,
    ) -> Result<Sayings, Rollback> {
        let mut new = Sayings::default();
        for offset in batch.begin..batch.end {
            let Some(record) = self.record(batch.topic, offset) else { continue };
            let letter = identity(record, mutant);
            if !self.is_new(letter, batch.topic, mutant) {
                continue;
            }
            let dead = batch.dead.contains(offset);
            let own = if dead { letter } else { content(record, letter, mutant) };
            if own != letter && self.fates[own] != Fate::New {
                // The letter is settled, whatever has become of the event itself.
                self.fates[letter] = Fate::Handled;
                continue;
            }
            let poison = record.is_poison() && !self.mended;
            let touched = mutant == Some(Mutant::TouchedStateSaved) && self.cause == Cause::Panic;
            if record == Record::Damaged || dead || (poison && touched) {
                if poison && touched {
                    self.effects[record.effect()] += 1;
                }
                self.set_aside(letter, place(batch.topic, offset), mutant);
                new.letters.insert(place(batch.topic, offset));
            } else if poison {
                return Err(match self.cause {
                    Cause::Panic => Rollback::Poison(offset),
                    Cause::Refused => Rollback::Refused,
                });
            } else {
                self.fates[letter] = Fate::Handled;
                self.fates[own] = Fate::Handled;
                self.take_effect(record, batch.topic);
                new.answers.insert(self.sequence);
            }
        }
        Ok(new)
    }

    /// Whether the event is to be given to `react`. Only a replay tries a dead one again, and what
    /// is not known as dead is no replay.
    fn is_new(&self, event: usize, topic: usize, mutant: Option<Mutant>) -> bool {
        match self.fates[event] {
            Fate::New => topic == ORDINARY,
            Fate::Dead if topic == REPLAY => mutant != Some(Mutant::DeadForEver),
            Fate::Dead => mutant == Some(Mutant::TriedByOrdinary),
            Fate::Handled => topic == REPLAY && mutant == Some(Mutant::ReplayNotLookedUp),
        }
    }

    fn set_aside(&mut self, event: usize, place: u8, mutant: Option<Mutant>) {
        self.set_aside.insert(place);
        if mutant != Some(Mutant::NotHandled) {
            self.fates[event] = Fate::Dead;
        }
    }

    fn take_effect(&mut self, record: Record, topic: usize) {
        let was_dead = !self.set_aside.and(self.places_of(record)).is_empty();
        self.revived_by_ordinary |= was_dead && topic == ORDINARY;
        self.effects[record.effect()] += 1;
        self.sequence += 1;
        self.answers[record.effect()] = self.sequence;
    }

    /// What was owed before for the key of the batch, or for one of its events as the cause.
    fn owed_for(&self, batch: Batch, mutant: Option<Mutant>) -> Sayings {
        if mutant == Some(Mutant::OwnOnly) {
            return Sayings::default();
        }
        let mut letters = SmallSet::EMPTY;
        if mutant != Some(Mutant::NotLoadedByCause) {
            for record in (batch.begin..batch.end).filter_map(|o| self.record(batch.topic, o)) {
                letters = letters.union(self.letters_of(record));
            }
        }
        Sayings { answers: self.owed.answers, letters: letters.and(self.owed.letters) }
    }
}
