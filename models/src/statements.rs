//! The transaction taken apart into its statements, by PostgreSQL's rules for READ COMMITTED.
//!
//! Two topics bring the events of one order to two instances, which stay their owners. Two of the
//! three events are on both topics. A third instance says what has been owed for 30 seconds.
//!
//! - A statement sees what is committed when it starts, and what its own transaction wrote.
//! - `INSERT … ON CONFLICT DO NOTHING` waits for another transaction that inserted the same key:
//!   if that commits it does nothing, else it inserts.
//! - `SELECT … FOR UPDATE` waits for the row's lock and then reads the newest version of that row;
//!   of every other table that the statement names it still sees what was committed at its start.
//! - `SKIP LOCKED` passes over the rows that another transaction has locked.
//!
//! Every statement that waits is a statement that cannot run yet.

mod instance;
mod transaction;

use stateright::{Model, Property};

use crate::said::Said;
use crate::small_set::SmallSet;

/// The two instances of the service; each hears the topic of its own number.
const INSTANCES: [usize; 2] = [0, 1];
/// The events of each topic by offset.
const LOGS: [&[u8]; 2] = [&[0, 2, 1], &[1, 0]];
/// How many events there are.
const EVENTS: u32 = 3;

/// The model, or a mutant of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statements {
    /// The fault that is put in.
    pub mutant: Option<Mutant>,
}

/// A fault that the properties must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// `owed` is read before the key is locked.
    OwedBeforeLock,
    /// `owed` is read in the statement that locks the key.
    OwedWithLock,
    /// The key is read without a lock.
    KeyNotLocked,
    /// A key that is not there yet is not inserted before it is locked.
    KeyNotInserted,
    /// The service's state is loaded before the key is locked.
    LoadBeforeLock,
    /// An event that another transaction inserts at the same time counts as new.
    ConcurrentIsNew,
    /// An event that another transaction inserts at the same time counts as a repeat.
    ConcurrentIsRepeat,
    /// The events' ids are inserted in the order of the batch.
    IdsNotSorted,
    /// `forget` deletes what is owed, acknowledged or not.
    ForgetUnacknowledged,
    /// What has been owed for 30 seconds is chosen by row, not by key, and a row is as old as its
    /// transaction.
    ResendByRow,
}

/// A state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The group's committed offset of each topic.
    offsets: [u8; 2],
    /// What is committed in the database.
    database: Database,
    /// How often the answers to each event were committed.
    reactions: [u8; 3],
    /// The sequence number of the answer to each event, 0 for none.
    answers: [u8; 3],
    /// What the topic of the answers holds.
    said: Said,
    instances: [Instance; 2],
    /// What the third instance is about to say again.
    again: SmallSet,
    /// How many crashes and lost connections are still to come, at most.
    faults: u8,
}

/// The rows of the order, as they are committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Database {
    handled: SmallSet,
    /// The row of the key, with the last sequence number given to an answer.
    spoken: Option<u8>,
    owed: SmallSet,
    /// The service's state: the events that have had their effect.
    effects: SmallSet,
    /// The rows of `owed` whose transaction began before that of the row before them. Kept for the
    /// one mutant that looks at it.
    begun_earlier: SmallSet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Instance {
    phase: Phase,
    /// What Kafka has acknowledged and `owed` still holds.
    acked: SmallSet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Down,
    Idle,
    Transaction(Transaction),
    /// `end` is the offset after the batch; without a batch there is none.
    Say {
        end: Option<u8>,
        say: SmallSet,
    },
}

/// An open transaction: what it has written and locked, and what it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Transaction {
    /// The offset after the batch, which begins at the committed one.
    end: u8,
    /// The statement that comes next.
    next: Step,
    /// How many of the batch's ids `handled` has gone through.
    looked_up: usize,
    /// The events that are inserted into `handled`, and are therefore new.
    new: SmallSet,
    /// The rows that are deleted from `owed`.
    deleted: SmallSet,
    /// Whether the key's row is inserted by this transaction.
    key_inserted: bool,
    /// Whether the key's row is locked by this transaction.
    key_locked: bool,
    /// The sequence number that was read from `spoken`.
    sequence: u8,
    /// What was read from `owed`.
    owed: SmallSet,
    /// What was read from the service's state.
    effects: SmallSet,
    /// Whether the new state and answers are written.
    saved: bool,
    /// Whether the other open transaction began before this one. Kept for one mutant.
    younger: bool,
    /// Whether the newest row of `owed` is of a transaction that began after this one. Kept for
    /// one mutant.
    overtaken: bool,
}

