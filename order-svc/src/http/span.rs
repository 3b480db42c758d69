//! The span of a request, and the trace that it is in.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use choreography::telemetry::TraceContext;
use choreography::telemetry::spans::Caller;
use shared_events::trace_parent::TraceParent;

use super::Api;

/// Continues the caller's trace, or, at an untrusted edge, starts one that is linked to it. The
/// handler finds the context as an extension.
pub(super) async fn around(
    State(api): State<Api>,
    route: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    let context = caller(request.headers());
    let caller = match &context {
        None => Caller::Unknown,
        Some(context) if api.untrusted_edge => Caller::Linked(context),
        Some(context) => Caller::Continued(context),
    };
    let (method, path) = (request.method().as_str(), request.uri().path());
    let span = api.access.spans.http(method, route.as_str(), path, caller);
    request.extensions_mut().insert(span.context());
    let response = next.run(request).await;
    span.responded(response.status().as_u16());
    response
}

/// The trace that the caller is in. A `traceparent` that is not valid, or is there twice, is none,
/// as W3C Trace Context asks.
fn caller(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    let parent: TraceParent = parents.next()?.to_str().ok()?.parse().ok()?;
    let states: Result<Vec<_>, _> =
        headers.get_all(TRACESTATE).iter().map(|state| state.to_str()).collect();
    let state = states.ok().filter(|states| !states.is_empty()).map(|states| states.join(","));
    parents.next().is_none().then_some(TraceContext { parent, state })
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A trace id as it is shown.
pub(super) fn trace_id(context: &TraceContext) -> String {
    format!("{:032x}", u128::from_be_bytes(context.parent.trace_id))
}
