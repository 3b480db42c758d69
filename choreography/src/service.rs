//! What a service is to the runtime: a page of decisions, the state that they need, and where that
//! state is kept.
//!
//! Nothing here knows of Kafka: the same [`Service::react`] can be called by anything that has
//! events to give it.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use shared_events::amounts::Timestamp;
use shared_events::codec::{DecodeError, EncodeError};
use shared_events::ids::EventId;

use crate::app::Access;
use crate::db::{DbResult, Migration, Transaction};
use crate::manifest::Manifest;

/// A choreographed service.
pub trait Service: Send + Sync + 'static {
    /// The events that it decides about: those that it hears, and its own timers.
    type Hears: Events;
    /// The events that it says.
    type Says: Events;
    /// The slice of its state that the decisions about one batch read and change.
    type State: Send;

    /// What it hears and says, as data.
    fn manifest(&self) -> Manifest;

    /// Its tables. Versions start at 1000; those below are the runtime's.
    fn migrations(&self) -> Vec<Migration>;

    /// Runs once at each start, after the migrations: brings reference data into the tables.
    fn prepare(&self, _db: &mut Transaction) -> impl Future<Output = DbResult<()>> + Send {
        async { Ok(()) }
    }

    /// Its own HTTP pages, beside those for health and metrics.
    fn routes(&self, _access: Access) -> axum::Router {
        axum::Router::new()
    }

    /// Loads all that the decisions about `heard` can need. Rows that the decisions may change are
    /// taken with `FOR UPDATE`, ordered by their key, so that two instances never wait for each
    /// other in a circle.
    fn load(
        &self,
        db: &mut Transaction,
        heard: &[Heard<Self::Hears>],
    ) -> impl Future<Output = DbResult<Self::State>> + Send;

    /// Decides about one event. Pure and total: no clock, no input or output, no error. A refusal
    /// is an event. A panic makes the event a dead letter, and nothing of it is saved.
    fn react(
        &self,
        state: &mut Self::State,
        heard: &Heard<Self::Hears>,
        now: Timestamp,
    ) -> Vec<Said<Self::Says>>;

    /// The further events that `said` rests on, besides the one that it answers, so that its span is
    /// linked to theirs. `state` is as the decision has left it.
    fn rests_on(&self, _state: &Self::State, _said: &Self::Says) -> Vec<Trace> {
        vec![]
    }

    /// Saves what the decisions have changed.
    fn save(
        &self,
        db: &mut Transaction,
        state: Self::State,
    ) -> impl Future<Output = DbResult<()>> + Send;
}

/// One event as a decision sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard<E> {
    /// Its identity, the same in every copy.
    pub id: EventId,
    /// The event that it answers, if it is an answer.
    pub cause: Option<EventId>,
    /// The span that sent it. No decision looks into it.
    pub trace: Trace,
    /// What happened.
    pub event: E,
}

impl<E> Heard<E> {
    /// An event that comes with no trace.
    pub fn new(id: EventId, cause: Option<EventId>, event: E) -> Self {
        Self { id, cause, trace: Trace::default(), event }
    }
}

/// Where in a trace an event was sent: a service may keep it with its state, and give it back when
/// something rests on that event. Its text is W3C's `traceparent`, or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Trace(pub(crate) String);

/// What a decision wants said.
#[derive(Clone, Debug, PartialEq)]
pub enum Said<E> {
    /// Say it now, about the same key as the event heard.
    Now(E),
    /// Give it to `react` after this time, which then decides whether it is said.
    After(Duration, E),
    /// In answer to a timer only: say the timer's own event, as it was set.
    Itself,
    /// Say nothing, as the event does not count, and why. It is counted and logged: whoever wonders
    /// why nothing came of an event finds it there.
    Ignored(&'static str),
}

impl<E> Said<E> {
    /// The first event of its kind about a key counts, and this is another.
    pub const NOT_THE_FIRST: Self = Self::Ignored("not the first of its kind about this key");

