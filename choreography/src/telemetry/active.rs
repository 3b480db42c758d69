//! A span that has started and not ended.

use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, Status};
use opentelemetry_sdk::trace::Span;

use super::attributes::{ERROR_TYPE, HTTP_STATUS, OFFSET, PARTITION};
use super::context::TraceContext;

/// A span that has started. It ends by one of its methods; when dropped it ends without a result, or,
/// if it is of an [attempt](Self::attempt), as if it had never been.
#[derive(Debug)]
#[must_use = "a span lasts until it is ended or dropped"]
pub struct ActiveSpan {
    /// `None`: it is not recorded.
    span: Option<Box<Span>>,
    context: TraceContext,
    /// It counts only if it is ended.
    attempt: bool,
}

/// On a span that is not exported, as what it stands for was rolled back.
pub(super) const ROLLED_BACK: &str = "choreography.rolled_back";

impl Drop for ActiveSpan {
    fn drop(&mut self) {
        if self.attempt {
            // One that has ended takes no more attributes.
            self.set(|span| span.set_attribute(KeyValue::new(ROLLED_BACK, true)));
        }
    }
}

impl ActiveSpan {
    /// A span that the SDK has started; `None` if it has not, as after its shutdown.
    pub(super) fn of(span: Span, state: Option<String>) -> Option<Self> {
        let context = TraceContext::of(span.span_context(), state)?;
        Some(Self { span: Some(Box::new(span)), context, attempt: false })
    }

    /// No span: `context` is passed on.
    pub(super) fn unrecorded(context: TraceContext) -> Self {
        Self { span: None, context, attempt: false }
    }

    /// It is of something that may be rolled back: dropped before it is [kept](Self::keep) or ended, it
    /// is not exported.
    pub fn attempt(mut self) -> Self {
        self.attempt = true;
        self
    }

    /// What it is of is committed.
    pub fn keep(&mut self) {
        self.attempt = false;
    }

    /// What goes into the headers of a record that it sends, and the parent of spans below it.
    #[must_use]
    pub fn context(&self) -> TraceContext {
        self.context.clone()
    }

    /// Ends it: all went well.
    pub fn end(mut self) {
        self.set(|span| span.end());
    }

    /// Ends it, as of the time `at`: all went well, or it failed for the reason `error_type`.
    pub fn ended(mut self, at: SystemTime, error_type: Option<&str>) {
        self.set(|span| {
            if let Some(error_type) = error_type {
                span.set_attribute(KeyValue::new(ERROR_TYPE, error_type.to_owned()));
                span.set_status(Status::error(error_type.to_owned()));
            }
            span.end_with_timestamp(at);
        });
    }

    /// Ends it: the broker has the record, there.
    pub fn delivered(mut self, partition: i32, offset: i64) {
        self.set(|span| {
            span.set_attribute(KeyValue::new(PARTITION, partition.to_string()));
            span.set_attribute(KeyValue::new(OFFSET, offset));
            span.end();
        });
    }

    /// Ends it: it failed. `error_type` is one of few names, such as Kafka's
    /// `NOT_ENOUGH_REPLICAS`; never a text with data in it.
    pub fn failed(mut self, error_type: &str) {
        self.set(|span| {
            span.set_attribute(KeyValue::new(ERROR_TYPE, error_type.to_owned()));
            span.set_status(Status::error(error_type.to_owned()));
            span.end();
        });
    }

    /// Ends it: the HTTP request was answered. 500 and more is an error of ours, less is none.
    pub fn responded(mut self, status: u16) {
        self.set(|span| {
            span.set_attribute(KeyValue::new(HTTP_STATUS, i64::from(status)));
            if 500 <= status {
                span.set_attribute(KeyValue::new(ERROR_TYPE, status.to_string()));
                span.set_status(Status::error(""));
            }
            span.end();
        });
    }

    fn set(&mut self, change: impl FnOnce(&mut Span)) {
        if let Some(span) = &mut self.span {
            change(span);
        }
    }
}
