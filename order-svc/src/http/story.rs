//! The story of an order as it can be told from what is kept of it, and how much of it somebody
//! has heard.
//!
//! What is heard is a set, not a place: instances have clocks of their own, so something that
//! becomes known later may have an earlier time. Each thing that can happen to an order has a
//! number in it, which its OrderPlaced fixes: first these few, then its sellers.

use serde::Serialize;
use shared_events::amounts::Timestamp;
use utoipa::ToSchema;

use super::summary::{Reason, Who, reasons};
use crate::state::{Answer, Answerer, Order, Placed, Status};

/// The numbers of what can happen. There are at most a hundred sellers, so 128 are enough.
const PLACED: u32 = 0;
const DECIDED: u32 = 1;
const DELIVERED: u32 = 2;
const COMPLETED: u32 = 3;
const INVENTORY: u32 = 4;
const LOGISTICS: u32 = 5;
const SELLERS: u32 = 6;

/// Something that has happened to an order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Happened {
    #[serde(skip)]
    number: u32,
    /// What: the field `event` of the stream.
    #[serde(skip)]
    pub(super) event: &'static str,
    /// When, in milliseconds since 1970. Of `completed` it is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false)]
    at: Option<Timestamp>,
    /// Which service answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    service: Option<&'static str>,
    /// For which seller, if it is seller-svc.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    seller_id: Option<String>,
    /// Of an answer: whether it agrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    agrees: Option<bool>,
    /// Why somebody does not agree, or the order is cancelled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Reason>,
}

/// What somebody has heard of an order's story, as a set of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told(u128);

impl Told {
    /// Reads the id of an event.
    pub(super) fn parse(id: &str) -> Option<Self> {
        let digits = (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit());
        digits.then(|| u128::from_str_radix(id, 16).ok().map(Self)).flatten()
    }

    /// As the id of an event.
    pub(super) fn id(self) -> String {
        format!("{:x}", self.0)
    }

    /// Adds something. Out: whether it was not in it.
    pub(super) fn add(&mut self, happened: &Happened) -> bool {
        let before = self.0;
        self.0 |= 1 << happened.number;
        before != self.0
    }

    /// Whether nothing more can come.
    pub(super) fn is_whole(self, status: &Status) -> bool {
        let last = match status {
            Status::Cancelled { .. } => DECIDED,
            Status::Placed | Status::Confirmed { .. } | Status::Completed { .. } => COMPLETED,
        };
        self.0 & (1 << last) != 0
    }
}

/// All that has happened to an order. Answers that came after its cancellation are left out: they
/// changed nothing.
pub(super) fn story(order: &Order, placed: &Placed) -> Vec<Happened> {
    let cancelled = match placed.status {
        Status::Cancelled { at, .. } => Some(at),
        Status::Placed | Status::Confirmed { .. } | Status::Completed { .. } => None,
    };
    let counts = |answer: &&Answer| cancelled.is_none_or(|cancelled| answer.at <= cancelled);
    let mut answers: Vec<_> = order.answers.iter().filter(counts).collect();
    answers.sort_by_key(|answer| answer.at);
    let mut story = vec![happened(PLACED, "placed", Some(placed.at))];
    story.extend(answers.into_iter().map(|answer| answered(answer, placed)));
    story.extend(decided(&placed.status));
    story.extend(order.delivered_at.map(|at| happened(DELIVERED, "delivered", Some(at))));
    if matches!(placed.status, Status::Completed { .. }) {
        story.push(happened(COMPLETED, "completed", None));
    }
    story
}

fn decided(status: &Status) -> Option<Happened> {
    match status {
        Status::Placed => None,
        Status::Confirmed { at } | Status::Completed { confirmed_at: at } => {
            Some(happened(DECIDED, "confirmed", Some(*at)))
        }
        Status::Cancelled { at, .. } => {
            let cancelled = happened(DECIDED, "cancelled", Some(*at));
            Some(Happened { reasons: reasons(status), ..cancelled })
        }
    }
}

fn answered(answer: &Answer, placed: &Placed) -> Happened {
    let number = match &answer.by {
        Answerer::Inventory => INVENTORY,
        Answerer::Logistics => LOGISTICS,
        Answerer::Seller(seller) => {
            (SELLERS..).zip(&placed.sellers).find(|(_, s)| *s == seller).map_or(127, |(n, _)| n)
        }
    };
    let Who { service, seller_id } = Who::from(&answer.by);
    Happened {
        service: Some(service),
        seller_id,
        agrees: Some(answer.refusal.is_none()),
        reasons: answer.refusal.iter().map(Reason::from).collect(),
        ..happened(number, "answered", Some(answer.at))
    }
}

fn happened(number: u32, event: &'static str, at: Option<Timestamp>) -> Happened {
    Happened { number, event, at, service: None, seller_id: None, agrees: None, reasons: vec![] }
}
