//! `-H name=value`: headers that the user gives.

use std::str::FromStr;

use anyhow::{Context, ensure};
use choreography::telemetry::TraceContext;
use shared_events::headers::{RawHeaders, TRACEPARENT, TRACESTATE};
use shared_events::trace_parent::TraceParent;

/// One header.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    name: String,
    value: String,
}

impl FromStr for Header {
    type Err = anyhow::Error;

    /// kcat writes `=`, rpk and kaf write `:`, so the first of them counts.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, value) = text
            .split_once(['=', ':'])
            .filter(|(name, _)| !name.is_empty())
            .context("a header is written NAME=VALUE or NAME:VALUE")?;
        ensure!(
            name != TRACEPARENT || value.parse::<TraceParent>().is_ok(),
            "a traceparent is 00-TRACE-SPAN-FLAGS, in 32, 16 and 2 lower-case hexadecimal digits"
        );
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

impl Header {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn value(&self) -> &str {
        &self.value
    }
}

/// The trace that the headers ask to continue, and the other headers as they are.
pub(crate) fn split(headers: &[Header]) -> (Option<TraceContext>, RawHeaders) {
    let last = |name: &str| headers.iter().rfind(|header| header.name == name);
    let parent = last(TRACEPARENT).and_then(|header| header.value.parse().ok());
    let state = last(TRACESTATE).map(|header| header.value.clone());
    let raw = headers
        .iter()
        .filter(|header| {
            parent.is_none() || ![TRACEPARENT, TRACESTATE].contains(&header.name.as_str())
        })
        .map(|header| (header.name.clone(), Some(header.value.clone().into_bytes())))
        .collect();
    (parent.map(|parent| TraceContext { parent, state }), raw)
}
