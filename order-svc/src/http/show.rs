//! `GET /orders/{id}`.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use choreography::clock;
use choreography::db::DbResult;
use serde::Serialize;
use shared_events::amounts::Timestamp;
use shared_events::ids::{OrderId, drawn_at};
use shared_events::orders::OrderLine;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use super::Api;
use super::document::CallersTrace;
use super::kinds::Kind;
use super::problem::{self, Described, Problem};
use super::request::{ID, Line};
use super::summary::{self, Found, Summary, Who};
use crate::state::Answer;

/// An order as it is shown. Whom it goes to is not: that is personal.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Shown {
    #[serde(flatten)]
    summary: Summary,
    /// Who has answered, when and with what.
    answered: Vec<Answered>,
    /// Who has not.
    not_answered: Vec<Who>,
    /// When the goods were delivered, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false)]
    delivered_at: Option<Timestamp>,
    #[schema(value_type = Vec<Line>)]
    lines: Vec<OrderLine>,
}

/// One answer.
#[derive(Debug, Serialize, ToSchema)]
struct Answered {
    #[serde(flatten)]
    who: Who,
    /// When it was heard, in milliseconds since 1970.
    #[schema(value_type = i64)]
    at: Timestamp,
    agrees: bool,
}

/// An order's id in a path.
pub(super) struct Id;

impl PartialSchema for Id {
    fn schema() -> RefOr<Schema> {
        RefOr::T(ID.schema("An order's id. One that this service gives out is a UUID."))
    }
}
impl ToSchema for Id {}

struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> Described {
        problem::responses(&[
            Kind::InvalidId,
            Kind::UnknownOrder,
            Kind::NotYetKnown,
            Kind::NotAcceptable,
            Kind::Unavailable,
        ])
    }
}

/// Shows one order
///
/// How far it is, who has answered and who has not.
#[utoipa::path(
    get,
    path = "/orders/{id}",
    tag = "orders",
    params(("id" = inline(Id), Path), CallersTrace),
    responses((status = 200, description = "The order.", body = Shown), Refusals)
)]
pub(super) async fn show(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Shown>, Problem> {
    let id = order_id(id)?;
    let found = find(&api, &id).await?.ok_or_else(|| unknown(&id))?;
    Ok(Json(shown(&found)))
}

/// The id in a path.
pub(super) fn order_id(id: Result<Path<String>, PathRejection>) -> Result<OrderId, Problem> {
    let wrong = |why: String| Problem::new(Kind::InvalidId, why).field("{id}");
    let Path(id) = id.map_err(|_| wrong("the id is not UTF-8".to_owned()))?;
    id.parse().map_err(|error: shared_events::ids::IdError| wrong(error.to_string()))
}

/// For so long after an id was drawn its order may not have been heard yet.
const NOT_YET_KNOWN_MS: i64 = 60_000;

/// Whether the order of an id may still be on its way to this service.
pub(super) fn may_come(id: &OrderId) -> bool {
    let age = drawn_at(id.as_str()).map(|drawn| clock::now().0.saturating_sub(drawn.0));
    age.is_some_and(|age| (0..NOT_YET_KNOWN_MS).contains(&age))
}

pub(super) fn unknown(id: &OrderId) -> Problem {
    let problem = if may_come(id) {
        let detail = "the order was not heard yet; ask again";
        Problem::new(Kind::NotYetKnown, detail)
    } else {
        Problem::new(Kind::UnknownOrder, "no order with this id was heard of")
    };
    problem.order(id.as_str())
}

/// The order with this id, if its OrderPlaced was heard.
pub(super) async fn find(api: &Api, id: &OrderId) -> Result<Option<Found>, Problem> {
    let found = async {
        let mut db = api.access.db.begin_read().await?;
        let found = summary::load(&mut db, [id.to_string()]).await?;
        db.rollback().await?;
        DbResult::Ok(found.into_iter().next())
    };
    found.await.map_err(Problem::database)
}

fn shown(found: &Found) -> Shown {
    let order = &found.order;
    Shown {
        summary: found.into(),
        answered: order.answers.iter().map(answered).collect(),
        not_answered: order.missing().iter().map(Who::from).collect(),
        delivered_at: order.delivered_at,
        lines: found.body.lines.clone(),
    }
}

fn answered(answer: &Answer) -> Answered {
    Answered { who: (&answer.by).into(), at: answer.at, agrees: answer.refusal.is_none() }
}
