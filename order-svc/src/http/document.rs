//! The OpenAPI document, and a page to try what is in it.

use axum::Extension;
use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use utoipa::{IntoParams, IntoResponses, OpenApi, ToSchema};

use super::kinds::Kind;
use super::problem::{self, Described, Problem};
use super::story::Happened;

/// What the runtime serves beside the service's own pages.
mod runtime {
    use super::Report;

    /// Whether the process lives
    #[utoipa::path(get, path = "/healthz", tag = "runtime", responses(
        (status = 200, description = "It does.", body = Report),
        (status = 503, description = "Only a restart can help.", body = Report)
    ))]
    #[expect(dead_code, reason = "the runtime has the page, this describes it")]
    fn healthz() {}

    /// Whether the service can do its work
    #[utoipa::path(get, path = "/readyz", tag = "runtime", responses(
        (status = 200, description = "It can.", body = Report),
        (status = 503, description = "It cannot, for these reasons.", body = Report)
    ))]
    #[expect(dead_code, reason = "the runtime has the page, this describes it")]
    fn readyz() {}

    /// Figures for Prometheus
    #[utoipa::path(get, path = "/metrics", tag = "runtime", responses(
        (status = 200, description = "Prometheus' text.", body = String, content_type = "text/plain")
    ))]
    #[expect(dead_code, reason = "the runtime has the page, this describes it")]
    fn metrics() {}
}

/// Whether all is well, and if not, why.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the runtime has the type, this describes it")]
struct Report {
    #[schema(examples("ok"))]
    status: String,
    /// Reasons by name.
    #[schema(value_type = Object, required = false)]
    reason: Option<Value>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "order-svc",
        description = "Orders over HTTP. A request is published on Kafka and answered 202; what becomes of it is \
            seen by GET or as server-sent events. Whatever is not right is answered with a problem document (RFC 9457), \
            also an unknown path (404, `/problems/unknown-path`) and a method that a path does not have (405, \
            `/problems/method-not-allowed`)."
    ),
    paths(runtime::healthz, runtime::readyz, runtime::metrics),
    components(schemas(Problem, Happened)),
    tags(
        (name = "orders", description = "Orders"),
        (name = "about", description = "About this interface"),
        (name = "runtime", description = "Of any service")
    )
)]
struct Start;

/// The document before the service's own paths are in it.
pub(super) fn start() -> utoipa::openapi::OpenApi {
    Start::openapi()
}

/// The trace that the caller is in, by W3C Trace Context.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it is there for the document")]
pub(super) struct CallersTrace {
    /// The caller's span: the order's trace continues it, or, at an untrusted edge, is linked to
    /// it. One that is not valid is ignored.
    #[param(value_type = String, required = false, example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    traceparent: Option<String>,
    /// Passed on with it.
    #[param(value_type = String, required = false)]
    tracestate: Option<String>,
}

/// An order that is right.
pub(super) fn example_order() -> Value {
    json!({
        "currency": "EUR",
        "lines": [{
            "sku": "teapot", "seller_id": "acme", "quantity": 1, "unit_price": 2500, "unit_weight": 800
        }],
        "ship_to": {
            "name": "Ada", "street": "Main Street 1", "postal_code": "10115", "city": "Berlin", "country": "DE"
        }
    })
}

/// The whole document as text.
#[derive(Clone)]
pub(super) struct Text(Bytes);

pub(super) fn text(openapi: &utoipa::openapi::OpenApi) -> Text {
    // It holds no map with keys that are no text, the one thing that JSON cannot write.
    Text(serde_json::to_vec(openapi).unwrap_or_default().into())
}

struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> Described {
        problem::responses(&[Kind::NotAcceptable])
    }
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "about",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object), Refusals)
)]
pub(super) async fn json(Extension(Text(text)): Extension<Text>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// A page to try it
#[utoipa::path(
    get,
    path = "/docs",
    tag = "about",
    responses(
        (status = 200, description = "HTML, for people.", body = String, content_type = "text/html"),
        Refusals
    )
)]
pub(super) async fn page() -> Response {
    // The page is whole in itself, and its requests go to this service only.
    const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                          connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, include_str!("docs.html")).into_response()
}
