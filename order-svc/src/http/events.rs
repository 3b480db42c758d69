//! `GET /orders/{id}/events`: server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use choreography::Stop;
use futures::stream::{self, Stream};
use shared_events::ids::OrderId;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{IntoParams, IntoResponses, ToSchema};

use super::Api;
use super::document::CallersTrace;
use super::kinds::Kind;
use super::looks::{EVERY, Share};
use super::problem::{self, Described, Problem};
use super::show::{self, Id};
use super::story::{Told, story};
use super::summary::Found;

/// So often a stream says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A stream ends after this time, and its client comes again with Last-Event-ID: a goods' way may
/// take days, and clients that are gone must not keep their places.
const STREAM_TIME_MAX: Duration = Duration::from_mins(15);

/// The header by which a stream goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it is there for the document")]
struct LastEvent {
    /// The id of the last event that has come.
    #[param(
        rename = "Last-Event-ID",
        value_type = String,
        required = false,
        max_length = 32,
        pattern = "^[0-9a-f]{1,32}$"
    )]
    id: Option<String>,
}

/// One event of a stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is there for the document")]
pub(super) struct StreamEvent {
    #[schema(schema_with = names)]
    event: String,
    /// All that has come, this event included: for `Last-Event-ID`.
    #[schema(pattern = "^[0-9a-f]{1,32}$")]
    id: String,
    /// A `Happened` as JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
}

fn names() -> RefOr<Schema> {
    let names = ["placed", "answered", "confirmed", "cancelled", "delivered", "completed"];
    RefOr::T(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into())
}

struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> Described {
        problem::responses(&[
            Kind::InvalidId,
            Kind::InvalidHeader,
            Kind::UnknownOrder,
            Kind::NotAcceptable,
            Kind::TooManyStreams,
            Kind::Unavailable,
        ])
    }
}

/// The story of an order as it happens
///
/// Server-sent events: `placed`, one `answered` for each answer, `confirmed` or `cancelled`,
/// `delivered`, `completed`; the data of each is a `Happened` as JSON. The stream ends after the
/// last one. It waits for an order that was accepted less than a minute ago. Each event's id is all
/// that the client has got, so with `Last-Event-ID` comes what is missing. Every 15 seconds comes a
/// comment; after 15 minutes the stream ends, and a browser opens it again.
#[utoipa::path(
    get,
    path = "/orders/{id}/events",
    tag = "orders",
    params(("id" = inline(Id), Path), LastEvent, CallersTrace),
    responses(
        (status = 200, description = "The stream; this is one event of it.", body = StreamEvent,
         content_type = "text/event-stream",
         example = json!({"event": "placed", "id": "1", "data": "{\"at\":1790000000000}"})),
        (status = 204, description = "All of the story has come already; a browser does not ask again."),
        Refusals
    )
)]
pub(super) async fn events(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = show::order_id(id)?;
    let told = told(&headers)?;
    let found = show::find(&api, &id).await?;
    if found.as_ref().is_some_and(|found| told.is_whole(&found.placed.status)) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if found.is_none() && !show::may_come(&id) {
        return Err(show::unknown(&id));
    }
    let place = Arc::clone(&api.streams).try_acquire_owned().map_err(|_| {
        let detail = "as many streams as allowed are open; ask again, or use GET /orders/{id}";
        Problem::new(Kind::TooManyStreams, detail).order(id.as_str())
    })?;
    let mut telling = Telling {
        share: api.looks.share(id.as_str()),
        stop: api.access.stop.clone(),
        until: Instant::now() + STREAM_TIME_MAX,
        id,
        told,
        next: VecDeque::new(),
        ended: false,
        _place: place,
    };
    telling.hear(found.as_ref());
    let heartbeat = KeepAlive::new().interval(HEARTBEAT);
    Ok(Sse::new(telling.stream()).keep_alive(heartbeat).into_response())
}

fn told(headers: &HeaderMap) -> Result<Told, Problem> {
    let Some(id) = headers.get("last-event-id") else { return Ok(Told::default()) };
    id.to_str().ok().and_then(Told::parse).ok_or_else(|| {
        let detail = "must be the id of an event of this stream, as it is";
        Problem::new(Kind::InvalidHeader, detail).field("Last-Event-ID")
    })
}

/// One open stream.
struct Telling {
    id: OrderId,
    share: Share,
    stop: Stop,
    until: Instant,
    told: Told,
    /// What has happened and was not sent yet.
    next: VecDeque<Event>,
    ended: bool,
    /// Frees a place for another stream.
    _place: OwnedSemaphorePermit,
}

impl Telling {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut telling| async {
            let event = telling.next().await?;
            Some((Ok(event), telling))
        })
    }

    /// The next event; `None`: the stream ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.next.pop_front() {
                return Some(event);
            }
            if self.ended || self.until <= Instant::now() {
                return None;
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = self.stop.told() => return None,
            }
            self.look().await;
        }
    }

    async fn look(&mut self) {
        let Self { share, id, told, next, ended, .. } = self;
        let seen = share.look(|found| hear(found, id, told, next)).await;
        match seen {
            Ok(whole) => *ended = whole,
            // The database may come back, and whoever listens has the heartbeat meanwhile.
            Err(error) => tracing::debug!(%error, "no look at the orders"),
        }
    }

    fn hear(&mut self, found: Option<&Found>) {
        self.ended = hear(found, &self.id, &mut self.told, &mut self.next);
    }
}

/// Adds what is new to `next`. Out: whether nothing more can come.
fn hear(found: Option<&Found>, id: &OrderId, told: &mut Told, next: &mut VecDeque<Event>) -> bool {
    // What was told was heard of, so it is only not in this look yet.
    let Some(found) = found else { return *told == Told::default() && !show::may_come(id) };
    for happened in story(&found.order, &found.placed) {
        if told.add(&happened)
            && let Ok(event) =
                Event::default().event(happened.event).id(told.id()).json_data(&happened)
        {
            next.push_back(event);
        }
    }
    told.is_whole(&found.placed.status)
}
