//! Spans, named and related as OpenTelemetry's messaging conventions 1.44 ask.
//!
//! | span | kind | parent | links |
//! |---|---|---|---|
//! | `send <topic>` | PRODUCER | what it answers | all its causes, if they are given |
//! | `send <topic>`, said again | CLIENT | the stored context | the stored context |
//! | `poll <topic>` | CLIENT | none | the sender of each record |
//! | `transaction <group>` | INTERNAL | none | the sender of each record |
//! | `process <topic>` | CONSUMER | the sender | the sender |
//! | `timer <event>` | INTERNAL | the event that set it | none |
//! | `<method> <route>` | SERVER | the caller | the caller instead, if it is not trusted |
//!
//! The conventions relate spans by links; a parent is allowed, and makes one trace of an order.
//!
//! Without an exporter no span is made, and contexts are passed on unchanged: an answer carries the
//! context of its cause, so a service without telemetry does not tear a trace.

use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::{Link, SpanBuilder, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use shared_events::identity::{span_id_of, trace_id_of};
use shared_events::ids::EventId;
use shared_events::trace_parent::TraceParent;

use super::active::ActiveSpan;
pub use super::attributes::Message;
use super::attributes::{
    BATCH_COUNT, DESTINATION, GROUP, HTTP_METHOD, HTTP_ROUTE, KAFKA, OFFSET, OPERATION_NAME,
    OPERATION_TYPE, PARTITION, SYSTEM, URL_PATH, URL_SCHEME, link_to_message,
};
use super::context::TraceContext;
use super::names::Names;
use super::sampling::{Root, Sampling};

/// Makes the spans of one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Spans {
    sampling: Sampling,
    recorder: Option<Arc<Recorder>>,
}

#[derive(Debug)]
struct Recorder {
    tracer: SdkTracer,
    names: Arc<Names>,
}

/// The handling of one record.
#[derive(Clone, Copy, Debug)]
pub struct Process<'a> {
    /// The event.
    pub message: Message<'a>,
    /// Where the record stands.
    pub partition: i32,
    /// Where the record stands.
    pub offset: i64,
    /// The consumer group.
    pub group: &'a str,
    /// The span that sent it; see [`Spans::context_of`].
    pub context: &'a TraceContext,
}

