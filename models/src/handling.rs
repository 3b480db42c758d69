//! The handling of events: one order, heard on two topics by two instances.
//!
//! The transaction, from `begin` to `commit`, is one step here; [`crate::statements`] takes it
//! apart. Every crashed instance returns; [`crate::timers`] has one that does not.

mod steps;

use stateright::{Model, Property};

use crate::said::Said;
use crate::small_set::SmallSet;

/// The events of each topic by offset. The last record of the first topic is a copy of its first.
const LOGS: [&[u8]; 2] = [&[0, 1, 0], &[2]];
/// How many events there are.
const EVENTS: u32 = 3;
/// The two instances of the service.
const INSTANCES: [usize; 2] = [0, 1];
/// The two topics, of one partition each.
const TOPICS: [usize; 2] = [0, 1];

/// The model, or a mutant of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Handling {
    /// The fault that is put in.
    pub mutant: Option<Mutant>,
}

/// A fault that the properties must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Offsets are committed before the transaction.
    OffsetFirst,
    /// What is about to be said is no longer owed.
    ForgetEarly,
    /// Only the answers of the batch are said, not what is still owed for its key.
    OwnOnly,
    /// Repeats are not recognised.
    NoHandled,
    /// An answer counts as acknowledged though it was lost.
    AckUnsaid,
}

/// A state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The group's committed offset of each topic.
    committed: [u8; 2],
    /// The events in `handled`.
    handled: SmallSet,
    /// The last sequence number given to an answer (`spoken`); each event is answered once.
    sequence: u8,
    /// The sequence numbers in `owed`.
    owed: SmallSet,
    /// What the topic of the answers holds.
    said: Said,
    /// The instance that each topic is assigned to.
    owner: [usize; 2],
    /// The owner's position on each topic.
    position: [u8; 2],
    instances: [Instance; 2],
    /// How many crashes are still to come, at most.
    crashes: u8,
    /// How many rebalances are still to come, at most.
    rebalances: u8,
    /// How many operator's interventions are still to come, at most.
    operations: u8,
    /// The events that an operator skipped before they were handled.
    skipped: SmallSet,
}

/// What an instance is doing. `acked` is what Kafka has acknowledged and `owed` still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Instance {
    Down,
    Idle { acked: SmallSet },
    Taken { batch: Batch, acked: SmallSet },
    Say { batch: Option<Batch>, say: SmallSet, acked: SmallSet },
}

/// Records of one topic, from offset `begin` to before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Batch {
    topic: usize,
    begin: u8,
    end: u8,
}

/// A step of an instance (its first number), of Kafka, or of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A crashed instance returns and loads all that is owed.
    Start(usize),
    /// Takes the records from the position to before an offset.
    Take(usize, usize, u8),
    /// The whole transaction, from `begin` to `commit`.
    Commit(usize),
    /// Offsets before the transaction: only in a mutant.
    OffsetsEarly(usize),
    /// Says the next answer and hears that it is acknowledged.
    Say(usize),
    /// Believes the next answer acknowledged, but it is lost: only in a mutant.
    Lose(usize),
    /// Commits the offsets, if the coordinator accepts them; after `start` there are none.
    Offsets(usize, bool),
    /// Forgets what is acknowledged, after an idle second.
    Forget(usize),
    /// Loses what is in memory; its transaction is rolled back, its locks are released.
    Crash(usize),
    /// The topic is assigned to the other instance, while the old one goes on.
    Rebalance(usize),
    /// All stop; the first topic is heard from 0 again.
    Rewind,
    /// All stop; the first topic is created again, with the same events.
    CreateAgain,
    /// All stop; the first topic is skipped to its end.
    Skip,
}

impl Model for Handling {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            committed: [0, 0],
            handled: SmallSet::EMPTY,
            sequence: 0,
            owed: SmallSet::EMPTY,
            said: Said::default(),
            owner: [0, 0],
            position: [0, 0],
            instances: [Instance::Idle { acked: SmallSet::EMPTY }; 2],
            crashes: 2,
            rebalances: 2,
            operations: 1,
            skipped: SmallSet::EMPTY,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for i in INSTANCES {
            self.instance_actions(state, i, actions);
        }
        if 0 < state.rebalances {
            actions.extend(TOPICS.map(Action::Rebalance));
        }
        if 0 < state.operations {
            actions.extend([Action::Rewind, Action::CreateAgain, Action::Skip]);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Start(i) => state.start(i),
            Action::Take(i, topic, end) => state.take(i, topic, end),
            Action::Commit(i) => state.commit(i, self.mutant),
            Action::OffsetsEarly(i) => state.offsets_early(i),
            Action::Say(i) => state.say(i, true),
            Action::Lose(i) => state.say(i, false),
            Action::Offsets(i, accepted) => state.offsets(i, accepted),
            Action::Forget(i) => state.forget(i),
            Action::Crash(i) => state.crash(i),
            Action::Rebalance(topic) => state.rebalance(topic),
            Action::Rewind | Action::CreateAgain => state.operate(0),
            Action::Skip => {
                let skipped: SmallSet = LOGS[0].iter().copied().collect();
                state.skipped = skipped.without(state.handled);
                state.operate(LOGS[0].len() as u8);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("an effect happens once", |_, state: &State| {
                u32::from(state.sequence) <= state.handled.len()
            }),
            Property::always("first occurrences stand in order", |_, state: &State| {
                state.said.in_order()
            }),
            Property::always("an answer is said or owed", |_, state: &State| {
                let kept = state.said.sequences().union(state.owed);
                SmallSet::range(1, state.sequence).without(kept).is_empty()
            }),
            Property::always("an answer is said at rest", |_, state: &State| {
                !state.at_rest() || state.said.sequences() == SmallSet::range(1, state.sequence)
            }),
            Property::always("an event is handled at rest", |_, state: &State| {
                !state.at_rest() || !state.skipped.is_empty() || state.handled.len() == EVENTS
            }),
            Property::sometimes("all is done after every fault", |_, state: &State| {
                let faults = state.crashes + state.rebalances + state.operations;
                faults == 0 && state.at_rest() && state.said.sequences().len() == EVENTS
            }),
        ]
    }
}

impl Handling {
    fn instance_actions(&self, state: &State, i: usize, actions: &mut Vec<Action>) {
        match state.instances[i] {
            Instance::Down => return actions.push(Action::Start(i)),
            Instance::Idle { acked } => {
                for topic in TOPICS.into_iter().filter(|&topic| state.owner[topic] == i) {
                    let ends = state.position[topic] + 1..=LOGS[topic].len() as u8;
                    actions.extend(ends.map(|end| Action::Take(i, topic, end)));
                }
                if !acked.is_empty() {
                    actions.push(Action::Forget(i));
                }
            }
            Instance::Taken { .. } => {
                actions.push(Action::Commit(i));
                if self.mutant == Some(Mutant::OffsetFirst) {
                    actions.push(Action::OffsetsEarly(i));
                }
            }
            Instance::Say { batch, say, .. } if say.is_empty() => {
                actions.push(Action::Offsets(i, true));
                // The coordinator refuses an old owner's commit, but a late one may slip through.
                if batch.is_some_and(|batch| state.owner[batch.topic] != i) {
                    actions.push(Action::Offsets(i, false));
                }
            }
            Instance::Say { .. } => {
                actions.push(Action::Say(i));
                if self.mutant == Some(Mutant::AckUnsaid) {
                    actions.push(Action::Lose(i));
                }
            }
        }
        if 0 < state.crashes {
            actions.push(Action::Crash(i));
        }
    }
}
