//! What order-svc refuses: problem documents (RFC 9457).

use std::time::Duration;

use anyhow::anyhow;
use reqwest::StatusCode;
use serde::Deserialize;

use crate::terminal::{cut, plain};

/// Why a request has no good answer.
pub(crate) enum Refusal {
    /// It was refused.
    Problem(Problem),
    /// Nobody is there, so that nothing was sent.
    Absent(anyhow::Error),
    /// Nobody answered, or somebody who is not order-svc.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl Refusal {
    /// When the same may be tried again, if it may.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem(problem) => problem.retry_after(),
            Self::Absent(_) | Self::Failed(_) => None,
        }
    }

    /// Whether the order may exist all the same.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Problem(problem) => problem.status.is_server_error(),
            Self::Absent(_) => false,
            Self::Failed(_) => true,
        }
    }

    /// The id of the order, if it has got one.
    pub(crate) fn order_id(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => problem.document.order_id.as_deref(),
            Self::Absent(_) | Self::Failed(_) => None,
        }
    }

    /// In words for a person.
    pub(crate) fn into_error(self) -> anyhow::Error {
        match self {
            Self::Problem(problem) => anyhow!("{}", problem.text()),
            Self::Absent(error) | Self::Failed(error) => error,
        }
    }
}

/// A refusal with what the server says about it.
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    retry_after: Option<Duration>,
    document: Document,
}

/// The document; a server that is not ours may send something else, or nothing.
#[derive(Default, Deserialize)]
struct Document {
    title: Option<String>,
    detail: Option<String>,
    /// Which part of the body is wrong.
    field: Option<String>,
    order_id: Option<String>,
}

/// So much of a body that is no problem document is shown, in characters.
const BODY_CHARS_MAX: usize = 200;

impl Problem {
    pub(super) fn read(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let document = serde_json::from_slice(body).unwrap_or_else(|_| {
            let body = String::from_utf8_lossy(body);
            let body = cut(body.trim(), BODY_CHARS_MAX);
            Document { detail: (!body.is_empty()).then_some(body), ..Document::default() }
        });
        Self { status, retry_after, document }
    }

    /// When the same may be tried again, if it may.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Status and title, where it is wrong, why, and about which order: on one line.
    pub(crate) fn text(&self) -> String {
        let Document { title, detail, field, order_id } = &self.document;
        let title = title.as_deref().or(self.status.canonical_reason()).unwrap_or_default();
        let mut text = format!("{} {title}", self.status.as_u16());
        // A dot stands for the body as a whole.
        for part in [field.as_deref().filter(|field| *field != "."), detail.as_deref()] {
            text.extend(part.map(|part| format!(": {part}")));
        }
        text.extend(order_id.as_ref().map(|id| format!(" (order {id})")));
        plain(&text)
    }
}
