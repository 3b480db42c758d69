//! The transaction of [`super::Statements`], statement by statement.

use super::{LOGS, Mutant, Phase, State, Statements, Step, Transaction};
use crate::small_set::SmallSet;

impl Statements {
    pub(super) fn begin(&self, state: &mut State, i: usize, end: u8) {
        let mut younger = false;
        if self.mutant == Some(Mutant::ResendByRow)
            && let Some(other) = state.transaction_mut(1 - i)
        {
            other.younger = false;
            younger = true;
        }
        state.instances[i].phase = Phase::Transaction(Transaction {
            end,
            next: Step::Forget,
            looked_up: 0,
            new: SmallSet::EMPTY,
            deleted: SmallSet::EMPTY,
            key_inserted: false,
            key_locked: false,
            sequence: 0,
            owed: SmallSet::EMPTY,
            effects: SmallSet::EMPTY,
            saved: false,
            younger,
            overtaken: false,
        });
    }

    /// The next statement of instance `i` cannot run until the other transaction has ended.
    pub(super) fn waits(&self, state: &State, i: usize) -> bool {
        let (Some(own), Some(other)) = (state.transaction(i), state.transaction(1 - i)) else {
            return false;
        };
        match own.next {
            Step::Handled => {
                let id = self.ids(state, i, own)[own.looked_up];
                other.new.contains(id) && !self.passes_concurrent()
            }
            Step::Key => other.key_inserted,
            Step::Lock => self.locks_key() && other.holds_key(),
            Step::Save => other.holds_key(),
            Step::Forget | Step::Owed | Step::Load | Step::Commit => false,
        }
    }

    fn passes_concurrent(&self) -> bool {
        matches!(self.mutant, Some(Mutant::ConcurrentIsNew | Mutant::ConcurrentIsRepeat))
    }

    fn locks_key(&self) -> bool {
        self.mutant != Some(Mutant::KeyNotLocked)
    }

    /// The ids of the batch in the order in which `handled` inserts them.
    fn ids(&self, state: &State, i: usize, own: Transaction) -> Vec<u8> {
        let mut ids = LOGS[i][usize::from(state.offsets[i])..usize::from(own.end)].to_vec();
        if self.mutant != Some(Mutant::IdsNotSorted) {
            ids.sort_unstable();
        }
        ids
    }

    /// Runs the next statement of instance `i`.
    pub(super) fn run(&self, state: &mut State, i: usize, step: Step) {
        let Some(mut own) = state.transaction(i) else { return };
        match step {
            Step::Forget => own.deleted = self.forget(state, i),
            Step::Handled => {
                self.insert_id(state, i, &mut own);
                if own.looked_up < self.ids(state, i, own).len() {
                    state.instances[i].phase = Phase::Transaction(own);
                    return;
                }
            }
            Step::Key => own.key_inserted = state.database.spoken.is_none(),
            Step::Lock => {
                own.sequence = state.sequence();
                own.key_locked = self.locks_key() && state.database.spoken.is_some();
            }
            Step::Owed => own.owed = state.database.owed.without(own.deleted),
            Step::Load => own.effects = state.database.effects,
            Step::Save => own.saved = true,
            Step::Commit => return self.commit(state, i, own),
        }
        own.next = self.after(step, !own.new.is_empty());
        state.instances[i].phase = Phase::Transaction(own);
    }

    /// The statement after `step`. Repeats are locked and loaded like any, as it is not known yet
    /// which they are; but they change nothing.
    fn after(&self, step: Step, any_new: bool) -> Step {
        let usual = match step {
            Step::Forget => Step::Handled,
            Step::Load if !any_new => return Step::Commit,
            Step::Handled => Step::Key,
            Step::Key => Step::Lock,
            Step::Lock => Step::Owed,
            Step::Owed => Step::Load,
            Step::Load => Step::Save,
            Step::Save | Step::Commit => Step::Commit,
        };
        match (self.mutant, step) {
            (Some(Mutant::OwedBeforeLock), Step::Handled) => Step::Owed,
            (Some(Mutant::OwedBeforeLock), Step::Owed) => Step::Key,
            (Some(Mutant::OwedBeforeLock), Step::Lock) => Step::Load,
            (Some(Mutant::OwedWithLock), Step::Key) => Step::Owed,
            (Some(Mutant::OwedWithLock), Step::Owed) => Step::Lock,
            (Some(Mutant::OwedWithLock), Step::Lock) => Step::Load,
            (Some(Mutant::LoadBeforeLock), Step::Handled) => Step::Load,
            (Some(Mutant::LoadBeforeLock), Step::Load) => Step::Key,
            (Some(Mutant::LoadBeforeLock), Step::Owed) => Step::Save,
            (Some(Mutant::KeyNotInserted), Step::Handled) => Step::Lock,
            _ => usual,
        }
    }

    /// Deletes what is acknowledged, but for the rows that another transaction is deleting.
    fn forget(&self, state: &State, i: usize) -> SmallSet {
        let locked = state.transaction(1 - i).map_or(SmallSet::EMPTY, |other| other.deleted);
        let rows = match self.mutant {
            Some(Mutant::ForgetUnacknowledged) => state.database.owed,
            _ => state.instances[i].acked.and(state.database.owed),
        };
        rows.without(locked)
    }

    fn insert_id(&self, state: &State, i: usize, own: &mut Transaction) {
        let id = self.ids(state, i, *own)[own.looked_up];
        let concurrent = state.transaction(1 - i).is_some_and(|other| other.new.contains(id));
        let repeat = self.mutant == Some(Mutant::ConcurrentIsRepeat) && concurrent;
        if !state.database.handled.contains(id) && !repeat {
            own.new.insert(id);
        }
        own.looked_up += 1;
    }

    fn commit(&self, state: &mut State, i: usize, own: Transaction) {
        let last = own.sequence + own.new.len() as u8;
        let answers = SmallSet::range(own.sequence + 1, last);
        let database = &mut state.database;
        database.owed = database.owed.without(own.deleted).union(answers);
        if own.saved {
            database.handled = database.handled.union(own.new);
            database.spoken = Some(last);
            database.effects = own.effects.union(own.new);
            if own.overtaken {
                database.begun_earlier.insert(own.sequence + 1);
            }
            for (event, sequence) in own.new.iter().zip(answers.iter()) {
                state.reactions[usize::from(event)] += 1;
                state.answers[usize::from(event)] = sequence;
            }
            if let Some(other) = state.transaction_mut(1 - i) {
                other.overtaken = own.younger;
            }
        }
        state.instances[i].acked = state.instances[i].acked.and(state.database.owed);
        state.instances[i].phase = Phase::Say { end: Some(own.end), say: own.owed.union(answers) };
    }
}

impl Transaction {
    /// Whether this transaction has a lock on the key's row.
    fn holds_key(self) -> bool {
        self.key_inserted || self.key_locked || self.saved
    }
}

impl State {
    fn transaction(&self, i: usize) -> Option<Transaction> {
        match self.instances[i].phase {
            Phase::Transaction(transaction) => Some(transaction),
            Phase::Down | Phase::Idle | Phase::Say { .. } => None,
        }
    }

    fn transaction_mut(&mut self, i: usize) -> Option<&mut Transaction> {
        match &mut self.instances[i].phase {
            Phase::Transaction(transaction) => Some(transaction),
            Phase::Down | Phase::Idle | Phase::Say { .. } => None,
        }
    }
}
