//! What became of an order, its events, and each of these for each group.

use serde::Serialize;
use shared_events::ids::EventId;

use crate::story::Place;

/// What became of one order.
#[derive(Clone, Debug, Serialize)]
pub struct Flow {
    /// The order.
    pub order_id: String,
    /// In one word.
    pub verdict: Verdict,
    /// Its events, in the order in which they were appended.
    pub events: Vec<EventFlow>,
}

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The order has ended, and all who should have heard of it have used what they heard.
    Whole,
    /// Something is missing or dead.
    Broken,
    /// Nothing is wrong, and the end is still to come; or not all could be seen.
    Open,
}

/// One event, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct EventFlow {
    /// Its identity.
    pub id: EventId,
    /// Its name.
    pub name: String,
    /// Who said it.
    pub source: Option<String>,
    /// The event that it answers.
    pub cause: Option<EventId>,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// Where it stands again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Place>,
    /// Who should have heard it, or has. Empty: nobody listens.
    pub heard_by: Vec<HearingFlow>,
}

/// What one group has made of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HearingFlow {
    /// The consumer group, which is the service.
    pub group: String,
    /// What it has made of it.
    #[serde(flatten)]
    pub state: State,
    /// Whether it has a manifest. Without, nobody can say what it should have done.
    pub is_declared: bool,
    /// Whether it takes longer than its manifest says.
    pub is_late: bool,
}

/// What a group has made of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It has answered.
    Answered {
        /// The answers that are there.
        by: Vec<AnswerFlow>,
        /// How many it has said at once, if it says so. A timer may bring more later.
        of: Option<u32>,
        /// From the event to the first answer, in milliseconds of the broker's clock.
        after_ms: i64,
    },
    /// It could not handle it, and set it aside.
    DeadLettered {
        /// What kind of fault.
        class: String,
        /// The fault in words.
        error: String,
        /// Where the dead letter stands.
        letter: Place,
    },
    /// It was set aside once, and what was replayed is taken.
    TakenByReplay {
        /// Where the replay stands.
        replay: Place,
    },
    /// It has handled it, and had nothing to say.
    Taken,
    /// It has handled it and said nothing, as it has answered another of this name about this order.
    NotTheFirst,
    /// It has handled it, and an answer that it always gives, or one of several, is not there.
    AnswerMissing,
    /// It has not come to it yet.
    Behind {
        /// By how many records of the partition, at most.
        records: i64,
        /// For how long, in milliseconds.
        for_ms: i64,
    },
    /// It has committed nothing there: it never ran, or not yet for the first time.
    NeverStarted,
    /// It has handled it, and whether it has answered cannot be seen.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnswerFlow {
    /// Its identity.
    pub id: EventId,
    /// Its name.
    pub name: String,
}

impl State {
    /// Whether something is wrong.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::DeadLettered { .. } | Self::AnswerMissing)
    }

    /// Whether nothing more is waited for.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Answered { .. }
            | Self::TakenByReplay { .. }
            | Self::Taken
            | Self::NotTheFirst => true,
            Self::DeadLettered { .. }
            | Self::AnswerMissing
            | Self::Behind { .. }
            | Self::NeverStarted
            | Self::Unknown { .. } => false,
        }
    }
}