/// A statement, or a few that nothing can come between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Deletes what is acknowledged from `owed`.
    Forget,
    /// Inserts the next of the batch's ids.
    Handled,
    /// The first statement of `lock`: inserts the key.
    Key,
    /// The second statement of `lock`: locks and reads the key's row.
    Lock,
    /// Reads what is owed for the key.
    Owed,
    /// Reads the service's state, without a lock: a service's SQL need not take one.
    Load,
    /// `react` and `save`: nobody sees what they write before the commit.
    Save,
    /// Shows to all what this transaction wrote.
    Commit,
}

/// A step of an instance (its first number) or of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A crashed instance returns and loads all that is owed.
    Start(usize),
    /// Takes the records to before an offset and begins the transaction.
    Begin(usize, u8),
    /// Runs a statement of the transaction.
    Run(usize, Step),
    /// The commit succeeds, but the connection is lost: forgets all and takes the batch again.
    CommitUnseen(usize),
    /// Is rolled back, after a time-out or a conflict, and takes the batch again.
    RollBack(usize),
    /// Says the next answer and hears that it is acknowledged.
    Say(usize),
    /// Commits the offsets; without a batch there are none.
    Offsets(usize),
    /// Forgets what is acknowledged, after an idle second.
    Forget(usize),
    /// Loses what is in memory; its transaction is rolled back, its locks are released.
    Crash(usize),
    /// The third instance loads what has been owed for 30 seconds.
    Resend,
    /// The third instance says the next answer of these.
    SayAgain,
}

impl Model for Statements {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            offsets: [0, 0],
            database: Database::default(),
            reactions: [0; 3],
            answers: [0; 3],
            said: Said::default(),
            instances: [Instance { phase: Phase::Idle, acked: SmallSet::EMPTY }; 2],
            again: SmallSet::EMPTY,
            faults: 2,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for i in INSTANCES {
            self.instance_actions(state, i, actions);
        }
        if !state.again.is_empty() {
            actions.push(Action::SayAgain);
        } else if !state.database.owed.is_empty() {
            actions.push(Action::Resend);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Start(i) => state.start(i),
            Action::Begin(i, end) => self.begin(&mut state, i, end),
            Action::Run(i, step) => self.run(&mut state, i, step),
            Action::CommitUnseen(i) => {
                state.faults -= 1;
                self.run(&mut state, i, Step::Commit);
                state.instances[i] = Instance { phase: Phase::Idle, acked: SmallSet::EMPTY };
            }
            Action::RollBack(i) => state.instances[i].phase = Phase::Idle,
            Action::Say(i) => state.say(i),
            Action::Offsets(i) => state.commit_offsets(i),
            Action::Forget(i) => state.forget_idle(i),
            Action::Crash(i) => state.crash(i),
            Action::Resend => self.resend(&mut state),
            Action::SayAgain => state.say_again(),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("an effect happens once", |_, state: &State| {
                state.reactions.iter().all(|&reactions| reactions <= 1)
            }),
            Property::always("an effect is kept", |_, state: &State| {
                state.database.effects == state.database.handled
            }),
            Property::always("an answer has a sequence number of its own", |_, state: &State| {
                state.sequence() == state.reactions.iter().sum::<u8>()
            }),
            Property::always("first occurrences stand in order", |_, state: &State| {
                state.said.in_order()
            }),
            Property::always("an answer is said or owed", |_, state: &State| {
                let kept = state.said.sequences().union(state.database.owed);
                SmallSet::range(1, state.sequence()).without(kept).is_empty()
            }),
            Property::always("what is committed is answered", |_, state: &State| {
                state
                    .committed_events()
                    .all(|event| state.said.sequences().contains(state.answers[usize::from(event)]))
            }),
            Property::always("no two wait for each other", |model: &Self, state: &State| {
                !INSTANCES.into_iter().all(|i| model.waits(state, i))
            }),
            Property::sometimes("one waits for the other", |model: &Self, state: &State| {
                INSTANCES.into_iter().any(|i| model.waits(state, i))
            }),
            Property::sometimes("all is done after every fault", |_, state: &State| {
                let idle = |instance: &Instance| instance.phase == Phase::Idle;
                let done = state.committed_events().count() == LOGS.concat().len();
                done && state.faults == 0
                    && state.said.sequences().len() == EVENTS
                    && state.instances.iter().all(idle)
            }),
        ]
    }
}
