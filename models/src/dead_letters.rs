//! Dead letters and their replay: a good event and a poisonous one of one order, two instances.
//!
//! The poisonous event makes `react` panic, or the database refuses what it leads to, until an
//! operator mends the cause. Its dead letter can be replayed twice, before or after that, as it is,
//! damaged, or, if it was damaged, repaired: then it is the event itself. A transaction is one step,
//! or it is rolled back in one.

mod identity;
mod react;
mod steps;

use stateright::{Model, Property};

use crate::said::Said;
use crate::small_set::SmallSet;
use identity::place;

/// The two instances of the service.
const INSTANCES: [usize; 2] = [0, 1];
/// The two topics, of one partition each.
const TOPICS: [usize; 2] = [ORDINARY, REPLAY];
/// The topic that everybody hears.
const ORDINARY: usize = 0;
/// The topic that only this group hears.
const REPLAY: usize = 1;
/// What the ordinary topic may hold: a good event, a poisonous one and its copy; or a damaged copy
/// before the event itself.
const LOGS: [&[Record]; 2] =
    [&[Record::Good, Record::Poison, Record::Poison], &[Record::Damaged, Record::Poison]];
/// How many dead letters can be replayed.
const REPLAYS: usize = 2;

/// The model, or a mutant of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadLetters {
    /// The fault that is put in.
    pub mutant: Option<Mutant>,
}

/// A fault that the properties must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Offsets are committed without waiting for the dead letter.
    NotAwaited,
    /// What is owed is loaded by key only, and a dead letter has none.
    NotLoadedByCause,
    /// Only the answers of the batch are said, not what is still owed for its key.
    OwnOnly,
    /// The dead letter is said, but not owed in the transaction that handles its event.
    NotOwed,
    /// The dead event is not put into `handled`.
    NotHandled,
    /// A dead event is tried again when the ordinary topic repeats it.
    TriedByOrdinary,
    /// A dead event is not tried again when it is replayed.
    DeadForEver,
    /// A replayed event is not looked up in `handled`.
    ReplayNotLookedUp,
    /// The batch goes on after a panic, with the state that the panic touched.
    TouchedStateSaved,
    /// A batch that the database refuses is set aside whole.
    BatchSetAside,
    /// A damaged copy has the identity of the good event.
    DamagedStandsForGood,
    /// A replay keeps the identity of its dead letter, also when its bytes are good now.
    RepairedKeepsLetter,
}

/// A state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What the ordinary topic holds, as an index of [`LOGS`].
    log: usize,
    cause: Cause,
    /// The operator has mended the cause.
    mended: bool,
    /// What the replay topic holds.
    replays: [Option<Record>; REPLAYS],
    /// A replay as it was came after the cause was mended.
    replayed_mended: bool,
    /// The group's committed offset of each topic.
    committed: [u8; 2],
    /// The instance that each topic is assigned to.
    owner: [usize; 2],
    /// The owner's position on each topic.
    position: [u8; 2],
    /// What `handled` holds about each event.
    fates: [Fate; 3],
    /// How often each event took effect on the state that is saved.
    effects: [u8; 3],
    /// The sequence number of the answer to each event, 0 for none.
    answers: [u8; 3],
    /// The last sequence number given to an answer (`spoken`).
    sequence: u8,
    /// What `owed` holds: sequence numbers of answers, places of dead letters.
    owed: Sayings,
    /// What the topic of the answers holds.
    said: Said,
    /// What the DLQ holds: the places that its dead letters come from, which are their ids.
    dlq: SmallSet,
    /// All dead letters that were ever committed.
    set_aside: SmallSet,
    /// An event that had a dead letter took effect by way of the ordinary topic.
    revived_by_ordinary: bool,
    instances: [Instance; 2],
    /// How many crashes are still to come, at most.
    crashes: u8,
    /// How many rebalances are still to come, at most.
    rebalances: u8,
}

/// How the poisonous event shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Cause {
    /// `react` panics: the record is known.
    Panic,
    /// The database refuses the batch: the record must be found by splitting.
    Refused,
}

/// A record on a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// An event that nothing is wrong with.
    Good,
    /// Poisonous until the cause is mended.
    Poison,
    /// A copy of the poisonous record that cannot be decoded; an event of its own.
    Damaged,
    /// The dead letter of the damaged copy with good bytes: the poisonous record again.
    Repaired,
}

/// What `handled` holds about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fate {
    New,
    Dead,
    Handled,
}

/// Answers by sequence number, and dead letters by place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Sayings {
    answers: SmallSet,
    letters: SmallSet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Instance {
    phase: Phase,
    /// What Kafka has acknowledged and `owed` still holds.
    acked: Sayings,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Down,
    Idle,
    Taken(Batch),
    Say { batch: Option<Batch>, say: Sayings },
}

