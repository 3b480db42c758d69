//! Orders over HTTP.
//!
//! What starts outside of Kafka is said first and kept second: an order that is posted is published,
//! and kept when this service hears its own topic. So an order of any other producer goes the same
//! way, and there are no two places to write to.

mod place;
mod problem;
mod show;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use choreography::app::Access;

/// The largest body that is read, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// The pages of order-svc: `POST /orders` and `GET /orders/{id}`.
pub fn routes(access: Access) -> Router {
    Router::new()
        .route("/orders", post(place::place))
        .route("/orders/{id}", get(show::show))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(access)
}
