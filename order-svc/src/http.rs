//! Orders over HTTP.
//!
//! What starts outside of Kafka is said first and kept second: an order that is posted is published,
//! and kept when this service hears its own topic. So an order of any other producer goes the same
//! way, and there are no two places to write to.
//!
//! | path | |
//! |---|---|
//! | `POST /orders` | places an order |
//! | `GET /orders` | the orders, the newest first |
//! | `GET /orders/{id}` | one order |
//! | `POST /orders/{id}/cancel` | asks for its cancellation |
//! | `GET /orders/{id}/events` | its story as it happens, as server-sent events |
//! | `GET /problems/{name}` | what a problem means |
//! | `GET /openapi.json`, `GET /docs` | what is here, for programs and for people |
//!
//! A path is routed by the attribute that documents it, so none is there that the document does not
//! name.

mod options;

mod place;

mod keys;

mod cancel;

mod publish;

mod show;

mod list;

mod summary;

mod events;

mod story;

mod looks;

mod span;

mod accept;

mod body;

mod request;

mod rule;

mod json;

mod problem;

mod kinds;

mod document;

use std::sync::Arc;

use axum::http::{Method, Uri};
use axum::{Extension, Router, middleware};
use choreography::app::Access;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use body::BODY_BYTES_MAX;
pub use options::Options;

use kinds::Kind;
use looks::Looks;
use problem::Problem;

/// What the pages share.
#[derive(Clone)]
struct Api {
    access: Access,
    /// One permit for each event that is being published.
    placements: Arc<Semaphore>,
    /// One permit for each stream that is open.
    streams: Arc<Semaphore>,
    looks: Arc<Looks>,
    untrusted_edge: bool,
}

/// The pages of order-svc, see above.
pub fn routes(access: Access, options: &Options) -> Router {
    let api = Api {
        placements: Arc::new(Semaphore::new(options.placements_max as usize)),
        streams: Arc::new(Semaphore::new(options.streams_max as usize)),
        looks: Arc::new(Looks::new(access.db.clone())),
        untrusted_edge: options.untrusted_edge,
        access,
    };
    let (about, mut openapi) = OpenApiRouter::with_openapi(document::start())
        .routes(routes!(kinds::explain))
        .routes(routes!(document::json))
        .routes(routes!(document::page))
        .split_for_parts();
    let (orders, paths) = OpenApiRouter::new()
        .routes(routes!(place::place, list::list))
        .routes(routes!(show::show))
        .routes(routes!(cancel::cancel))
        .routes(routes!(events::events))
        .layer(middleware::from_fn_with_state(api.clone(), span::around))
        .with_state(api)
        .split_for_parts();
    openapi.merge(paths);
    about
        .layer(Extension(document::text(&openapi)))
        .merge(orders)
        .layer(middleware::from_fn(accept::check))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(unknown_path)
}

async fn unknown_path(uri: Uri) -> Problem {
    let detail = format!("nothing is at {}; /openapi.json names all that there is", uri.path());
    Problem::new(Kind::UnknownPath, detail)
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!(
        "{} is there, but not for {method}; the header Allow names what it has",
        uri.path()
    );
    Problem::new(Kind::MethodNotAllowed, detail)
}