/// Records of one topic, from offset `begin` to before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Batch {
    topic: usize,
    begin: u8,
    end: u8,
    /// The offsets of the records that are to be set aside.
    dead: SmallSet,
    /// Whether the topic is still assigned as it was when the batch was taken.
    assigned: bool,
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
    /// The transaction is rolled back: a poisonous record will be set aside, or is looked for.
    Dead(usize),
    /// Says the next answer and hears that it is acknowledged.
    Say(usize),
    /// Says the next dead letter and hears that it is acknowledged.
    SayDead(usize),
    /// Commits the offsets, if the batch is still assigned; without a batch there are none.
    Offsets(usize),
    /// Forgets what is acknowledged, after an idle second.
    Forget(usize),
    /// Loses what is in memory; its transaction is rolled back, its locks are released.
    Crash(usize),
    /// The topic is assigned to the other instance, while the old one goes on.
    Rebalance(usize),
    /// The operator mends the cause.
    Mend,
    /// The operator replays a dead letter: as it is, damaged on the way, or repaired. A damaged replay
    /// of a letter that was not damaged is of an event that `handled` does not know.
    Replay(Record),
}

impl Model for DeadLetters {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let causes = [Cause::Panic, Cause::Refused];
        (0..LOGS.len()).flat_map(|log| causes.map(|cause| State::first(log, cause))).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for i in INSTANCES {
            self.instance_actions(state, i, actions);
        }
        if 0 < state.rebalances {
            actions.extend(TOPICS.map(Action::Rebalance));
        }
        if !state.mended {
            actions.push(Action::Mend);
        }
        if !state.dlq.is_empty() && state.replays.contains(&None) {
            actions.push(Action::Replay(Record::Damaged));
            let mut replays =
                vec![(Record::Poison, Record::Poison), (Record::Damaged, Record::Repaired)];
            replays.retain(|(letter, _)| !state.dlq.and(state.places_of(*letter)).is_empty());
            actions.extend(replays.into_iter().map(|(_, replay)| Action::Replay(replay)));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Start(i) => state.start(i),
            Action::Take(i, topic, end) => state.take(i, topic, end),
            Action::Commit(i) => state.commit(i, self.mutant),
            Action::Dead(i) => state.dead(i, self.mutant),
            Action::Say(i) => state.say(i),
            Action::SayDead(i) => state.say_dead(i),
            Action::Offsets(i) => state.offsets(i),
            Action::Forget(i) => state.forget(i),
            Action::Crash(i) => state.crash(i),
            Action::Rebalance(topic) => state.rebalance(topic),
            Action::Mend => state.mended = true,
            Action::Replay(record) => state.replay(record),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("an effect happens once", |_, state: &State| {
                state.effects.iter().all(|&effects| effects <= 1)
            }),
            Property::always("a dead event has no effect", |_, state: &State| {
                let dead = |event: usize| state.fates[event] == Fate::Dead;
                (0..state.fates.len()).all(|event| !dead(event) || state.effects[event] == 0)
            }),
            Property::always("a good event is never dead", |_, state: &State| {
                state.fates[Record::Good as usize] != Fate::Dead
            }),
            Property::always("only a replay revives a dead event", |_, state: &State| {
                !state.revived_by_ordinary
            }),
            Property::always("a dead letter is in the DLQ or owed", |_, state: &State| {
                state.set_aside.without(state.dlq.union(state.owed.letters)).is_empty()
            }),
            Property::always("what is committed is answered or in the DLQ", |_, state: &State| {
                state.committed_is_settled()
            }),
            Property::always("first occurrences stand in order", |_, state: &State| {
                state.said.in_order()
            }),
            Property::always("all is said and committed at rest", |model: &Self, state: &State| {
                let committed = state.committed == TOPICS.map(|topic| state.watermark(topic));
                (committed && state.owed == Sayings::default()) || !model.at_rest(state)
            }),
            Property::always("a replay is handled once mended", |model: &Self, state: &State| {
                let handled = state.effects[Record::Poison as usize] == 1;
                handled || !state.replayed_mended || !model.at_rest(state)
            }),
            Property::sometimes("the second replay succeeds", |model: &Self, state: &State| {
                let twice = [Some(Record::Poison); 2] == state.replays;
                let first = state.dlq.contains(place(REPLAY, 0));
                first
                    && twice
                    && state.effects[Record::Poison as usize] == 1
                    && model.at_rest(state)
            }),
            Property::sometimes("a repaired replay is the event", |model: &Self, state: &State| {
                let settled = state.fates[Record::Damaged as usize] == Fate::Handled;
                let poison = state.places_of(Record::Poison).and(state.set_aside);
                settled && poison.is_empty() && model.at_rest(state)
            }),
        ]
    }
}
