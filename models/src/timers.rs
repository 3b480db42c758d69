//! A timer: the deadline of one order, two instances of which one may never return.
//!
//! Partition 0 holds the order and a copy of it; hearing the order sets the timer and is answered.
//! Partition 1 gets the answer of another service, sooner, later or never; it confirms the order.
//! The timer cancels the order if nothing has confirmed it, and is answered in either case. So we
//! say up to three answers, and the one to the timer has no record that would bring it back.
//!
//! A transaction is one step, but a timer's has two, `due` and `commit`, as its row is locked
//! between them.

mod actions;
mod steps;

use stateright::{Model, Property};

use crate::said::Said;
use crate::small_set::SmallSet;

/// The two instances of the service.
const INSTANCES: [usize; 2] = [0, 1];
/// The two partitions, of two topics.
const PARTITIONS: [usize; 2] = [0, 1];
/// The partition of the order and its copy.
const ORDERS: usize = 0;
/// The partition of the other service's answer.
const ANSWERS: usize = 1;
/// How many records the partition of the order holds.
const ORDER_RECORDS: u8 = 2;

/// The model, or a mutant of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timers {
    /// The fault that is put in.
    pub mutant: Option<Mutant>,
}

/// A fault that the properties must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A timer is taken when it is due, whatever has not been heard yet.
    TakenWhenDue,
    /// Only the offsets of the instance's own partitions are compared with the note.
    OwnOffsets,
    /// What is taken, but not yet handled, counts as heard.
    PositionsForOffsets,
    /// The watermarks of a note are read before its time.
    WatermarksFirst,
    /// A timer that is due by now is taken by an older note.
    NowForNote,
    /// The timer's row is read without a lock.
    NotLocked,
    /// The timer is deleted in a transaction of its own when it is taken.
    DeletedWhenTaken,
    /// The timer is kept in a transaction of its own, after the one that reacts.
    KeptAfterCommit,
    /// A copy of the order sets the timer again.
    RepeatSetsTimer,
    /// The timer's answer is said, but not owed in the transaction that deletes the timer.
    AnswerNotOwed,
    /// The timer's answer is said without what is still owed for its key.
    OwnOnly,
    /// An instance commits the offsets of a batch that is no longer assigned to it.
    LateOffsets,
    /// Nobody says what another instance has owed for long.
    NoResend,
}

/// A state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    deadline: Deadline,
    answer: Answer,
    /// The group's committed offset of each partition.
    committed: [u8; 2],
    /// The instance that each partition is assigned to.
    owner: [usize; 2],
    /// The owner's position on each partition.
    position: [u8; 2],
    /// Whether the order is in `handled`.
    order_handled: bool,
    /// Whether the other service's answer is in `handled`.
    answer_handled: bool,
    /// Whether there is a row in `timers`.
    timer: bool,
    /// How often the timer's event was given to `react`.
    reactions: u8,
    outcome: Outcome,
    /// The last sequence number given to an answer (`spoken`).
    sequence: u8,
    /// The sequence numbers in `owed`.
    owed: SmallSet,
    /// What the topic of our answers holds.
    said: Said,
    /// The newest note. Who took it does not matter, so all instances share one.
    note: Note,
    instances: [Instance; 2],
    /// How many crashes are still to come, at most.
    crashes: u8,
    /// How many rebalances are still to come, at most.
    rebalances: u8,
}

/// The deadline of the order, by the database's clock. No other time matters: only whether it is
/// before the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Deadline {
    /// The order is not heard yet, so its deadline is still to come.
    Unknown,
    Ahead,
    Passed,
}

/// The other service's answer on its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Answer {
    Awaited,
    /// Appended before the deadline.
    InTime,
    Late,
}

/// What our service has decided about the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Open,
    Confirmed,
    Cancelled,
}

/// The database's time, then the high watermarks; that of the order's partition never changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Note {
    /// Whether the deadline had passed at the database's time.
    passed: Option<bool>,
    answers_watermark: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Instance {
    phase: Phase,
    /// What Kafka has acknowledged and `owed` still holds.
    acked: SmallSet,
    /// A partition was assigned: all that is owed must be said before anything is taken.
    assigned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// Crashed, and will return.
    Down,
    /// Crashed, and will not.
    Gone,
    Idle,
    /// Holds the records of a partition to before an offset.
    Taken(Batch),
    /// Holds the lock of the timer's row.
    Due,
    Say {
        batch: Option<Batch>,
        say: SmallSet,
    },
}

