//! What the instances of [`super::Statements`] do outside of a transaction.

use super::{Action, Instance, LOGS, Mutant, Phase, State, Statements, Step};
use crate::small_set::SmallSet;

impl Statements {
    pub(super) fn instance_actions(&self, state: &State, i: usize, actions: &mut Vec<Action>) {
        let instance = state.instances[i];
        match instance.phase {
            Phase::Down => return actions.push(Action::Start(i)),
            Phase::Idle => {
                let ends = state.offsets[i] + 1..=LOGS[i].len() as u8;
                actions.extend(ends.map(|end| Action::Begin(i, end)));
                if !instance.acked.is_empty() {
                    actions.push(Action::Forget(i));
                }
            }
            Phase::Transaction(transaction) => {
                actions.push(Action::RollBack(i));
                if !self.waits(state, i) {
                    actions.push(Action::Run(i, transaction.next));
                }
                if transaction.next == Step::Commit && 0 < state.faults {
                    actions.push(Action::CommitUnseen(i));
                }
            }
            Phase::Say { say, .. } if say.is_empty() => actions.push(Action::Offsets(i)),
            Phase::Say { .. } => actions.push(Action::Say(i)),
        }
        if 0 < state.faults {
            actions.push(Action::Crash(i));
        }
    }

    /// The third instance loads what is owed: whole keys, or the rows that are old enough.
    pub(super) fn resend(&self, state: &mut State) {
        let owed = state.database.owed;
        let older = state.database.begun_earlier.and(owed);
        state.again = match self.mutant {
            Some(Mutant::ResendByRow) => owed.without(older.iter().map(|row| row - 1).collect()),
            _ => owed,
        };
    }
}

impl State {
    pub(super) fn start(&mut self, i: usize) {
        self.instances[i].phase = Phase::Say { end: None, say: self.database.owed };
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

    pub(super) fn say_again(&mut self) {
        if let Some(sequence) = self.again.first() {
            self.again.remove(sequence);
            self.said.append(sequence);
        }
    }

    pub(super) fn commit_offsets(&mut self, i: usize) {
        if let Phase::Say { end: Some(end), .. } = self.instances[i].phase {
            self.offsets[i] = end;
        }
        self.instances[i].phase = Phase::Idle;
    }

    /// A transaction of its own, which passes over what another one is deleting.
    pub(super) fn forget_idle(&mut self, i: usize) {
        let locked = match self.instances[1 - i].phase {
            Phase::Transaction(other) => other.deleted,
            Phase::Down | Phase::Idle | Phase::Say { .. } => SmallSet::EMPTY,
        };
        let acked = self.instances[i].acked;
        self.database.owed = self.database.owed.without(acked.without(locked));
        self.instances[i].acked = acked.and(self.database.owed);
    }

    pub(super) fn crash(&mut self, i: usize) {
        self.faults -= 1;
        self.instances[i] = Instance { phase: Phase::Down, acked: SmallSet::EMPTY };
    }

    /// The last sequence number given to an answer.
    pub(super) fn sequence(&self) -> u8 {
        self.database.spoken.unwrap_or_default()
    }

    /// The events of all records below the committed offsets.
    pub(super) fn committed_events(&self) -> impl Iterator<Item = u8> {
        LOGS.into_iter().zip(self.offsets).flat_map(|(log, end)| &log[..usize::from(end)]).copied()
    }
}
