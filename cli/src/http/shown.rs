//! An order as `GET /orders/{id}` shows it.

use serde::{Deserialize, Serialize};

/// What order-svc has heard of an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// `placed`, `confirmed`, `cancelled` or `completed`.
    pub(crate) status: String,
    /// When it was heard, in milliseconds since 1970.
    pub(crate) placed_at: i64,
    /// Why it was cancelled.
    #[serde(default)]
    pub(crate) reasons: Vec<Reason>,
    #[serde(default)]
    pub(crate) answered: Vec<Answer>,
    #[serde(default)]
    pub(crate) not_answered: Vec<Who>,
}

/// One reason for a cancellation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reason {
    pub(crate) code: String,
    pub(crate) detail: String,
}

/// An answer to the order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    #[serde(flatten)]
    pub(crate) who: Who,
    /// When it was heard, in milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) agrees: bool,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Who {
    pub(crate) service: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seller_id: Option<String>,
}

impl Shown {
    /// Whether nothing about it changes any more.
    pub(crate) fn has_ended(&self) -> bool {
        ["completed", "cancelled"].contains(&self.status.as_str())
    }
}

impl Who {
    /// The service, and the seller if there are several.
    pub(crate) fn text(&self) -> String {
        match &self.seller_id {
            Some(seller) => format!("{} {seller}", self.service),
            None => self.service.clone(),
        }
    }
}
