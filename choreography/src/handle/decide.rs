//! React: the service decides, and what it decides becomes records.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use shared_events::amounts::Timestamp;
use shared_events::headers::{AnswerCount, Envelope};
use shared_events::identity;
use shared_events::ids::EventId;

use super::{Decided, Handler, NotHandled, Processed, Timer};
use crate::clock;
use crate::dead_letter::{Poison, PoisonClass, panic_text};
use crate::incoming::{Content, Incoming, Via};
use crate::record::{Owed, Record};
use crate::service::{EventName, Events, Said, Service, Trace};
use crate::telemetry::spans::{Message, Process};
use crate::telemetry::{ActiveSpan, TraceContext};

/// What is being made for one batch.
struct Making {
    decided: Decided,
    /// The sequence of the last answer about each key, before this batch.
    spoken: BTreeMap<String, i64>,
    now: Timestamp,
}

impl<S: Service> Handler<S> {
    /// Decides about each new event, in order. The first one that is poison ends it: the state that
    /// it has touched is not to be saved.
    pub(super) fn react(
        &self,
        mut state: Option<S::State>,
        new: &[&Incoming<S::Hears>],
        spoken: BTreeMap<String, i64>,
    ) -> Result<(Option<S::State>, Decided), NotHandled> {
        let mut making = Making { decided: Decided::default(), spoken, now: clock::now() };
        for incoming in new {
            let began = Instant::now();
            let process = self.process_span(incoming).attempt();
            match (&incoming.content, &mut state) {
                (Ok(content), Some(state)) => {
                    let cause = Cause { incoming, content, process: &process };
                    if let Err(poison) = self.react_to(state, &cause, &mut making) {
                        return Err(NotHandled::Poison(incoming.id, poison));
                    }
                }
                (Ok(_), None) => {
                    unreachable!("state is loaded when there is an event to decide about")
                }
                (Err(poison), _) => {
                    let (owed, send) = self.dead_letter(incoming, poison, &process);
                    making.decided.sending.insert(owed.id, send);
                    making.decided.owed.push(owed);
                }
            }
            making.decided.processed.push(Processed {
                topic: incoming.origin.topic.clone(),
                took: began.elapsed(),
                died: incoming.content.as_ref().err().map(|poison| poison.class.as_str()),
                span: process,
                ended: clock::system_time(),
            });
        }
        Ok((state, making.decided))
    }

    fn process_span(&self, incoming: &Incoming<S::Hears>) -> ActiveSpan {
        let message = Message {
            topic: &incoming.origin.topic,
            key: incoming.content.as_ref().ok().map(|content| content.key.as_str()),
            name: incoming.name,
            id: incoming.id,
            source: incoming.source.as_deref(),
            correlation: incoming.correlation.as_deref(),
        };
        match incoming.via {
            Via::Timer => self.spans.timer(&message, &incoming.trace),
            Via::Topic | Via::Replay(_) => self.spans.process(&Process {
                message,
                partition: incoming.origin.partition,
                offset: incoming.origin.offset,
                group: self.manifest.service,
                context: &incoming.trace,
            }),
        }
    }

    fn react_to(
        &self,
        state: &mut S::State,
        cause: &Cause<'_, S::Hears>,
        making: &mut Making,
    ) -> Result<(), Poison> {
        let incoming = cause.incoming;
        let now = making.now;
        let _logged = cause.process.context().enter();
        let decide = || {
            let said = self.service.react(state, &cause.content.heard, now);
            said.into_iter().map(|said| (self.rests_on(state, &said), said)).collect::<Vec<_>>()
        };
        let said = catch_unwind(AssertUnwindSafe(decide))
            .map_err(|panic| Poison::new(PoisonClass::Panic, panic_text(panic.as_ref())))?;
        let total = said.iter().filter(|(_, said)| matches!(said, Said::Now(_))).count();
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        let mut index = 0;
        for (place, (links, said)) in (0..).zip(said) {
            let id = identity::of_answer(incoming.id, self.manifest.service, place);
            match said {
                Said::Now(event) => {
                    index += 1;
                    let answers = Some(AnswerCount { index, total });
                    let answer = Answer { id, cause: incoming.id, answers, links };
                    self.say(cause, &event, answer, making)?;
                }
                Said::After(after, event) => self.set(cause, id, after, &event, making)?,
                Said::Itself => self.say_itself(cause, making)?,
                Said::Ignored(why) => {
                    making.decided.ignored.insert(incoming.id.0, why);
                }
            }
        }
        Ok(())
    }

    fn rests_on(&self, state: &S::State, said: &Said<S::Says>) -> Vec<TraceContext> {
        match said {
            Said::Now(event) => self
                .service
                .rests_on(state, event)
                .iter()
                .filter_map(|Trace(text)| {
                    Some(TraceContext { parent: text.parse().ok()?, state: None })
                })
                .collect(),
            Said::After(..) | Said::Itself | Said::Ignored(_) => vec![],
        }
    }

    fn say(
        &self,
        cause: &Cause<'_, S::Hears>,
        event: &S::Says,
        answer: Answer,
        making: &mut Making,
    ) -> Result<(), Poison> {
        cause.check_key(event.name(), event.key())?;
        let value = encoded(event)?;
        self.owe(cause, event.name(), value, answer, making)
    }

