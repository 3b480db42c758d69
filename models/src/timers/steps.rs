//! What each step of [`super::Timers`] does to the state.

use super::{
    ANSWERS, Answer, Batch, Deadline, Instance, Mutant, Note, ORDER_RECORDS, ORDERS, Outcome,
    PARTITIONS, Phase, State,
};
use crate::said::Said;
use crate::small_set::SmallSet;

impl State {
    pub(super) fn first() -> Self {
        Self {
            answer: Answer::Awaited,
            committed: [0, 0],
            owner: [0, 1],
            position: [0, 0],
            order_handled: false,
            answer_handled: false,
            deadline: Deadline::Unknown,
            timer: false,
            reactions: 0,
            outcome: Outcome::Open,
            sequence: 0,
            owed: SmallSet::EMPTY,
            said: Said::default(),
            note: Note::default(),
            instances: [Instance { phase: Phase::Idle, acked: SmallSet::EMPTY, assigned: false };
                2],
            crashes: 2,
            rebalances: 1,
        }
    }

    /// Everything that is owed is said, but for what this instance knows to be acknowledged.
    pub(super) fn start(&mut self, i: usize) {
        let say = self.owed.without(self.instances[i].acked);
        self.instances[i].assigned = false;
        self.instances[i].phase = Phase::Say { batch: None, say };
    }

    pub(super) fn take(&mut self, i: usize, partition: usize, end: u8) {
        let begin = self.position[partition];
        self.position[partition] = end;
        let batch = Batch { partition, begin, end, assigned: true };
        self.instances[i].phase = Phase::Taken(batch);
    }

    pub(super) fn due(&mut self, i: usize, mutant: Option<Mutant>) {
        self.instances[i].phase = Phase::Due;
        if mutant == Some(Mutant::DeletedWhenTaken) {
            self.timer = false;
        }
    }

    pub(super) fn commit(&mut self, i: usize, mutant: Option<Mutant>) {
        self.forget(i);
        let mut phase = self.instances[i].phase;
        let before = self.sequence;
        match phase {
            Phase::Taken(batch) => {
                (batch.begin..batch.end).for_each(|_| self.react_to_record(batch, mutant));
            }
            Phase::Due => self.react_to_timer(),
            Phase::Down | Phase::Gone | Phase::Idle | Phase::Say { .. } => return,
        }
        let new = SmallSet::range(before + 1, self.sequence);
        let of_timer = phase == Phase::Due;
        let say = match mutant {
            Some(Mutant::OwnOnly) if of_timer => new,
            _ => self.owed.union(new),
        };
        if !(of_timer && mutant == Some(Mutant::AnswerNotOwed)) {
            self.owed = self.owed.union(new);
        }
        let batch = phase.batch().copied();
        self.instances[i].phase = Phase::Say { batch, say };
    }

    /// A crash between the commit of what was heard and that of its timer.
    pub(super) fn commit_without_timer(&mut self, i: usize) {
        let set_before = self.order_handled;
        self.commit(i, None);
        if !set_before {
            self.timer = false;
        }
        self.crash(i, Phase::Down);
    }

    fn react_to_record(&mut self, batch: Batch, mutant: Option<Mutant>) {
        if batch.partition == ANSWERS {
            if !self.answer_handled {
                self.answer_handled = true;
                self.confirm_if_whole();
            }
        } else if !self.order_handled {
            self.order_handled = true;
            self.sequence += 1;
            self.set_timer();
            self.confirm_if_whole();
        } else if mutant == Some(Mutant::RepeatSetsTimer) {
            self.set_timer();
        }
    }

    /// An answer may come before its order: whichever of the two is heard last confirms it.
    fn confirm_if_whole(&mut self) {
        if self.order_handled && self.answer_handled && self.outcome == Outcome::Open {
            self.outcome = Outcome::Confirmed;
            self.sequence += 1;
        }
    }

    fn set_timer(&mut self) {
        self.timer = true;
        self.deadline = Deadline::Ahead;
    }

    fn react_to_timer(&mut self) {
        self.timer = false;
        self.reactions += 1;
        if self.outcome == Outcome::Open {
            self.outcome = Outcome::Cancelled;
        }
        self.sequence += 1;
    }

    pub(super) fn say(&mut self, i: usize) {
        if let Phase::Say { say, .. } = &mut self.instances[i].phase
            && let Some(sequence) = say.first()
        {
            say.remove(sequence);
            self.instances[i].acked.insert(sequence);
            self.said.append(sequence);
        }
    }

    /// What is no longer assigned is finished in the database, but its offsets are not committed.
    pub(super) fn offsets(&mut self, i: usize, mutant: Option<Mutant>) {
        if let Phase::Say { batch: Some(batch), .. } = self.instances[i].phase
            && (batch.assigned || mutant == Some(Mutant::LateOffsets))
        {
            self.committed[batch.partition] = batch.end;
        }
        self.instances[i].phase = Phase::Idle;
    }

    pub(super) fn forget(&mut self, i: usize) {
        self.owed = self.owed.without(self.instances[i].acked);
        self.instances[i].acked = SmallSet::EMPTY;
    }

    pub(super) fn note_time(&mut self, mutant: Option<Mutant>) {
        self.note.passed = Some(self.deadline == Deadline::Passed);
        if mutant != Some(Mutant::WatermarksFirst) {
            self.note.answers_watermark = None;
        }
    }

    pub(super) fn note_watermarks(&mut self, mutant: Option<Mutant>) {
        self.note.answers_watermark = Some(self.watermark(ANSWERS));
        if mutant == Some(Mutant::WatermarksFirst) {
            self.note.passed = None;
        }
    }

    /// Gives a partition to the instance that does not have it.
    pub(super) fn assign(&mut self, partition: usize) {
        let owner = 1 - self.owner[partition];
        self.instances[1 - owner].phase.revoke(partition);
        self.owner[partition] = owner;
        self.position[partition] = self.committed[partition];
        self.instances[owner].assigned = true;
    }

    pub(super) fn crash(&mut self, i: usize, phase: Phase) {
        if phase == Phase::Down {
            self.crashes -= 1;
        }
        self.instances[i] = Instance { phase, acked: SmallSet::EMPTY, assigned: false };
        for partition in PARTITIONS.into_iter().filter(|&partition| self.owner[partition] == i) {
            self.position[partition] = self.committed[partition];
        }
    }

    pub(super) fn append(&mut self) {
        let late = self.deadline == Deadline::Passed;
        self.answer = if late { Answer::Late } else { Answer::InTime };
    }

    pub(super) fn watermark(&self, partition: usize) -> u8 {
        match partition {
            ORDERS => ORDER_RECORDS,
            _ => u8::from(self.answer != Answer::Awaited),
        }
    }

    pub(super) fn one_gone(&self) -> bool {
        self.instances.iter().any(|instance| instance.phase == Phase::Gone)
    }
}

impl Phase {
    /// The batch at hand, if there is one.
    fn batch(&mut self) -> Option<&mut Batch> {
        match self {
            Self::Taken(batch) => Some(batch),
            Self::Say { batch, .. } => batch.as_mut(),
            Self::Down | Self::Gone | Self::Idle | Self::Due => None,
        }
    }

    /// The batch at hand is no longer ours if it is of `partition`.
    fn revoke(&mut self, partition: usize) {
        if let Some(batch) = self.batch().filter(|batch| batch.partition == partition) {
            batch.assigned = false;
        }
    }
}