/// Records of one partition, from offset `begin` to before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Batch {
    partition: usize,
    begin: u8,
    end: u8,
    /// Whether the partition is still assigned as it was when the batch was taken.
    assigned: bool,
}

/// A step of an instance (its first number), of Kafka, or of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Loads all that is owed: after a crash, and at an assignment.
    Start(usize),
    /// Takes the records from the position to before an offset.
    Take(usize, usize, u8),
    /// Locks the timer's row.
    Due(usize),
    /// The whole transaction of a batch, or what follows `due` in that of a timer.
    Commit(usize),
    /// Crashes between the commit of what was heard and that of its timer: only in a mutant.
    CommitWithoutTimer(usize),
    /// Says the next answer and hears that it is acknowledged.
    Say(usize),
    /// Commits the offsets, if the batch is still assigned; without a batch there are none.
    Offsets(usize),
    /// Forgets what is acknowledged, after an idle second.
    Forget(usize),
    /// Loads what has been owed for 30 seconds.
    Resend(usize),
    /// Reads the database's time for a note.
    NoteTime,
    /// Reads the high watermarks for a note.
    NoteWatermarks,
    /// A partition of an instance that never returns is assigned to the other.
    Reassign(usize),
    /// A partition is assigned to the other instance, while the old one goes on.
    Rebalance(usize),
    /// Loses what is in memory; its transaction is rolled back, its locks are released.
    Crash(usize),
    /// Crashes, and never returns.
    Leave(usize),
    /// The other service's answer is appended.
    Append,
    /// The database's clock reaches the deadline.
    Pass,
}

impl Model for Timers {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::first()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for i in INSTANCES {
            self.instance_actions(state, i, actions);
        }
        self.outside_actions(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Start(i) => state.start(i),
            Action::Take(i, partition, end) => state.take(i, partition, end),
            Action::Due(i) => state.due(i, self.mutant),
            Action::Commit(i) => state.commit(i, self.mutant),
            Action::CommitWithoutTimer(i) => state.commit_without_timer(i),
            Action::Say(i) => state.say(i),
            Action::Offsets(i) => state.offsets(i, self.mutant),
            Action::Forget(i) => state.forget(i),
            Action::Resend(i) => state.start(i),
            Action::NoteTime => state.note_time(self.mutant),
            Action::NoteWatermarks => state.note_watermarks(self.mutant),
            Action::Reassign(partition) => state.assign(partition),
            Action::Rebalance(partition) => {
                state.rebalances -= 1;
                state.assign(partition);
            }
            Action::Crash(i) => state.crash(i, Phase::Down),
            Action::Leave(i) => state.crash(i, Phase::Gone),
            Action::Append => state.append(),
            Action::Pass => state.deadline = Deadline::Passed,
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("an order answered in time is not cancelled", |_, state: &State| {
                state.outcome != Outcome::Cancelled || state.answer != Answer::InTime
            }),
            Property::always("a timer is taken once", |_, state: &State| state.reactions <= 1),
            Property::always("first occurrences stand in order", |_, state: &State| {
                state.said.in_order()
            }),
            Property::always("an answer is said or owed", |_, state: &State| {
                let kept = state.said.sequences().union(state.owed);
                SmallSet::range(1, state.sequence).without(kept).is_empty()
            }),
            Property::always("an answer is said at rest", |model, state: &State| {
                let all = SmallSet::range(1, state.sequence);
                state.said.sequences() == all || !model.at_rest(state)
            }),
            Property::always("a timer is taken at rest", |model, state: &State| {
                let taken = !state.timer && state.reactions == 1;
                (taken && state.outcome != Outcome::Open) || !model.at_rest(state)
            }),
            Property::sometimes(
                "an order is cancelled though one is gone",
                |model: &Self, state: &State| {
                    state.outcome == Outcome::Cancelled && state.one_gone() && model.at_rest(state)
                },
            ),
            Property::sometimes("an answer in time is heard late", |_, state: &State| {
                state.deadline == Deadline::Passed
                    && state.answer == Answer::InTime
                    && !state.answer_handled
            }),
        ]
    }
}
