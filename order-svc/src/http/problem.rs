//! What is wrong, as RFC 9457 asks.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A problem document.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    #[serde(skip)]
    status_code: StatusCode,
    title: &'static str,
    status: u16,
    /// What was wrong, where, and what would be right.
    detail: String,
    /// The field of the body, such as `lines[0].quantity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The order that may exist all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

impl Problem {
    pub(super) fn new(code: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status_code: code,
            title,
            status: code.as_u16(),
            detail: detail.into(),
            field: None,
            order_id: None,
            retry_after_seconds: None,
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

    pub(super) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The database does not answer, or says what it should not.
    pub(super) fn database(error: &dyn std::fmt::Display) -> Self {
        tracing::warn!(%error, "a request has failed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the orders cannot be read now")
            .retry_after(1)
    }

    /// The status of its response.
    pub(super) fn code(&self) -> u16 {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let code = self.status_code;
        let retry_after = self.retry_after_seconds;
        let mut response = (code, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
