//! Whether the service lives, and whether it is ready; and the HTTP server that says so.
//!
//! | path | answers |
//! |---|---|
//! | `/healthz` | 200; 503 when only a restart can help: the loop stands still, the consumer gets nothing, or a fault lasts too long |
//! | `/readyz` | 200; 503 until the service has started, and while there is a reason that it cannot do its work |
//! | `/metrics` | [Prometheus' text](crate::telemetry::Metrics::prometheus_text) |

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::{Future, IntoFuture};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Json;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use serde::Serialize;
use tokio::sync::oneshot;

use crate::telemetry::Metrics;

/// What the runtime knows of its health. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Health {
    stalled_after: Duration,
    unhealthy_after: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// When the loop moved last; `None`: it has not started.
    moved: Option<Instant>,
    /// Since when the consumer gets nothing though there is something, and where.
    stuck: Option<(Instant, String)>,
    /// What goes by itself, and since when it has not.
    fault: Option<(Instant, String)>,
    /// Why it is not ready, by name.
    reasons: BTreeMap<&'static str, String>,
}

/// What `/healthz` and `/readyz` say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `ok` or `failed`.
    pub status: &'static str,
    /// Why it failed, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reason: BTreeMap<&'static str, String>,
}

impl Health {
    /// The health of a service that has not started yet. Its loop may stand still, and its consumer
    /// get nothing though there is something, for `stalled_after`; a fault that goes by itself, such as a database that is away, may last for
    /// `unhealthy_after`.
    #[must_use]
    pub fn new(stalled_after: Duration, unhealthy_after: Duration) -> Self {
        let state = State { moved: None, stuck: None, fault: None, reasons: BTreeMap::new() };
        Self { stalled_after, unhealthy_after, state: Arc::new(Mutex::new(state)) }
    }

    /// The service has started: it is ready unless a reason stands, and from now on its loop must
    /// move.
    pub fn started(&self) {
        self.state().moved = Some(Instant::now());
    }

    /// The loop has moved. Before [`started`](Self::started) that means nothing.
    pub fn progress(&self) {
        let mut state = self.state();
        state.moved = state.moved.map(|_| Instant::now());
    }

    /// Since when the consumer gets nothing from a partition though there is something, if so, and
    /// which one it is. Whatever else the loop does is no sign that it hears.
    pub fn stuck(&self, stuck: Option<(Instant, String)>) {
        self.state().stuck = stuck;
    }

    /// Something is away that may come back (`Some`), or is back (`None`). It counts from the first
    /// call with `Some`; a later one changes the text only.
    pub fn fault(&self, fault: Option<String>) {
        let mut state = self.state();
        let since = state.fault.as_ref().map(|(since, _)| *since);
        state.fault = fault.map(|text| (since.unwrap_or_else(Instant::now), text));
    }

    /// The service is not ready for the reason `name` (`Some`), or no longer for that (`None`).
    pub fn not_ready(&self, name: &'static str, why: Option<String>) {
        let mut state = self.state();
        match why {
            Some(why) => state.reasons.insert(name, why),
            None => state.reasons.remove(name),
        };
    }

    /// Whether it lives, at the time `now`.
    #[must_use]
    pub fn alive(&self, now: Instant) -> Report {
        let state = self.state();
        let mut reason = BTreeMap::new();
        let still = state.moved.map(|moved| now.saturating_duration_since(moved));
        if let Some(still) = still.filter(|still| self.stalled_after <= *still) {
            reason.insert("stalled", format!("the loop has not moved for {} s", still.as_secs()));
        }
        let stuck = state.stuck.as_ref();
        let stuck = stuck.map(|(since, what)| (now.saturating_duration_since(*since), what));
        if let Some((lasted, what)) = stuck.filter(|(l, _)| self.stalled_after <= *l) {
            let text = format!("{what} has records, and none has come for {} s", lasted.as_secs());
            reason.insert("stuck", text);
        }
        let fault = state.fault.as_ref();
        let fault = fault.map(|(since, text)| (now.saturating_duration_since(*since), text));
        if let Some((lasted, text)) = fault.filter(|(l, _)| self.unhealthy_after <= *l) {
            reason.insert("fault", format!("for {} s: {text}", lasted.as_secs()));
        }
        Report::of(reason)
    }

    /// Whether it is ready. A fault that goes by itself does not change that: whoever took the
    /// service out of use for it would make one fault into two.
    #[must_use]
    pub fn ready(&self) -> Report {
        let state = self.state();
        let mut reason = state.reasons.clone();
        if state.moved.is_none() {
            reason.insert("starting", "the service has not started yet".to_owned());
        }
        Report::of(reason)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave the state half changed, so it may be used after one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report {
    fn of(reason: BTreeMap<&'static str, String>) -> Self {
        Self { status: if reason.is_empty() { "ok" } else { "failed" }, reason }
    }
}

impl IntoResponse for Report {
    fn into_response(self) -> Response {
        let ok = self.reason.is_empty();
        let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, [(header::CACHE_CONTROL, "no-store")], Json(self)).into_response()
    }
}

/// After the shutdown signal, requests that are under way may take this long.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Serves the pages above and the service's own, `extra`, until `shutdown`; then finishes what is
/// under way, for at most five seconds.
///
/// # Errors
/// The listener failed.
///
/// # Panics
/// If `extra` has a route of the same path.
pub async fn serve(
    listener: impl Listener<Addr: Debug>,
    health: Health,
    metrics: Metrics,
    extra: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let (draining, drained) = oneshot::channel::<()>();
    let signal = async move {
        shutdown.await;
        drop(draining);
    };
    let server = axum::serve(listener, routes(health, metrics).merge(extra));
    let server = server.with_graceful_shutdown(signal).into_future();
    let too_late = async {
        // It ends when the sender is dropped, which the signal does.
        let _: Result<(), oneshot::error::RecvError> = drained.await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    tokio::select! {
        served = server => served.context("the HTTP server"),
        () = too_late => {
            tracing::warn!("requests that were under way have been given up");
            Ok(())
        }
    }
}

fn routes(health: Health, metrics: Metrics) -> Router {
    let alive = health.clone();
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Router::new()
        .route("/healthz", get(move || async move { alive.alive(Instant::now()) }))
        .route("/readyz", get(move || async move { health.ready() }))
        .route("/metrics", get(move || async move { (content_type, metrics.prometheus_text()) }))
        .method_not_allowed_fallback(async || only_get())
}

/// A problem document (RFC 9457).
fn only_get() -> Response {
    let body = Json(serde_json::json!({
        "type": "about:blank",
        "title": "Method Not Allowed",
        "status": 405,
        "detail": "this page is there for GET only",
    }));
    let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (StatusCode::METHOD_NOT_ALLOWED, content_type, body).into_response()
}
