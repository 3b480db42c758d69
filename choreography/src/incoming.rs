//! What a record is to the service that hears it: an event, poison, or nothing to it.

use std::panic::catch_unwind;
use std::sync::Arc;

use shared_events::amounts::Timestamp;
use shared_events::headers::{CE_TYPE, Received};
use shared_events::identity::{self, Place};
use shared_events::ids::EventId;
use shared_events::{bundled, codec};

use crate::dead_letter::{Origin, Poison, PoisonClass, panic_text};
use crate::manifest::Manifest;
use crate::record::{Record, Taken};
use crate::service::{EventName, Events, Heard, Trace};
use crate::telemetry::{Spans, TraceContext};

/// A record that concerns the service.
#[derive(Clone, Debug)]
pub(crate) struct Incoming<E> {
    /// The event's identity; of what cannot be decoded its own, which is that of its dead letter.
    pub(crate) id: EventId,
    /// Which way it came.
    pub(crate) via: Via,
    /// Where it stood first. For a replay that is where its dead letter came from.
    pub(crate) origin: Origin,
    /// The event's name, if it is known.
    pub(crate) name: Option<&'static str>,
    /// Who said it, as far as it says so.
    pub(crate) source: Option<String>,
    /// The order it belongs to, as far as it is known.
    pub(crate) correlation: Option<String>,
    /// The span that sent it.
    pub(crate) trace: TraceContext,
    /// What to decide about, or why that cannot be.
    pub(crate) content: Result<Content<E>, Poison>,
    /// The record itself, for its dead letter.
    pub(crate) taken: Arc<Taken>,
}

/// An event that was decoded.
#[derive(Clone, Debug)]
pub(crate) struct Content<E> {
    /// What the decision gets.
    pub(crate) heard: Heard<E>,
    /// What it is about: the key of all its answers.
    pub(crate) key: String,
}

/// Which way an event came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// By a topic.
    Topic,
    /// By the group's replay topic, with the id of its dead letter: the only way from dead to
    /// handled. It differs from the event's identity if its bytes were damaged and are not now.
    Replay(EventId),
    /// By a timer of its own.
    Timer,
}

impl Via {
    pub(crate) fn is_replay(self) -> bool {
        matches!(self, Self::Replay(_))
    }
}

impl<E> Incoming<E> {
    /// It is poison. A replay dies once more as the dead letter that it is of.
    pub(crate) fn set_aside(&mut self, poison: Poison) {
        self.content = Err(poison);
        if let Via::Replay(letter) = self.via {
            self.id = letter;
        }
    }

    /// What is owed because of it has one of these as its cause: it may have died before.
    pub(crate) fn causes(&self) -> impl Iterator<Item = EventId> {
        let letter = match self.via {
            Via::Replay(letter) if letter != self.id => Some(letter),
            Via::Replay(_) | Via::Topic | Via::Timer => None,
        };
        std::iter::once(self.id).chain(letter)
    }
}

/// Whether a record may concern the service, by its headers.
pub(crate) fn is_heard(manifest: &Manifest, taken: &Taken) -> bool {
    let name = Received::read(&taken.headers).name;
    name.is_none_or(|name| manifest.hearing(&taken.topic, name).is_some())
        || crate::dead_letter::is_replay(manifest.service, &taken.topic)
}

/// Reads what was taken. `None`: nothing to this service.
pub(crate) fn read<E: Events>(
    manifest: &Manifest,
    spans: &Spans,
    taken: Taken,
) -> Option<Incoming<E>> {
    match crate::dead_letter::origin_of_replay(manifest.service, &taken) {
        None => of_topic(manifest, spans, Origin::of(&taken), Via::Topic, taken),
        Some(Ok((id, origin))) => of_topic(manifest, spans, origin, Via::Replay(id), taken),
        Some(Err(why)) => {
            tracing::warn!(
                messaging.destination = %taken.topic, messaging.partition = taken.partition,
                messaging.offset = taken.offset, why, "this is no replay of a dead letter: skipped"
            );
            None
        }
    }
}

