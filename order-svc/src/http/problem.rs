//! What is wrong with a request, or with us, as RFC 9457 asks.

use std::collections::BTreeMap;
use std::fmt::Display;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::{ContentBuilder, Header, ObjectBuilder, Ref, RefOr, ResponseBuilder, Type};
use utoipa::openapi::{Response as OneDescribed, header::HeaderBuilder};

use super::kinds::Kind;

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Which problem it is; the page of that path explains it.
    #[schema(examples("/problems/unknown-order"))]
    r#type: String,
    /// The kind of problem, in words.
    title: &'static str,
    /// The status of the response.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What was wrong, where, and what would be right.
    detail: String,
    /// What is wrong: a JSON pointer into the body (empty for all of it), or the name of a header,
    /// or `?name` for a parameter of the query, or `{id}` for the id in the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The order that it is about. Of one that could not be published: it may exist all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(skip)]
    kind: Kind,
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let about = kind.about();
        Self {
            r#type: kind.path(),
            title: about.title,
            status: about.status.as_u16(),
            detail: detail.into(),
            field: None,
            order_id: None,
            kind,
        }
    }

    pub(super) fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(super) fn order(mut self, order_id: impl Into<String>) -> Self {
        self.order_id = Some(order_id.into());
        self
    }

    /// The database does not answer, or says what it should not.
    pub(super) fn database(error: impl Display) -> Self {
        tracing::warn!(%error, "a request has failed");
        Self::new(
            Kind::Unavailable,
            "the orders cannot be read now, and nothing was done; ask again",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let about = self.kind.about();
        let mut response = (about.status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if let Some(seconds) = about.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if about.status == StatusCode::REQUEST_TIMEOUT {
            // What still comes of the body must not be taken for another request.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

const CONTENT_TYPE: &str = "application/problem+json";

/// The responses of a path, for the document, by status.
pub(super) type Described = BTreeMap<String, RefOr<OneDescribed>>;

/// The responses that tell of these problems.
pub(super) fn responses(kinds: &[Kind]) -> Described {
    let mut by_status: BTreeMap<String, Vec<Kind>> = BTreeMap::new();
    for kind in kinds {
        by_status.entry(kind.about().status.as_str().to_owned()).or_default().push(*kind);
    }
    by_status.into_iter().map(|(status, kinds)| (status, RefOr::T(response(&kinds)))).collect()
}

fn response(kinds: &[Kind]) -> OneDescribed {
    let meanings: Vec<_> =
        kinds.iter().map(|kind| format!("`{}`: {}", kind.path(), kind.about().meaning)).collect();
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .examples_from_iter(kinds.iter().map(|kind| (kind.about().name, example(*kind))))
        .build();
    let response =
        ResponseBuilder::new().description(meanings.join("\n\n")).content(CONTENT_TYPE, content);
    if kinds.iter().all(|kind| kind.about().retry_after_seconds.is_none()) {
        return response.build();
    }
    response.header("Retry-After", retry_after()).build()
}

fn example(kind: Kind) -> Example {
    let about = kind.about();
    let value = json!({
        "type": kind.path(),
        "title": about.title,
        "status": about.status.as_u16(),
        "detail": about.meaning,
    });
    ExampleBuilder::new().value(Some(value)).build()
}

fn retry_after() -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0))))
        .description(Some("After so many seconds it is worth asking again."))
        .build()
}
