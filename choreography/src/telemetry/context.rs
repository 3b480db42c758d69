//! The trace context that a record carries.

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, ContextGuard};
use shared_events::trace_parent::TraceParent;

/// Which span something comes from, as W3C Trace Context says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace, the span, and whether it is sampled.
    pub parent: TraceParent,
    /// `tracestate`, as it came.
    pub state: Option<String>,
}

impl TraceContext {
    /// The value of the header `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> String {
        self.parent.to_string()
    }

    /// Whether its sender says that the trace is sampled.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.parent.flags & 1 == 1
    }

    /// As long as the result lives, log lines of this thread that are exported carry this trace and
    /// this span.
    pub fn enter(&self) -> Entered {
        Entered { _guard: Context::new().with_remote_span_context(self.remote()).attach() }
    }

    /// The same, but not sampled.
    pub(super) fn unsampled(mut self) -> Self {
        self.parent.flags &= !1;
        self
    }

    /// What the SDK calls it. A `tracestate` that is not valid is left out.
    pub(super) fn remote(&self) -> SpanContext {
        let state = self.state.as_deref().and_then(|state| state.parse::<TraceState>().ok());
        SpanContext::new(
            TraceId::from_bytes(self.parent.trace_id),
            SpanId::from_bytes(self.parent.span_id),
            TraceFlags::new(self.parent.flags),
            true,
            state.unwrap_or_default(),
        )
    }

    /// The context of a span that the SDK has started; `None` if it has not, which it does after its
    /// shutdown.
    pub(super) fn of(span: &SpanContext, state: Option<String>) -> Option<Self> {
        let parent = TraceParent {
            trace_id: span.trace_id().to_bytes(),
            span_id: span.span_id().to_bytes(),
            flags: span.trace_flags().to_u8(),
        };
        span.is_valid().then_some(Self { parent, state })
    }
}

/// See [`TraceContext::enter`]. It stays on its thread, so do not hold it over an `await`.
#[derive(Debug)]
#[must_use = "log lines carry the trace for as long as this value lives"]
pub struct Entered {
    _guard: ContextGuard,
}
