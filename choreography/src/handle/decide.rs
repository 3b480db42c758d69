//! React: the service decides, and what it decides becomes records.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use shared_events::amounts::Timestamp;
use shared_events::headers::{AnswerCount, Envelope};
use shared_events::identity;
use shared_events::ids::EventId;

use super::{Decided, Handler, NotHandled, Timer};
use crate::clock;
use crate::dead_letter::{Poison, PoisonClass};
use crate::incoming::{Content, Incoming, Via};
use crate::record::{Owed, Record};
use crate::service::{EventName, Events, Said, Service};
use crate::telemetry::spans::{Message, Process};
use crate::telemetry::{ActiveSpan, TraceContext};

/// What is being made for one batch.
struct Making {
    decided: Decided,
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
        let decided = Decided { owed: vec![], timers: vec![], spoken, sending: HashMap::new() };
        let mut making = Making { decided, now: clock::now() };
        for incoming in new {
            let process = self.process_span(incoming);
            match (&incoming.content, &mut state) {
                (Ok(content), Some(state)) => {
                    let made = self.react_to(state, incoming, content, &process, &mut making);
                    if let Err(poison) = made {
                        process.failed(poison.class.as_str());
                        return Err(NotHandled::Poison(incoming.id, poison));
                    }
                    process.end();
                }
                (Ok(_), None) => {
                    unreachable!("state is loaded when there is an event to decide about")
                }
                (Err(poison), _) => {
                    let (owed, send) = self.dead_letter(incoming, poison, &process);
                    making.decided.sending.insert(owed.id, send);
                    making.decided.owed.push(owed);
                    process.failed(poison.class.as_str());
                }
            }
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
            Via::Topic | Via::Replay => self.spans.process(&Process {
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
        incoming: &Incoming<S::Hears>,
        content: &Content<S::Hears>,
        process: &ActiveSpan,
        making: &mut Making,
    ) -> Result<(), Poison> {
        let began = std::time::Instant::now();
        let now = making.now;
        let decide = || self.service.react(state, &content.heard, now);
        let said = catch_unwind(AssertUnwindSafe(decide))
            .map_err(|panic| Poison::new(PoisonClass::Panic, panic_text(panic.as_ref())))?;
        let total = said.iter().filter(|said| matches!(said, Said::Now(_))).count();
        let mut index = 0;
        for (place, said) in (0..).zip(&said) {
            let id = identity::of_answer(incoming.id, self.manifest.service, place);
            match said {
                Said::Now(event) => {
                    index += 1;
                    let answers =
                        AnswerCount { index, total: u32::try_from(total).unwrap_or(u32::MAX) };
                    let envelope = Answer { id, cause: incoming.id, answers: Some(answers) };
                    self.say(incoming, content, event, envelope, process, making)?;
                }
                Said::After(after, event) => {
                    self.set(incoming, content, id, *after, event, process, making)?;
                }
                Said::Itself => self.say_itself(incoming, content, process, making)?,
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        self.metrics.process_duration(&incoming.origin.topic, self.manifest.service, seconds, None);
        Ok(())
    }

    fn say(
        &self,
        incoming: &Incoming<S::Hears>,
        content: &Content<S::Hears>,
        event: &S::Says,
        answer: Answer,
        process: &ActiveSpan,
        making: &mut Making,
    ) -> Result<(), Poison> {
        self.check_key(content, event.name(), event.key())?;
        let value = event.encode().map_err(|error| poison(error.to_string()))?;
        self.owe(incoming, &content.key, event.name(), value, answer, process, making)
    }

    /// The timer's own event: its id, its cause and its value are those that it was set with.
    fn say_itself(
        &self,
        incoming: &Incoming<S::Hears>,
        content: &Content<S::Hears>,
        process: &ActiveSpan,
        making: &mut Making,
    ) -> Result<(), Poison> {
        let name = content.heard.event.name();
        if incoming.via != Via::Timer && self.manifest.timer_named(name.name).is_none() {
            return Err(poison(format!(
                "`Said::Itself` in answer to {}, which is no timer",
                name.name
            )));
        }
        let cause = content.heard.cause.unwrap_or(incoming.id);
        let value = incoming.taken.value.clone().unwrap_or_default();
        let answer = Answer { id: incoming.id, cause, answers: None };
        self.owe(incoming, &content.key, name, value, answer, process, making)
    }

    #[expect(clippy::too_many_arguments, reason = "each is one column or header of the record")]
    fn owe(
        &self,
        incoming: &Incoming<S::Hears>,
        key: &str,
        name: EventName,
        value: Vec<u8>,
        answer: Answer,
        process: &ActiveSpan,
        making: &mut Making,
    ) -> Result<(), Poison> {
        let message = Message {
            topic: name.topic,
            key: Some(key),
            name: Some(name.name),
            id: answer.id,
            source: Some(&self.source),
            correlation: incoming.correlation.as_deref(),
        };
        let span = self.spans.send(Some(&process.context()), &message, &[]);
        let last = making.decided.spoken.entry(key.to_owned()).or_default();
        let sequence = *last + 1;
        let envelope = Envelope {
            sequence: u64::try_from(sequence).ok(),
            ..self.envelope(incoming, key, name, &answer, &span.context(), making.now)
        };
        let key_bytes = Some(key.as_bytes().to_vec());
        let record = Record::new(name.topic, None, key_bytes, Some(value), envelope.write());
        if self.answer_bytes < record.size() {
            let why = format!(
                "the answer {} has {} bytes, the limit is {}",
                name.name,
                record.size(),
                self.answer_bytes
            );
            return Err(poison(why));
        }
        *last = sequence;
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

    #[expect(clippy::too_many_arguments, reason = "each is one column or header of the record")]
    fn set(
        &self,
        incoming: &Incoming<S::Hears>,
        content: &Content<S::Hears>,
        id: EventId,
        after: Duration,
        event: &S::Says,
        process: &ActiveSpan,
        making: &mut Making,
    ) -> Result<(), Poison> {
        let (name, key) = (event.name(), event.key());
        self.check_key(content, name, key)?;
        if self.manifest.timer_named(name.name).is_none() {
            return Err(poison(format!("{} is not among the timers of the manifest", name.name)));
        }
        let value = event.encode().map_err(|error| poison(error.to_string()))?;
        let answer = Answer { id, cause: incoming.id, answers: None };
        let envelope = self.envelope(incoming, key, name, &answer, &process.context(), making.now);
        let key_bytes = Some(key.as_bytes().to_vec());
        let record = Record::new(name.topic, None, key_bytes, Some(value), envelope.write());
        let after_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX / 2);
        making.decided.timers.push(Timer { id: id.0, after_ms, record });
        Ok(())
    }

    fn envelope(
        &self,
        incoming: &Incoming<S::Hears>,
        key: &str,
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
            subject: key.to_owned(),
            correlation: incoming.correlation.clone(),
            causation: Some(answer.cause),
            answers: answer.answers,
            sequence: None,
            traceparent: sent.traceparent(),
            tracestate: sent.state.clone(),
        }
    }

    /// An answer is about what was heard: only that key is locked, and only its answers are in order.
    fn check_key(
        &self,
        content: &Content<S::Hears>,
        name: EventName,
        key: &str,
    ) -> Result<(), Poison> {
        if key == content.key {
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
}

fn poison(why: String) -> Poison {
    Poison::new(PoisonClass::Answer, why)
}

fn panic_text(panic: &(dyn Any + std::marker::Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no text".to_owned())
}
