//! What a service hears and says, as data. The runtime subscribes and skips by it, and refuses to
//! start when it and the service's event sets differ.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared_events::event::Event;

use crate::service::{EventName, Events, Service};

/// What a service hears and says.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// The service, which is also its consumer group.
    pub service: &'static str,
    /// Which version of its choreography this is: a new one for each change of what it hears.
    pub version: u32,
    /// The events that it hears.
    pub hears: Vec<Hearing>,
    /// The events that it says.
    pub says: Vec<EventName>,
    /// The events that it gives to itself after a time. It may say them, too.
    pub timers: Vec<EventName>,
}

/// One event that a service hears, and what may be expected of it.
#[derive(Clone, Debug, Serialize)]
pub struct Hearing {
    /// The event.
    #[serde(flatten)]
    pub event: EventName,
    /// Whether it answers.
    pub answers: Answers,
    /// How long it may take to answer before that counts as late, in milliseconds.
    pub within_ms: u64,
}

/// Whether a service answers an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answers {
    /// With at least one event, unless it [ignores](crate::service::Said::Ignored) a second one of
    /// its kind about a key.
    Always,
    /// With one event for each part of it that concerns the service. Where there is no such part
    /// that is none, so that nobody may call an answer missing.
    Each,
    /// With an event or with nothing.
    Sometimes,
    /// With nothing: it only changes its state.
    Never,
}

/// How long a service may take to answer unless it says otherwise.
const WITHIN_MS: u64 = 10_000;

impl Manifest {
    /// The manifest of a service that hears and says nothing yet.
    #[must_use]
    pub fn new(service: &'static str, version: u32) -> Self {
        Self { service, version, hears: vec![], says: vec![], timers: vec![] }
    }

    /// It hears `E`.
    #[must_use]
    pub fn hears<E: Event>(mut self, answers: Answers) -> Self {
        self.hears.push(Hearing { event: name_of::<E>(), answers, within_ms: WITHIN_MS });
        self
    }

    /// The event declared last may take this long to be answered.
    #[must_use]
    pub fn within(mut self, duration: Duration) -> Self {
        if let Some(hearing) = self.hears.last_mut() {
            hearing.within_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        }
        self
    }

    /// It says `E`.
    #[must_use]
    pub fn says<E: Event>(mut self) -> Self {
        self.says.push(name_of::<E>());
        self
    }

    /// It gives `E` to itself after a time.
    #[must_use]
    pub fn timer<E: Event>(mut self) -> Self {
        self.timers.push(name_of::<E>());
        self
    }

    /// The topics that it hears, sorted.
    pub fn topics_heard(&self) -> Vec<&'static str> {
        self.hears.iter().map(|h| h.event.topic).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The topics that it says something on, sorted.
    pub fn topics_said(&self) -> Vec<&'static str> {
        self.says.iter().map(|e| e.topic).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The event of this name on this topic, if it is heard.
    pub fn hearing(&self, topic: &str, name: &str) -> Option<&Hearing> {
        self.hears.iter().find(|h| h.event.name == name && h.event.topic == topic)
    }

    /// The timer of this name, if there is one.
    pub fn timer_named(&self, name: &str) -> Option<EventName> {
        self.timers.iter().find(|t| t.name == name).copied()
    }

    /// Compares it with the event sets of the service.
    ///
    /// # Errors
    /// Which events are declared here and not in the set, or the reverse.
    pub fn check<S: Service>(&self) -> anyhow::Result<()> {
        let heard = self.hears.iter().map(|h| h.event).chain(self.timers.iter().copied());
        same("hears", self.service, heard, S::Hears::ALL)?;
        same("says", self.service, self.says.iter().copied(), S::Says::ALL)
    }
}

fn name_of<E: Event>() -> EventName {
    EventName { name: E::NAME, topic: E::TOPIC }
}

fn same(
    verb: &str,
    service: &str,
    declared: impl Iterator<Item = EventName>,
    set: &[EventName],
) -> anyhow::Result<()> {
    let declared: BTreeSet<_> = declared.map(|e| (e.topic, e.name)).collect();
    let set: BTreeSet<_> = set.iter().map(|e| (e.topic, e.name)).collect();
    anyhow::ensure!(
        declared == set,
        "the manifest of {service} and its event set differ in what it {verb}: {:?}",
        declared.symmetric_difference(&set).collect::<Vec<_>>()
    );
    Ok(())
}