    /// The timer's own event: its id, its cause and its value are those that it was set with.
    fn say_itself(&self, cause: &Cause<'_, S::Hears>, making: &mut Making) -> Result<(), Poison> {
        let (incoming, heard) = (cause.incoming, &cause.content.heard);
        let name = heard.event.name();
        if incoming.via != Via::Timer && self.manifest.timer_named(name.name).is_none() {
            let name = name.name;
            return Err(poison(format!("`Said::Itself` in answer to {name}, which is no timer")));
        }
        let setter = heard.cause.unwrap_or(incoming.id);
        let value = incoming.taken.value.clone().unwrap_or_default();
        let answer = Answer { id: incoming.id, cause: setter, answers: None, links: vec![] };
        self.owe(cause, name, value, answer, making)
    }

    fn owe(
        &self,
        cause: &Cause<'_, S::Hears>,
        name: EventName,
        value: Vec<u8>,
        answer: Answer,
        making: &mut Making,
    ) -> Result<(), Poison> {
        let (incoming, key) = (cause.incoming, cause.content.key.as_str());
        let message = Message {
            topic: name.topic,
            key: Some(key),
            name: Some(name.name),
            id: answer.id,
            source: Some(&self.source),
            correlation: incoming.correlation.as_deref(),
        };
        let parent = cause.process.context();
        let span = self.spans.send(Some(&parent), &message, &answer.links).attempt();
        let last = making.decided.spoken.get(key).or_else(|| making.spoken.get(key));
        let sequence = last.map_or(1, |last| last + 1);
        let envelope = Envelope {
            sequence: u64::try_from(sequence).ok(),
            ..self.envelope(cause, name, &answer, &span.context(), making.now)
        };
        let key_bytes = Some(key.as_bytes().to_vec());
        let record = Record::new(name.topic, None, key_bytes, Some(value), envelope.write());
        self.check_size(name, &record)?;
        making.decided.spoken.insert(key.to_owned(), sequence);
        making.decided.sending.insert(answer.id.0, span);
        making.decided.owed.push(Owed {
            id: answer.id.0,
            // Of what is heard now, so that it is found again when that comes again.
            cause: incoming.id.0,
            key: Some(key.to_owned()),
            sequence: Some(sequence),
            record,
        });
        Ok(())
    }

    fn set(
        &self,
        cause: &Cause<'_, S::Hears>,
        id: EventId,
        after: Duration,
        event: &S::Says,
        making: &mut Making,
    ) -> Result<(), Poison> {
        let (name, key) = (event.name(), event.key());
        cause.check_key(name, key)?;
        if self.manifest.timer_named(name.name).is_none() {
            return Err(poison(format!("{} is not among the timers of the manifest", name.name)));
        }
        let value = encoded(event)?;
        let answer = Answer { id, cause: cause.incoming.id, answers: None, links: vec![] };
        let envelope = self.envelope(cause, name, &answer, &cause.process.context(), making.now);
        let key_bytes = Some(key.as_bytes().to_vec());
        let record = Record::new(name.topic, None, key_bytes, Some(value), envelope.write());
        self.check_size(name, &record)?;
        let after_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX / 2);
        making.decided.timers.push(Timer { id: id.0, after_ms, record });
        Ok(())
    }

    /// A timer's event is said as it is set.
    fn check_size(&self, name: EventName, record: &Record) -> Result<(), Poison> {
        let (size, limit, name) = (record.size(), self.answer_bytes, name.name);
        if size <= limit {
            return Ok(());
        }
        Err(poison(format!("the answer {name} has {size} bytes, the limit is {limit}")))
    }

    fn envelope(
        &self,
        cause: &Cause<'_, S::Hears>,
        name: EventName,
        answer: &Answer,
        sent: &TraceContext,
        now: Timestamp,
    ) -> Envelope {
        Envelope {
            id: answer.id,
            source: self.source.clone(),
            name: name.name.to_owned(),
            time: now,
            subject: cause.content.key.clone(),
            correlation: cause.incoming.correlation.clone(),
            causation: Some(answer.cause),
            answers: answer.answers,
            sequence: None,
            traceparent: sent.traceparent(),
            tracestate: sent.state.clone(),
        }
    }
}

/// What is answered, and the span in which that happens.
struct Cause<'a, E> {
    incoming: &'a Incoming<E>,
    content: &'a Content<E>,
    process: &'a ActiveSpan,
}

impl<E> Cause<'_, E> {
    /// An answer is about what was heard: only that key is locked, and only its answers are in order.
    fn check_key(&self, name: EventName, key: &str) -> Result<(), Poison> {
        if key == self.content.key {
            return Ok(());
        }
        Err(poison(format!("{} is about another key than the event that it answers", name.name)))
    }
}

/// What tells one answer from another.
struct Answer {
    id: EventId,
    cause: EventId,
    answers: Option<AnswerCount>,
    /// The senders of further events that it rests on.
    links: Vec<TraceContext>,
}

fn encoded<E: Events>(event: &E) -> Result<Vec<u8>, Poison> {
    match catch_unwind(AssertUnwindSafe(|| event.encode())) {
        Ok(encoded) => encoded.map_err(|error| poison(error.to_string())),
        Err(panic) => Err(Poison::new(PoisonClass::Panic, panic_text(panic.as_ref()))),
    }
}

fn poison(why: String) -> Poison {
    Poison::new(PoisonClass::Answer, why)
}
