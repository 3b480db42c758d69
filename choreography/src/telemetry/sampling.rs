//! Which traces are sampled. Every service decides the same for one trace.

use opentelemetry::trace::TraceId;
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample};

use super::context::TraceContext;

/// The sampler of `OTEL_TRACES_SAMPLER`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sampling {
    /// Whether a span with a parent does as the parent did.
    pub(super) parent_based: bool,
    /// What decides for a trace that starts here; without `parent_based`, for every span.
    pub(super) root: Root,
}

/// What decides for a trace that starts here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Root {
    /// All are sampled.
    On,
    /// None is sampled.
    Off,
    /// This share of them, 0 to 1, chosen by the trace id.
    Ratio(f64),
}

impl Sampling {
    /// The default of the specification: all, unless the parent was not sampled.
    pub(super) const DEFAULT: Self = Self { parent_based: true, root: Root::On };

    /// Whether a trace with this id is sampled where it starts.
    pub(super) fn starts(self, trace_id: [u8; 16]) -> bool {
        match self.root {
            Root::On => true,
            Root::Off => false,
            Root::Ratio(ratio) => {
                // The SDK's own arithmetic, as other services use it for the same trace id.
                let result = Sampler::TraceIdRatioBased(ratio).should_sample(
                    None,
                    TraceId::from_bytes(trace_id),
                    "",
                    &opentelemetry::trace::SpanKind::Internal,
                    &[],
                    &[],
                );
                result.decision == SamplingDecision::RecordAndSample
            }
        }
    }

    /// Whether a child of `parent` is sampled.
    pub(super) fn continues(self, parent: &TraceContext) -> bool {
        if self.parent_based { parent.is_sampled() } else { self.starts(parent.parent.trace_id) }
    }

    pub(super) fn sampler(self) -> Sampler {
        let root = match self.root {
            Root::On => Sampler::AlwaysOn,
            Root::Off => Sampler::AlwaysOff,
            Root::Ratio(ratio) => Sampler::TraceIdRatioBased(ratio),
        };
        if self.parent_based { Sampler::ParentBased(Box::new(root)) } else { root }
    }
}
