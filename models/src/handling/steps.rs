//! What each step of [`super::Handling`] does to the state.

use super::{Batch, Instance, LOGS, Mutant, State, TOPICS};
use crate::small_set::SmallSet;

impl State {
    pub(super) fn start(&mut self, i: usize) {
        self.instances[i] = Instance::Say { batch: None, say: self.owed, acked: SmallSet::EMPTY };
    }

    pub(super) fn take(&mut self, i: usize, topic: usize, end: u8) {
        if let Instance::Idle { acked } = self.instances[i] {
            let batch = Batch { topic, begin: self.position[topic], end };
            self.position[topic] = end;
            self.instances[i] = Instance::Taken { batch, acked };
        }
    }

    pub(super) fn commit(&mut self, i: usize, mutant: Option<Mutant>) {
        let Instance::Taken { batch, acked } = self.instances[i] else { return };
        self.owed = self.owed.without(acked);
        let mut new = SmallSet::EMPTY;
        for &event in &LOGS[batch.topic][usize::from(batch.begin)..usize::from(batch.end)] {
            if !self.handled.contains(event) || mutant == Some(Mutant::NoHandled) {
                self.handled.insert(event);
                self.sequence += 1;
                new.insert(self.sequence);
            }
        }
        // A smaller sequence number is said first: what was owed comes before what is new.
        let say = match mutant {
            Some(Mutant::OwnOnly) => new,
            _ => self.owed.union(new),
        };
        if mutant != Some(Mutant::ForgetEarly) {
            self.owed = self.owed.union(new);
        }
        self.instances[i] = Instance::Say { batch: Some(batch), say, acked: SmallSet::EMPTY };
    }

    pub(super) fn offsets_early(&mut self, i: usize) {
        if let Instance::Taken { batch, .. } = self.instances[i] {
            self.committed[batch.topic] = batch.end;
        }
    }

    pub(super) fn say(&mut self, i: usize, arrives: bool) {
        if let Instance::Say { say, acked, .. } = &mut self.instances[i]
            && let Some(sequence) = say.first()
        {
            say.remove(sequence);
            acked.insert(sequence);
            if arrives {
                self.said.append(sequence);
            }
        }
    }

    pub(super) fn offsets(&mut self, i: usize, accepted: bool) {
        let Instance::Say { batch, acked, .. } = self.instances[i] else { return };
        if let Some(batch) = batch.filter(|_| accepted) {
            self.committed[batch.topic] = batch.end;
        }
        self.instances[i] = Instance::Idle { acked };
    }

    pub(super) fn forget(&mut self, i: usize) {
        if let Instance::Idle { acked } = self.instances[i] {
            self.owed = self.owed.without(acked);
            self.instances[i] = Instance::Idle { acked: SmallSet::EMPTY };
        }
    }

    pub(super) fn crash(&mut self, i: usize) {
        self.crashes -= 1;
        self.instances[i] = Instance::Down;
        for topic in TOPICS.into_iter().filter(|&topic| self.owner[topic] == i) {
            self.position[topic] = self.committed[topic];
        }
    }

    pub(super) fn rebalance(&mut self, topic: usize) {
        self.rebalances -= 1;
        self.owner[topic] = 1 - self.owner[topic];
        self.position[topic] = self.committed[topic];
    }

    /// An operator stops both instances and sets the committed offset of the first topic.
    pub(super) fn operate(&mut self, offset: u8) {
        self.operations -= 1;
        self.committed[0] = offset;
        self.position = self.committed;
        self.instances = [Instance::Down; 2];
    }

    /// Everything is committed and nobody is doing anything.
    pub(super) fn at_rest(&self) -> bool {
        TOPICS.iter().all(|&topic| usize::from(self.committed[topic]) == LOGS[topic].len())
            && self.instances.iter().all(|instance| matches!(instance, Instance::Idle { .. }))
    }
}
