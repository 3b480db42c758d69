//! What else the instances of [`super::DeadLetters`] do, and the world around them.

use super::{
    Action, Batch, Cause, DeadLetters, Fate, INSTANCES, Instance, LOGS, ORDINARY, Phase, REPLAY,
    REPLAYS, Record, Sayings, State, TOPICS, place,
};
use crate::said::Said;
use crate::small_set::SmallSet;

impl DeadLetters {
    pub(super) fn instance_actions(&self, state: &State, i: usize, actions: &mut Vec<Action>) {
        let instance = state.instances[i];
        match instance.phase {
            Phase::Down => return actions.push(Action::Start(i)),
            Phase::Idle => {
                for topic in TOPICS.into_iter().filter(|&topic| state.owner[topic] == i) {
                    let ends = state.position[topic] + 1..=state.watermark(topic);
                    actions.extend(ends.map(|end| Action::Take(i, topic, end)));
                }
                if instance.acked != Sayings::default() {
                    actions.push(Action::Forget(i));
                }
            }
            Phase::Taken(batch) => actions.push(match state.clone().react(batch, self.mutant) {
                Ok(_) => Action::Commit(i),
                Err(_) => Action::Dead(i),
            }),
            Phase::Say { say, .. } => {
                if !say.answers.is_empty() {
                    actions.push(Action::Say(i));
                }
                if !say.letters.is_empty() {
                    actions.push(Action::SayDead(i));
                }
                if say == Sayings::default() {
                    actions.push(Action::Offsets(i));
                }
            }
        }
        if 0 < state.crashes {
            actions.push(Action::Crash(i));
        }
    }

    /// Nothing is left to do for an instance.
    pub(super) fn at_rest(&self, state: &State) -> bool {
        let idle = |i: usize| matches!(state.instances[i].phase, Phase::Idle);
        let mut actions = Vec::new();
        if INSTANCES.into_iter().all(idle) {
            INSTANCES.into_iter().for_each(|i| self.instance_actions(state, i, &mut actions));
        }
        INSTANCES.into_iter().all(idle)
            && actions.into_iter().all(|action| matches!(action, Action::Crash(_)))
    }
}

impl State {
    pub(super) fn first(log: usize, cause: Cause) -> Self {
        let instance = Instance { phase: Phase::Idle, acked: Sayings::default() };
        Self {
            log,
            cause,
            mended: false,
            replays: [None; REPLAYS],
            replayed_mended: false,
            committed: [0, 0],
            owner: [0, 1],
            position: [0, 0],
            fates: [Fate::New; 3],
            effects: [0; 3],
            answers: [0; 3],
            sequence: 0,
            owed: Sayings::default(),
            said: Said::default(),
            dlq: SmallSet::EMPTY,
            set_aside: SmallSet::EMPTY,
            revived_by_ordinary: false,
            instances: [instance; 2],
            crashes: 1,
            rebalances: 1,
        }
    }

    pub(super) fn start(&mut self, i: usize) {
        self.instances[i].phase = Phase::Say { batch: None, say: self.owed };
    }

    pub(super) fn take(&mut self, i: usize, topic: usize, end: u8) {
        let begin = self.position[topic];
        self.position[topic] = end;
        let batch = Batch { topic, begin, end, dead: SmallSet::EMPTY, assigned: true };
        self.instances[i].phase = Phase::Taken(batch);
    }

    pub(super) fn say(&mut self, i: usize) {
        if let Phase::Say { say, .. } = &mut self.instances[i].phase
            && let Some(sequence) = say.answers.first()
        {
            say.answers.remove(sequence);
            self.instances[i].acked.answers.insert(sequence);
            self.said.append(sequence);
        }
    }

    pub(super) fn say_dead(&mut self, i: usize) {
        if let Phase::Say { say, .. } = &mut self.instances[i].phase
            && let Some(place) = say.letters.first()
        {
            say.letters.remove(place);
            self.instances[i].acked.letters.insert(place);
            self.dlq.insert(place);
        }
    }

    pub(super) fn offsets(&mut self, i: usize) {
        if let Phase::Say { batch: Some(batch), .. } = self.instances[i].phase
            && batch.assigned
        {
            self.committed[batch.topic] = batch.end;
        }
        self.instances[i].phase = Phase::Idle;
    }