    /// Say it now.
    pub fn now(event: impl Into<E>) -> Self {
        Self::Now(event.into())
    }

    /// Hear it after `duration`.
    pub fn after(duration: Duration, event: impl Into<E>) -> Self {
        Self::After(duration, event.into())
    }
}

/// A set of events that one service hears or says. Made by [`events!`](crate::events!).
pub trait Events: Sized + Clone + Debug + Send + Sync + 'static {
    /// All of them.
    const ALL: &'static [EventName];

    /// Reads the value of a record that holds the event `name`, which must be in [`Self::ALL`].
    ///
    /// # Errors
    /// What is wrong with the bytes.
    fn decode(name: &EventName, value: &[u8]) -> Result<Self, DecodeError>;

    /// The value of a record that holds this event.
    ///
    /// # Errors
    /// The event does not fit its own schema.
    fn encode(&self) -> Result<Vec<u8>, EncodeError>;

    /// Which event it is.
    fn name(&self) -> EventName;

    /// What it is about.
    fn key(&self) -> &str;

    /// The event whose schema has this id, if it is in the set.
    fn of_schema(id: u32) -> Option<EventName>;
}

/// An event's name and the topic that it is said on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct EventName {
    /// Its name, in past tense.
    pub name: &'static str,
    /// Its topic.
    pub topic: &'static str,
}

/// Declares the set of events that a service hears or says: an enum with one variant for each,
/// named like the event's struct, which has to be in scope. A service that only hears says a set
/// without events.
///
/// ```
/// use shared_events::orders::{OrderCancelled, OrderPlaced};
///
/// choreography::events! {
///     /// What this service hears.
///     pub enum Hears { OrderPlaced, OrderCancelled }
/// }
///
/// choreography::events! {
///     /// It says nothing.
///     pub enum Says {}
/// }
/// ```
#[macro_export]
macro_rules! events {
    ($(#[$meta:meta])* $vis:vis enum $set:ident { $($event:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis enum $set {
            $(#[doc = concat!("See [`", stringify!($event), "`].")] $event($event)),*
        }

        $(impl From<$event> for $set {
            fn from(event: $event) -> Self {
                Self::$event(event)
            }
        })*

        impl $crate::service::Events for $set {
            const ALL: &'static [$crate::service::EventName] = &[
                $($crate::service::EventName {
                    name: <$event as $crate::Event>::NAME,
                    topic: <$event as $crate::Event>::TOPIC,
                }),*
            ];

            fn decode(
                name: &$crate::service::EventName,
                value: &[u8],
            ) -> Result<Self, $crate::DecodeError> {
                // Nothing reads it where the set has no events.
                let _ = value;
                match name.name {
                    $(<$event as $crate::Event>::NAME => {
                        $crate::decode::<$event>(value).map(Self::$event)
                    })*
                    other => unreachable!("{other} is not in the set; the runtime asks first"),
                }
            }

            fn encode(&self) -> Result<Vec<u8>, $crate::EncodeError> {
                match *self {
                    $(Self::$event(ref event) => $crate::encode(event)),*
                }
            }

            fn name(&self) -> $crate::service::EventName {
                match *self {
                    $(Self::$event(_) => $crate::service::EventName {
                        name: <$event as $crate::Event>::NAME,
                        topic: <$event as $crate::Event>::TOPIC,
                    }),*
                }
            }

            fn key(&self) -> &str {
                match *self {
                    $(Self::$event(ref event) => $crate::Event::key(event)),*
                }
            }

            fn of_schema(id: u32) -> Option<$crate::service::EventName> {
                let _ = id;
                $(if <$event as $crate::Event>::schemas().knows(id) {
                    return Some($crate::service::EventName {
                        name: <$event as $crate::Event>::NAME,
                        topic: <$event as $crate::Event>::TOPIC,
                    });
                })*
                None
            }
        }
    };
}