fn of_topic<E: Events>(
    manifest: &Manifest,
    spans: &Spans,
    origin: Origin,
    via: Via,
    taken: Taken,
) -> Option<Incoming<E>> {
    let received = Received::read(&taken.headers);
    let place = Place {
        topic: &origin.topic,
        partition: origin.partition,
        offset: origin.offset,
        append_time: origin.append_time,
    };
    let own = identity::of_event(received.id, received.source, &place);
    let value = taken.value.as_deref().unwrap_or_default();
    let (name, decoded) = match name::<E>(manifest, &origin.topic, via, &received, value) {
        Name::NotHeard => return None,
        Name::Heard(name) => (Some(name.name), decode::<E>(name, &received, value)),
        Name::Unknown(why) => (None, Err(Poison::new(PoisonClass::Undecodable, why))),
    };
    let id = match (&decoded, via) {
        (Ok(_), _) => own,
        (Err(_), Via::Replay(letter)) => letter,
        (Err(_), Via::Topic | Via::Timer) => identity::of_damaged(own, value),
    };
    let correlation = received.correlation.map(str::to_owned);
    let fallback = correlation.clone().unwrap_or_else(|| id.to_string());
    let trace = spans.context_of(received.trace_context(), received.tracestate, &fallback);
    let source = received.source.map(str::to_owned);
    let content = decoded.map(|event| {
        let key = event.key().to_owned();
        let trace = Trace(trace.traceparent());
        Content { heard: Heard { id, cause: received.causation, trace, event }, key }
    });
    let correlation = correlation.or_else(|| content.as_ref().ok().map(|c| c.key.clone()));
    let taken = Arc::new(taken);
    Some(Incoming { id, via, origin, name, source, correlation, trace, content, taken })
}

enum Name {
    NotHeard,
    Heard(EventName),
    Unknown(String),
}

/// An event's name is its `ce_type`, without that its writer's schema.
fn name<E: Events>(
    manifest: &Manifest,
    topic: &str,
    via: Via,
    received: &Received<'_>,
    value: &[u8],
) -> Name {
    let heard = |name: &str| {
        let hearing = manifest.hearing(topic, name).map(|hearing| hearing.event);
        // A timer's dead letter may be replayed; else no timer comes by a topic.
        let timer = || manifest.timer_named(name).filter(|t| via.is_replay() && t.topic == topic);
        hearing.or_else(timer).map_or(Name::NotHeard, Name::Heard)
    };
    if let Some(name) = received.name {
        return heard(name);
    }
    match codec::writer_id(value) {
        Err(error) => Name::Unknown(format!("no {CE_TYPE}, and {error}")),
        Ok(id) => match E::of_schema(id).map(|e| e.name).or_else(|| bundled::name(id)) {
            Some(name) => heard(name),
            None => Name::Unknown(format!("no {CE_TYPE}, and its schema {id} is not known here")),
        },
    }
}

fn decode<E: Events>(name: EventName, received: &Received<'_>, value: &[u8]) -> Result<E, Poison> {
    let poison = |why: String| Poison::new(PoisonClass::Undecodable, why);
    if received.is_structured() {
        return Err(poison("CloudEvents in structured mode are not read: use binary mode".into()));
    }
    if let Some(writer) = codec::writer_id(value).ok().and_then(E::of_schema)
        && writer.name != name.name
    {
        let why = format!("{CE_TYPE} says {}, its schema says {}", name.name, writer.name);
        return Err(poison(why));
    }
    decode_as(name, value)
}

/// Whatever the bytes are, they must not end the process.
fn decode_as<E: Events>(name: EventName, value: &[u8]) -> Result<E, Poison> {
    let decoded = catch_unwind(|| E::decode(&name, value));
    let why = match decoded {
        Ok(Ok(event)) => return Ok(event),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => format!("reading it panics: {}", panic_text(panic.as_ref())),
    };
    Err(Poison::new(PoisonClass::Undecodable, why))
}

/// Reads a timer that is due. `id` is the timer's and its event's.
pub(crate) fn of_timer<E: Events>(
    manifest: &Manifest,
    spans: &Spans,
    id: EventId,
    record: Record,
    due: Timestamp,
) -> Incoming<E> {
    let headers = record.headers();
    let received = Received::read(&headers);
    let value = record.value.clone().unwrap_or_default();
    let name = received.name.and_then(|name| manifest.timer_named(name));
    let decoded = match name {
        Some(name) => decode_as::<E>(name, &value),
        None => Err(Poison::new(
            PoisonClass::Undecodable,
            format!("{:?} is no timer of {}", received.name, manifest.service),
        )),
    };
    let correlation = received.correlation.map(str::to_owned);
    let fallback = correlation.clone().unwrap_or_else(|| id.to_string());
    let trace = spans.context_of(received.trace_context(), received.tracestate, &fallback);
    let source = received.source.map(str::to_owned);
    let content = decoded.map(|event| {
        let key = event.key().to_owned();
        let trace = Trace(trace.traceparent());
        Content { heard: Heard { id, cause: received.causation, trace, event }, key }
    });
    let taken = Taken {
        topic: record.topic.as_str().into(),
        partition: Origin::NO_PARTITION,
        offset: Origin::NO_OFFSET,
        timestamp: due,
        key: record.key.clone(),
        value: record.value.clone(),
        headers: headers.clone(),
    };
    let origin = Origin::of(&taken);
    let name = name.map(|name| name.name);
    let taken = Arc::new(taken);
    Incoming { id, via: Via::Timer, origin, name, source, correlation, trace, content, taken }
}
