//! `POST /orders`.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use choreography::app::Access;
use choreography::clock;
use choreography::db::{DbResult, Input};
use choreography::publish::Publication;
use choreography::telemetry::spans::Caller;
use choreography::telemetry::{ActiveSpan, TraceContext};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shared_events::amounts::Timestamp;
use shared_events::event::Event;
use shared_events::identity;
use shared_events::ids::{EventId, OrderId};
use shared_events::orders::{Address, LINES_MAX, OrderLine, OrderPlaced};
use shared_events::trace_parent::TraceParent;

use super::problem::Problem;
use super::show;

/// An order as it is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    currency: String,
    lines: Vec<OrderLine>,
    ship_to: Address,
}

/// What is answered for an order that the broker has.
#[derive(Debug, Serialize)]
struct Accepted {
    order_id: OrderId,
    status: &'static str,
    trace_id: String,
}

/// The longest text of an address, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// The longest Idempotency-Key, in characters.
const KEY_CHARS_MAX: usize = 128;

pub(super) async fn place(
    State(access): State<Access>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let caller = caller(&headers);
    let caller = caller.as_ref().map_or(Caller::Unknown, Caller::Continued);
    let span = access.spans.http("POST", "/orders", "/orders", caller);
    match accept(&access, &headers, body, &span).await {
        Ok(accepted) => {
            span.responded(StatusCode::ACCEPTED.as_u16());
            let location = [(header::LOCATION, format!("/orders/{}", accepted.order_id))];
            (StatusCode::ACCEPTED, location, axum::Json(accepted)).into_response()
        }
        Err(problem) => {
            span.responded(problem.code());
            problem.into_response()
        }
    }
}

/// The trace that the caller is in.
fn caller(headers: &HeaderMap) -> Option<TraceContext> {
    let parent: TraceParent = headers.get("traceparent")?.to_str().ok()?.parse().ok()?;
    let state = headers.get("tracestate").and_then(|state| state.to_str().ok());
    Some(TraceContext { parent, state: state.map(str::to_owned) })
}

async fn accept(
    access: &Access,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    span: &ActiveSpan,
) -> Result<Accepted, Problem> {
    let body = body.map_err(|error| {
        let code = error.status();
        Problem::new(code, "body not read", error.body_text())
    })?;
    let asked = parse(&body)?;
    let key = idempotency_key(headers)?;
    let fresh = clock::new_event_id().to_string();
    let placed = |order_id: &str| -> Result<OrderPlaced, Problem> {
        let order_id = order_id.parse().map_err(|error| Problem::database(&error))?;
        let Asked { currency, lines, ship_to } = &asked;
        let (currency, lines, ship_to) = (currency.clone(), lines.clone(), ship_to.clone());
        Ok(OrderPlaced { order_id, currency, lines, ship_to })
    };
    let order_id = match &key {
        None => fresh,
        Some(key) => {
            // The hash is of everything but the order's id, which the first request has drawn.
            let hash = Sha256::digest(encode(&placed("0")?)?).to_vec();
            remembered(access, key, &fresh, hash).await?
        }
    };
    let order = placed(&order_id)?;
    let known = match &key {
        None => None,
        Some(_) => {
            show::find(access, &order_id).await.map_err(|error| Problem::database(&error))?
        }
    };
    if known.is_none() {
        publish(access, &order, span).await?;
    }
    let trace_id = span.context().parent.trace_id.iter().map(|b| format!("{b:02x}")).collect();
    Ok(Accepted { order_id: order.order_id, status: "placed", trace_id })
}

fn parse(body: &[u8]) -> Result<Asked, Problem> {
    const TITLE: &str = "not an order";
    let wrong = |field: String, detail: String| {
        Problem::new(StatusCode::BAD_REQUEST, TITLE, detail).field(field)
    };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let asked: Asked = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| wrong(field(error.path()), error.inner().to_string()))?;
    deserializer.end().map_err(|error| wrong(".".to_owned(), error.to_string()))?;
    if !(1..=LINES_MAX).contains(&asked.lines.len()) {
        let detail = format!("an order has 1 to {LINES_MAX} lines, not {}", asked.lines.len());
        return Err(wrong("lines".to_owned(), detail));
    }
    let letters =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_uppercase());
    if !letters(&asked.currency, 3) {
        let detail = "a currency is three capital letters, such as EUR (ISO 4217)";
        return Err(wrong("currency".to_owned(), detail.to_owned()));
    }
    let to = &asked.ship_to;
    if !letters(&to.country, 2) {
        let detail = "a country is two capital letters, such as DE (ISO 3166-1)";
        return Err(wrong("ship_to.country".to_owned(), detail.to_owned()));
    }
    let texts = [
        ("name", &to.name),
        ("street", &to.street),
        ("postal_code", &to.postal_code),
        ("city", &to.city),
    ];
    for (name, text) in texts {
        let chars = text.chars().count();
        if !(1..=TEXT_CHARS_MAX).contains(&chars) || text.chars().any(char::is_control) {
            let detail =
                format!("must have 1 to {TEXT_CHARS_MAX} characters, and no control characters");
            return Err(wrong(format!("ship_to.{name}"), detail));
        }
    }
    Ok(asked)
}

