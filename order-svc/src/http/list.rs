//! `GET /orders`.

use std::collections::HashMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use choreography::db::{DbResult, Input};
use serde::Serialize;
use utoipa::{IntoParams, IntoResponses, ToSchema};

use super::Api;
use super::document::CallersTrace;
use super::kinds::Kind;
use super::problem::{self, Described, Problem};
use super::request::ID_TEXT;
use super::summary::{self, STATUSES, Summary, statuses};

/// One page of the orders.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page {
    /// The newest first.
    orders: Vec<Summary>,
    /// Give it as `cursor` for the next page; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Which orders are asked for. It is read by hand, so that a message can name the parameter.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is there for the document")]
struct Parameters {
    /// Only orders of this status.
    #[param(schema_with = statuses, required = false)]
    status: Option<String>,
    /// At most so many.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// Where the page before has ended: its `next_cursor`, as it is.
    #[param(
        value_type = String,
        required = false,
        pattern = r"^[0-9]{1,15}\.[^\u0000-\u001F\u007F-\u009F]{1,128}$",
        max_length = 144
    )]
    cursor: Option<String>,
}

/// The same, as read.
struct Asked {
    status: Option<String>,
    limit: usize,
    /// Only orders that stand behind this time and id.
    before: (i64, String),
}

const LIMIT: usize = 20;
const LIMIT_MAX: usize = 100;

struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> Described {
        problem::responses(&[Kind::InvalidQuery, Kind::NotAcceptable, Kind::Unavailable])
    }
}

/// Lists the orders, the newest first
///
/// A page begins where the one before it has ended, whatever was placed meanwhile.
#[utoipa::path(
    get,
    path = "/orders",
    tag = "orders",
    params(Parameters, CallersTrace),
    responses((status = 200, description = "One page.", body = Page), Refusals)
)]
pub(super) async fn list(
    State(api): State<Api>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(query) =
        query.map_err(|error| Problem::new(Kind::InvalidQuery, error.body_text()).field("?"))?;
    let asked = read(query)?;
    Ok(Json(page(&api, asked).await.map_err(Problem::database)?))
}

fn read(query: Vec<(String, String)>) -> Result<Asked, Problem> {
    let wrong = |name: &str, detail: String| {
        Err(Problem::new(Kind::InvalidQuery, detail).field(format!("?{name}")))
    };
    let mut sent = HashMap::new();
    for (name, value) in query {
        if !["status", "limit", "cursor"].contains(&name.as_str()) {
            let detail = "there is no such parameter, only status, limit, cursor".to_owned();
            return wrong(&name, detail);
        }
        if sent.insert(name.clone(), value).is_some() {
            return wrong(&name, "the parameter is there twice; send it once".to_owned());
        }
    }
    let status = sent.remove("status");
    if let Some(other) = status.as_ref().filter(|name| !STATUSES.contains(&name.as_str())) {
        return wrong("status", format!("must be one of {}, not {other:?}", STATUSES.join(", ")));
    }
    let limit = match sent.get("limit").map(|limit| (limit, limit.parse())) {
        None => LIMIT,
        Some((_, Ok(limit))) if (1..=LIMIT_MAX).contains(&limit) => limit,
        Some((other, _)) => {
            let detail = format!("must be a whole number from 1 to {LIMIT_MAX}, not {other:?}");
            return wrong("limit", detail);
        }
    };
    let before = match sent.get("cursor").map(|cursor| position(cursor)) {
        // Behind the end of time there are all orders.
        None => (i64::MAX, String::new()),
        Some(Some(position)) => position,
        Some(None) => {
            return wrong("cursor", "must be the next_cursor of a page, as it is".to_owned());
        }
    };
    Ok(Asked { status, limit, before })
}

fn cursor(placed_at: i64, order_id: &str) -> String {
    format!("{placed_at}.{order_id}")
}

fn position(cursor: &str) -> Option<(i64, String)> {
    let (time, order_id) = cursor.split_once('.')?;
    let digits = (1..=15).contains(&time.len()) && time.bytes().all(|b| b.is_ascii_digit());
    (digits && ID_TEXT.fits(order_id)).then_some(())?;
    Some((time.parse().ok()?, order_id.to_owned()))
}

/// The places of a page, along an index. The fixed number lets the database see that it is a short
/// walk; one more than the largest page tells whether there is a next one.
const OF_ALL: &str = "SELECT placed_at, order_id FROM orders
    WHERE (placed_at, order_id) < ((SELECT placed_at FROM input), (SELECT order_id FROM input))
    ORDER BY placed_at DESC, order_id DESC LIMIT 101";

/// Those of one status. An equation would say the same, but leave the choice of the other index,
/// along which orders of a rare status are far apart.
const OF_STATUS: &str = "SELECT placed_at, order_id FROM orders
    WHERE (status, placed_at, order_id)
        < ((SELECT status FROM input), (SELECT placed_at FROM input), (SELECT order_id FROM input))
      AND (SELECT status FROM input) <= status
    ORDER BY status DESC, placed_at DESC, order_id DESC LIMIT 101";

async fn page(api: &Api, asked: Asked) -> DbResult<Page> {
    let Asked { status, limit, before: (placed_at, order_id) } = asked;
    let sql = if status.is_some() { OF_STATUS } else { OF_ALL };
    let input = Input::new().int("placed_at", [placed_at]).text("order_id", [order_id]);
    let mut db = api.access.db.begin_read().await?;
    let mut places: Vec<(i64, String)> = db.fetch(sql, input.text("status", [status])).await?;
    let more = limit < places.len();
    places.truncate(limit);
    let found = summary::load(&mut db, places.iter().map(|(_, id)| id.clone())).await?;
    db.rollback().await?;
    let mut found: HashMap<_, _> = found.iter().map(|found| (found.id.as_str(), found)).collect();
    let orders = places.iter().filter_map(|(_, id)| found.remove(id.as_str())).map(Summary::from);
    let next_cursor = places.last().filter(|_| more).map(|(time, id)| cursor(*time, id));
    Ok(Page { orders: orders.collect(), next_cursor })
}
