//! The kinds of problems: one table that the responses, the document and the pages share.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use super::problem::{self, Described, Problem};

/// What there is to say of a kind.
pub(super) struct About {
    /// The last part of its `type`. It is never renamed.
    pub(super) name: &'static str,
    pub(super) status: StatusCode,
    /// After so long it is worth asking again.
    pub(super) retry_after_seconds: Option<u32>,
    pub(super) title: &'static str,
    pub(super) meaning: &'static str,
}

macro_rules! kinds {
    ($($kind:ident $name:literal $status:ident $retry:expr, $title:literal, $meaning:literal;)+) => {
        /// What can be wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind { $($kind),+ }

        impl Kind {
            const ALL: &'static [Self] = &[$(Self::$kind),+];

            pub(super) fn about(self) -> About {
                match self {
                    $(Self::$kind => About {
                        name: $name,
                        status: StatusCode::$status,
                        retry_after_seconds: $retry,
                        title: $title,
                        meaning: $meaning,
                    }),+
                }
            }
        }
    };
}

kinds! {
    MalformedJson "malformed-json" BAD_REQUEST None, "Not JSON",
        "The body is not JSON in UTF-8, or something follows it.";
    InvalidField "invalid-field" BAD_REQUEST None, "A field is not right",
        "The body is JSON, but `field` is missing, unknown, there twice, or not what it has to be.";
    InvalidHeader "invalid-header" BAD_REQUEST None, "A header is not right",
        "The header `field` is not what it has to be.";
    InvalidQuery "invalid-query" BAD_REQUEST None, "The query is not right",
        "The parameter `field` of the query is unknown, there twice, or not what it has to be.";
    InvalidId "invalid-id" BAD_REQUEST None, "Not an order id",
        "An order id has 1 to 128 bytes of UTF-8, and no control characters.";
    UnknownPath "unknown-path" NOT_FOUND None, "No such page",
        "Nothing is at this path. /openapi.json names all that there is.";
    UnknownOrder "unknown-order" NOT_FOUND None, "Unknown order",
        "No order with this id was heard of.";
    NotYetKnown "not-yet-known" NOT_FOUND Some(1), "Not yet known",
        "The id was given out less than a minute ago, and its order was not heard yet. Ask again.";
    MethodNotAllowed "method-not-allowed" METHOD_NOT_ALLOWED None, "Method not allowed",
        "The path is there, but not for this method. The header Allow names those that it has.";
    NotAcceptable "not-acceptable" NOT_ACCEPTABLE None, "Not acceptable",
        "The header Accept excludes the only form that this path has.";
    BodyTooSlow "body-too-slow" REQUEST_TIMEOUT None, "The body comes too slowly",
        "The body has not come within ten seconds.";
    AlreadyDecided "already-decided" CONFLICT None, "Already decided",
        "The order is confirmed, cancelled or completed, so it can no longer be cancelled.";
    BodyTooLarge "body-too-large" PAYLOAD_TOO_LARGE None, "The body is too large",
        "A body has at most 64 KiB.";
    UnsupportedMediaType "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE None, "Unsupported media type",
        "A body is JSON, sent with Content-Type: application/json.";
    KeyReused "key-reused" UNPROCESSABLE_ENTITY None, "The key was used for another order",
        "An Idempotency-Key stands for one order for 24 hours. Use a new key for a new order.";
    TooManyPlacements "too-many-placements" TOO_MANY_REQUESTS Some(1), "Too many requests at once",
        "As many orders and cancellations as allowed are being published. Nothing was done; ask again.";
    TooManyStreams "too-many-streams" TOO_MANY_REQUESTS Some(5), "Too many streams",
        "As many streams as allowed are open. Ask again, or use GET /orders/{id}.";
    Internal "internal" INTERNAL_SERVER_ERROR None, "Internal error",
        "This is a fault of the service. Nothing was done.";
    NotAcknowledged "not-acknowledged" SERVICE_UNAVAILABLE Some(1), "Not acknowledged",
        "Kafka has not acknowledged the event: it may exist, and never twice. An order is repeated \
         safely with the same Idempotency-Key, a cancellation just so.";
    Unavailable "unavailable" SERVICE_UNAVAILABLE Some(1), "Unavailable",
        "The database does not answer. Nothing was done; ask again.";
}

impl Kind {
    /// Its `type`: RFC 9457 allows a path, and asks for a page there.
    pub(super) fn path(self) -> String {
        format!("/problems/{}", self.about().name)
    }
}

/// What a kind of problem means.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explained {
    r#type: String,
    title: &'static str,
    status: u16,
    meaning: &'static str,
}

struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> Described {
        problem::responses(&[Kind::UnknownPath, Kind::NotAcceptable])
    }
}

/// What a kind of problem means
///
/// A problem's `type` is the path of this page.
#[utoipa::path(
    get,
    path = "/problems/{name}",
    tag = "about",
    params(("name" = String, Path, description = "The last part of the `type`.", example = "unknown-order")),
    responses((status = 200, description = "What it means.", body = Explained), Refusals)
)]
pub(super) async fn explain(
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Explained>, Problem> {
    let named = |kind: &&Kind| name.as_ref().is_ok_and(|name| **name == kind.about().name);
    let kind = *Kind::ALL.iter().find(named).ok_or_else(|| {
        let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.about().name).collect();
        let detail = format!("there is no such kind of problem, only {}", names.join(", "));
        Problem::new(Kind::UnknownPath, detail)
    })?;
    let about = kind.about();
    let status = about.status.as_u16();
    Ok(Json(Explained { r#type: kind.path(), title: about.title, status, meaning: about.meaning }))
}