/// A path in the body; a dot for all of it.
fn field(path: &serde_path_to_error::Path) -> String {
    let whole = path.iter().next().is_none() || path.to_string() == "?";
    if whole { ".".to_owned() } else { path.to_string() }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=KEY_CHARS_MAX).contains(&key.len()));
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        let detail =
            format!("an Idempotency-Key has 1 to {KEY_CHARS_MAX} visible ASCII characters");
        Problem::new(StatusCode::BAD_REQUEST, "bad Idempotency-Key", detail)
    })
}

/// The order of this key: the given one, if no request before had the key.
async fn remembered(
    access: &Access,
    key: &str,
    order_id: &str,
    hash: Vec<u8>,
) -> Result<String, Problem> {
    let (first, first_hash) = insert_or_read(access, key, order_id, &hash)
        .await
        .map_err(|error| Problem::database(&error).order(order_id))?;
    if first_hash == hash {
        return Ok(first);
    }
    let detail = "this Idempotency-Key was used for another order; use a new one";
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key used for another order", detail)
        .order(first))
}

async fn insert_or_read(
    access: &Access,
    key: &str,
    order_id: &str,
    hash: &[u8],
) -> DbResult<(String, Vec<u8>)> {
    const FORGET: &str = "DELETE FROM requests WHERE key IN (SELECT key FROM requests
        WHERE asked_at < now_ms() - 86400000 ORDER BY asked_at LIMIT 100 FOR UPDATE SKIP LOCKED)";
    const INSERT: &str = "INSERT INTO requests (key, order_id, body_hash, asked_at)
        SELECT key, order_id, body_hash, now_ms() FROM input WHERE true ON CONFLICT (key) DO NOTHING";
    const READ: &str =
        "SELECT order_id, body_hash FROM requests WHERE key IN (SELECT key FROM input)";
    let mut db = access.db.begin().await?;
    db.execute(FORGET, Input::new()).await?;
    let input = Input::new().text("key", [key.to_owned()]).text("order_id", [order_id.to_owned()]);
    db.execute(INSERT, input.bytes("body_hash", [hash.to_vec()])).await?;
    let rows: Vec<(String, Vec<u8>)> =
        db.fetch(READ, Input::new().text("key", [key.to_owned()])).await?;
    db.commit().await?;
    Ok(rows.into_iter().next().unwrap_or_else(|| (order_id.to_owned(), hash.to_vec())))
}

async fn publish(access: &Access, order: &OrderPlaced, span: &ActiveSpan) -> Result<(), Problem> {
    let order_id = order.order_id.as_str();
    let publication = Publication {
        topic: OrderPlaced::TOPIC.to_owned(),
        partition: None,
        key: order_id.to_owned(),
        name: OrderPlaced::NAME.to_owned(),
        id: event_id(order_id),
        time: drawn_at(order_id).unwrap_or_else(clock::now),
        correlation: Some(order_id.to_owned()),
        value: encode(order)?,
        parent: Some(span.context()),
        headers: vec![],
    };
    match access.publisher.publish(&publication).await {
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::warn!(order.id = order_id, "{error:#}");
            let detail = "the order is not acknowledged: it may exist, and never twice. The same request \
                          with the same Idempotency-Key repeats it safely";
            let code = StatusCode::SERVICE_UNAVAILABLE;
            Err(Problem::new(code, "not acknowledged", detail).order(order_id).retry_after(1))
        }
    }
}

fn encode(order: &OrderPlaced) -> Result<Vec<u8>, Problem> {
    let problem = |error: choreography::EncodeError| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not encoded", error.to_string())
    };
    choreography::encode(order).map_err(problem)
}

/// The same for each request about an order, so that a repeated one is dropped by its id.
fn event_id(order_id: &str) -> EventId {
    let order = order_id.parse().unwrap_or_else(|_| EventId(uuid::Uuid::nil()));
    identity::of_answer(order, "order-svc/http", 0)
}

/// When an id of this service's was drawn: RFC 9562 version 7 begins with its time.
pub(super) fn drawn_at(order_id: &str) -> Option<Timestamp> {
    let id: EventId = order_id.parse().ok()?;
    let (seconds, nanos) = id.0.get_timestamp()?.to_unix();
    let ms = i64::try_from(seconds).ok()?.checked_mul(1000)?;
    (id.0.get_version_num() == 7).then_some(Timestamp(ms + i64::from(nanos / 1_000_000)))
}
