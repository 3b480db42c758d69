//! Which steps of [`super::Timers`] are possible in a state.

use super::{
    ANSWERS, Action, Answer, Deadline, INSTANCES, Mutant, Note, ORDER_RECORDS, ORDERS, PARTITIONS,
    Phase, State, Timers,
};

impl Timers {
    pub(super) fn instance_actions(&self, state: &State, i: usize, actions: &mut Vec<Action>) {
        let instance = state.instances[i];
        match instance.phase {
            Phase::Down => return actions.push(Action::Start(i)),
            Phase::Gone => return,
            Phase::Idle => self.idle_actions(state, i, actions),
            Phase::Taken(_) | Phase::Due => actions.push(Action::Commit(i)),
            Phase::Say { say, .. } if say.is_empty() => actions.push(Action::Offsets(i)),
            Phase::Say { .. } => actions.push(Action::Say(i)),
        }
        if 0 < state.crashes {
            actions.push(Action::Crash(i));
            if self.mutant == Some(Mutant::KeptAfterCommit)
                && matches!(instance.phase, Phase::Taken(_))
            {
                actions.push(Action::CommitWithoutTimer(i));
            }
        }
        if !state.one_gone() {
            actions.push(Action::Leave(i));
        }
    }

    fn idle_actions(&self, state: &State, i: usize, actions: &mut Vec<Action>) {
        let instance = state.instances[i];
        if !instance.acked.is_empty() {
            actions.push(Action::Forget(i));
        }
        if instance.assigned {
            return actions.push(Action::Start(i));
        }
        for partition in PARTITIONS.into_iter().filter(|&partition| state.owner[partition] == i) {
            let ends = state.position[partition] + 1..=state.watermark(partition);
            actions.extend(ends.map(|end| Action::Take(i, partition, end)));
        }
        if state.timer && !self.skips_locked(state) && self.may_take_timer(state, i) {
            actions.push(Action::Due(i));
        }
        let unsaid = !state.owed.without(instance.acked).is_empty();
        if unsaid && self.mutant != Some(Mutant::NoResend) {
            actions.push(Action::Resend(i));
        }
    }

    /// Whether another instance holds the lock of the timer's row, so that it is passed over.
    fn skips_locked(&self, state: &State) -> bool {
        let locked = state.instances.iter().any(|other| other.phase == Phase::Due);
        locked && self.mutant != Some(Mutant::NotLocked)
    }

    /// Whether the group's committed offsets have reached the watermarks of a note that was taken
    /// at the deadline or later.
    fn may_take_timer(&self, state: &State, i: usize) -> bool {
        if self.mutant == Some(Mutant::TakenWhenDue) {
            return state.deadline == Deadline::Passed;
        }
        let Note { passed: Some(passed), answers_watermark: Some(answers_watermark) } = state.note
        else {
            return false;
        };
        let passed = match self.mutant {
            Some(Mutant::NowForNote) => state.deadline == Deadline::Passed,
            _ => passed,
        };
        let watermarks = [(ORDERS, ORDER_RECORDS), (ANSWERS, answers_watermark)];
        passed
            && watermarks.into_iter().all(|(partition, watermark)| {
                watermark <= self.heard(state, i, partition, watermark)
            })
    }

    /// The offset that is compared with `watermark`.
    fn heard(&self, state: &State, i: usize, partition: usize, watermark: u8) -> u8 {
        match self.mutant {
            Some(Mutant::OwnOffsets) if state.owner[partition] != i => watermark,
            Some(Mutant::PositionsForOffsets) => state.position[partition],
            _ => state.committed[partition],
        }
    }

    pub(super) fn outside_actions(&self, state: &State, actions: &mut Vec<Action>) {
        match (state.note.passed.is_some(), state.note.answers_watermark.is_some()) {
            (true, false) => actions.push(Action::NoteWatermarks),
            (false, true) => actions.push(Action::NoteTime),
            _ if self.mutant == Some(Mutant::WatermarksFirst) => {
                actions.push(Action::NoteWatermarks);
            }
            _ => actions.push(Action::NoteTime),
        }
        for partition in PARTITIONS {
            let owner = state.instances[state.owner[partition]].phase;
            let other = state.instances[1 - state.owner[partition]].phase;
            if owner == Phase::Gone {
                actions.push(Action::Reassign(partition));
            } else if 0 < state.rebalances && !matches!(other, Phase::Down | Phase::Gone) {
                actions.push(Action::Rebalance(partition));
            }
        }
        if state.answer == Answer::Awaited {
            actions.push(Action::Append);
        }
        if state.deadline == Deadline::Ahead {
            actions.push(Action::Pass);
        }
    }

    /// Nothing is left to do: neither for an instance, nor for Kafka or the clock.
    pub(super) fn at_rest(&self, state: &State) -> bool {
        let idle = |i: usize| matches!(state.instances[i].phase, Phase::Idle | Phase::Gone);
        let newest = Note {
            passed: Some(state.deadline == Deadline::Passed),
            answers_watermark: Some(state.watermark(ANSWERS)),
        };
        if !INSTANCES.into_iter().all(idle) || state.note != newest {
            return false;
        }
        let mut actions = Vec::new();
        INSTANCES.into_iter().for_each(|i| self.instance_actions(state, i, &mut actions));
        self.outside_actions(state, &mut actions);
        actions.into_iter().all(Action::may_stay_away)
    }
}

impl Action {
    /// Whether the world may go on for ever without this step, or it changes nothing at rest.
    fn may_stay_away(self) -> bool {
        let fault = matches!(self, Self::Rebalance(_) | Self::Crash(_) | Self::Leave(_));
        let note = matches!(self, Self::NoteTime | Self::NoteWatermarks);
        fault || note || self == Self::Append
    }
}