    pub(super) fn forget(&mut self, i: usize) {
        self.owed = self.owed.without(self.instances[i].acked);
        self.instances[i].acked = Sayings::default();
    }

    pub(super) fn crash(&mut self, i: usize) {
        self.crashes -= 1;
        self.instances[i] = Instance { phase: Phase::Down, acked: Sayings::default() };
        for topic in TOPICS.into_iter().filter(|&topic| self.owner[topic] == i) {
            self.position[topic] = self.committed[topic];
        }
    }

    pub(super) fn rebalance(&mut self, topic: usize) {
        self.rebalances -= 1;
        match &mut self.instances[self.owner[topic]].phase {
            Phase::Taken(batch) | Phase::Say { batch: Some(batch), .. } if batch.topic == topic => {
                batch.assigned = false;
            }
            Phase::Down | Phase::Idle | Phase::Taken(_) | Phase::Say { .. } => {}
        }
        self.owner[topic] = 1 - self.owner[topic];
        self.position[topic] = self.committed[topic];
    }

    pub(super) fn replay(&mut self, record: Record) {
        let free = usize::from(self.watermark(REPLAY));
        self.replays[free] = Some(record);
        self.replayed_mended |= self.mended && record == Record::Poison;
    }

    pub(super) fn watermark(&self, topic: usize) -> u8 {
        match topic {
            ORDINARY => LOGS[self.log].len() as u8,
            _ => self.replays.iter().flatten().count() as u8,
        }
    }

    pub(super) fn record(&self, topic: usize, offset: u8) -> Option<Record> {
        match topic {
            ORDINARY => LOGS[self.log].get(usize::from(offset)).copied(),
            _ => self.replays.get(usize::from(offset)).copied().flatten(),
        }
    }

    fn places(&self) -> impl Iterator<Item = (usize, u8)> {
        let offsets = |topic| (0..self.watermark(topic)).map(move |offset| (topic, offset));
        TOPICS.into_iter().flat_map(offsets)
    }

    /// The places of this record and its copies.
    pub(super) fn places_of(&self, record: Record) -> SmallSet {
        self.places()
            .filter(|&(topic, offset)| self.record(topic, offset) == Some(record))
            .map(|(topic, offset)| place(topic, offset))
            .collect()
    }

    /// The places of the dead letters that are owed because of this record: a repaired one may have
    /// died again as its letter.
    pub(super) fn letters_of(&self, record: Record) -> SmallSet {
        let damaged = self.places_of(Record::Damaged).union(self.places_of(Record::Repaired));
        match record {
            Record::Good | Record::Poison => self.places_of(record),
            Record::Damaged => damaged,
            Record::Repaired => damaged.union(self.places_of(Record::Poison)),
        }
    }

    /// Whether all records below the committed offsets are answered or in the DLQ. A replay that
    /// fails is a letter of its own; a repeat on the ordinary topic is not. What was refused on the
    /// replay topic has left its letter in the DLQ as it was; a repaired one may be an event that has a
    /// letter of its own.
    pub(super) fn committed_is_settled(&self) -> bool {
        let below = |&(topic, offset): &(usize, u8)| offset < self.committed[topic];
        self.places().filter(below).all(|(topic, offset)| {
            let Some(record) = self.record(topic, offset) else { return false };
            let letter = if record == Record::Repaired { Record::Damaged } else { record };
            let fate = self.fates[letter as usize];
            let settled = letter == Record::Damaged && fate == Fate::Handled;
            let event = if settled { Record::Poison } else { letter } as usize;
            let answered = self.said.sequences().contains(self.answers[event]);
            let letters = match topic {
                ORDINARY => self.places_of(record),
                _ => SmallSet::of(place(topic, offset)),
            };
            let refused = topic == REPLAY && fate == Fate::New;
            let dead_itself = settled && !self.dlq.and(self.places_of(Record::Poison)).is_empty();
            answered || refused || dead_itself || !self.dlq.and(letters).is_empty()
        })
    }
}

impl Sayings {
    pub(super) fn union(self, other: Self) -> Self {
        Self {
            answers: self.answers.union(other.answers),
            letters: self.letters.union(other.letters),
        }
    }

    fn without(self, other: Self) -> Self {
        Self {
            answers: self.answers.without(other.answers),
            letters: self.letters.without(other.letters),
        }
    }
}