/// Who calls over HTTP.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// Nobody who traces.
    Unknown,
    /// Its trace is continued.
    Continued(&'a TraceContext),
    /// A new trace starts, with a link to the caller's: for callers outside of one's own systems.
    Linked(&'a TraceContext),
}

impl Spans {
    pub(super) fn new(sampling: Sampling, tracer: Option<SdkTracer>, names: &Arc<Names>) -> Self {
        let recorder = |tracer| Arc::new(Recorder { tracer, names: Arc::clone(names) });
        Self { sampling, recorder: tracer.map(recorder) }
    }

    /// Makes none.
    #[must_use]
    pub fn disabled() -> Self {
        Self { sampling: Sampling::DEFAULT, recorder: None }
    }

    /// The context that a record came with. Without one it is derived from `fallback` (its order's
    /// id, or the event's), the same in every service, so that they still make one trace; whether
    /// that is sampled is then the configured sampler's word about the trace id.
    #[must_use]
    pub fn context_of(
        &self,
        traceparent: Option<TraceParent>,
        tracestate: Option<&str>,
        fallback: &str,
    ) -> TraceContext {
        match traceparent {
            Some(parent) => TraceContext { parent, state: tracestate.map(str::to_owned) },
            None => self.start_of(trace_id_of(fallback), span_id_of(fallback)),
        }
    }

    /// Makes the span of a poll that began at `started` and has just ended. `messages` are the
    /// records taken from `topic`: their senders and their events' ids.
    pub fn poll<'a>(
        &self,
        topic: &str,
        group: &str,
        messages: impl IntoIterator<Item = (&'a TraceContext, EventId)>,
        started: SystemTime,
    ) {
        let span = self.root(|names| {
            let links = links_to(messages);
            let attributes = [
                KeyValue::new(SYSTEM, KAFKA),
                KeyValue::new(OPERATION_NAME, "poll"),
                KeyValue::new(OPERATION_TYPE, "receive"),
                KeyValue::new(DESTINATION, names.text(topic)),
                KeyValue::new(GROUP, names.text(group)),
                batch_count(&links),
            ];
            SpanBuilder::from_name(format!("poll {topic}"))
                .with_kind(SpanKind::Client)
                .with_start_time(started)
                .with_attributes(attributes)
                .with_links(links)
        });
        span.end();
    }

    /// Starts the span of a batch's transaction. `messages` are the batch's records: their senders
    /// and their events' ids.
    pub fn transaction<'a>(
        &self,
        group: &str,
        messages: impl IntoIterator<Item = (&'a TraceContext, EventId)>,
    ) -> ActiveSpan {
        self.root(|names| {
            let links = links_to(messages);
            SpanBuilder::from_name(format!("transaction {group}"))
                .with_kind(SpanKind::Internal)
                .with_attributes([KeyValue::new(GROUP, names.text(group)), batch_count(&links)])
                .with_links(links)
        })
    }

    /// Starts the span of the handling of one record.
    pub fn process(&self, process: &Process<'_>) -> ActiveSpan {
        self.child(process.context, |names| {
            let mut attributes = process.message.attributes(names, ("process", "process"));
            attributes.extend([
                KeyValue::new(PARTITION, names.number(process.partition)),
                KeyValue::new(OFFSET, process.offset),
                KeyValue::new(GROUP, names.text(process.group)),
            ]);
            SpanBuilder::from_name(format!("process {}", process.message.topic))
                .with_kind(SpanKind::Consumer)
                .with_attributes(attributes)
                .with_links(vec![link(process.context)])
        })
    }

    /// Starts the span of the handling of a timer that is due. `context` was stored with it.
    pub fn timer(&self, message: &Message<'_>, context: &TraceContext) -> ActiveSpan {
        self.child(context, |names| {
            SpanBuilder::from_name(format!("timer {}", message.name.unwrap_or_default()))
                .with_kind(SpanKind::Internal)
                .with_attributes(message.event(names))
        })
    }

    /// Starts the span of the saying of an event. Its own context goes into the record's headers.
    /// `parent` is what it answers; without one a trace starts here. `causes` are the senders of
    /// further events that it rests on.
    pub fn send(
        &self,
        parent: Option<&TraceContext>,
        message: &Message<'_>,
        causes: &[TraceContext],
    ) -> ActiveSpan {
        let build = |names: &Names| {
            SpanBuilder::from_name(format!("send {}", message.topic))
                .with_kind(SpanKind::Producer)
                .with_attributes(message.attributes(names, ("send", "send")))
                .with_links(causes.iter().map(link).collect())
        };
        match parent {
            Some(parent) => self.child(parent, build),
            None => self.root(build),
        }
    }

    /// Starts the span of the saying again of a record that may or may not have reached Kafka. Its
    /// headers keep the context `stored` of the first span, which may be lost with its process.
    pub fn send_again(&self, stored: &TraceContext, message: &Message<'_>) -> ActiveSpan {
        self.child(stored, |names| {
            SpanBuilder::from_name(format!("send {}", message.topic))
                .with_kind(SpanKind::Client)
                .with_attributes(message.attributes(names, ("send", "send")))
                .with_links(vec![link(stored)])
        })
    }

    /// Starts the span of an HTTP request; end it with [`ActiveSpan::responded`]. `route` is the
    /// pattern, `path` what was asked for, without its query.
    pub fn http(&self, method: &str, route: &str, path: &str, caller: Caller<'_>) -> ActiveSpan {
        let method = known_method(method);
        let name = if method == OTHER_METHOD { "HTTP" } else { method };
        let build = |names: &Names, links| {
            SpanBuilder::from_name(format!("{name} {route}"))
                .with_kind(SpanKind::Server)
                .with_attributes([
                    KeyValue::new(HTTP_METHOD, method),
                    KeyValue::new(HTTP_ROUTE, names.text(route)),
                    KeyValue::new(URL_PATH, path.to_owned()),
                    KeyValue::new(URL_SCHEME, "http"),
                ])
                .with_links(links)
        };
        match caller {
            Caller::Unknown => self.root(|names| build(names, vec![])),
            Caller::Continued(parent) => self.child(parent, |names| build(names, vec![])),
            Caller::Linked(from) => self.root(|names| build(names, vec![link(from)])),
        }
    }

    /// The samplers that can be configured ask for nothing but the trace id and the parent, so what
    /// is not sampled costs no attributes.
    fn child(
        &self,
        parent: &TraceContext,
        build: impl FnOnce(&Names) -> SpanBuilder,
    ) -> ActiveSpan {
        let Some(recorder) = &self.recorder else { return ActiveSpan::unrecorded(parent.clone()) };
        if !self.sampling.continues(parent) {
            return ActiveSpan::unrecorded(parent.clone().unsampled());
        }
        let context = Context::new().with_remote_span_context(parent.remote());
        let span = recorder.tracer.build_with_context(build(&recorder.names), &context);
        ActiveSpan::of(span, parent.state.clone())
            .unwrap_or_else(|| ActiveSpan::unrecorded(parent.clone()))
    }

    fn root(&self, build: impl FnOnce(&Names) -> SpanBuilder) -> ActiveSpan {
        let recorder = self.recorder.as_ref().filter(|_| self.sampling.root != Root::Off);
        let span = recorder.and_then(|recorder| {
            let span = recorder.tracer.build_with_context(build(&recorder.names), &Context::new());
            ActiveSpan::of(span, None)
        });
        let fresh = || self.start_of(rand::random(), rand::random());
        span.unwrap_or_else(|| ActiveSpan::unrecorded(fresh()))
    }

    fn start_of(&self, trace_id: [u8; 16], span_id: [u8; 8]) -> TraceContext {
        let flags = u8::from(self.sampling.starts(trace_id));
        TraceContext { parent: TraceParent { trace_id, span_id, flags }, state: None }
    }
}

fn link(context: &TraceContext) -> Link {
    Link::with_context(context.remote())
}

fn links_to<'a>(messages: impl IntoIterator<Item = (&'a TraceContext, EventId)>) -> Vec<Link> {
    messages.into_iter().map(|(context, id)| link_to_message(context, id)).collect()
}

fn batch_count(links: &[Link]) -> KeyValue {
    KeyValue::new(BATCH_COUNT, i64::try_from(links.len()).unwrap_or(i64::MAX))
}

/// What the conventions write instead of what is no method of HTTP, so that a caller cannot make
/// names.
const OTHER_METHOD: &str = "_OTHER";

fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 9] =
        ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or(OTHER_METHOD)
}
