//! Laws about how orders end.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use seller_svc::directory::Standing;
use shared_events::ids::{EventId, Sku};
use shared_events::orders::{
    CancellationCode, CancellationReason, LINES_MAX, OrderCancelled, OrderConfirmed, OrderPlaced,
};

use super::goods::reserved_said;
use super::{Holds, Law, holds};
use crate::events::Record;
use crate::history::{self, History};
use crate::parties::{Party, States};

/// [`Law::ConfirmedByAll`], [`Law::RequestsAreHeeded`] and [`Law::OnlyTheKnownIsConfirmed`].
/// `known_sku` tells whether there ever were pieces of a SKU.
pub fn confirmed_by_all(
    states: &States,
    known_sku: impl Fn(&Sku) -> bool,
    history: &History,
    confirmed: &OrderConfirmed,
) -> Holds {
    let order = confirmed.order_id.as_str();
    let kept = history.kept();
    holds(Law::ConfirmedByAll, order, kept.is_some(), || "order-svc has no OrderPlaced".into())?;
    let Some((id, placed)) = kept else { return Ok(()) };
    let agreed = |name| history.answers_to(id).filter(move |answer| answer.name() == name);
    let sellers: BTreeSet<_> =
        agreed("SellerNotified").filter_map(|answer| history::seller(&answer.event)).collect();
    let all = agreed("StockReserved").count() == 1
        && agreed("ShipmentPlanned").count() == 1
        && sellers == history::sellers(placed);
    let mut ids: Vec<EventId> = ["StockReserved", "ShipmentPlanned", "SellerNotified"]
        .into_iter()
        .flat_map(agreed)
        .map(|answer| answer.id)
        .collect();
    let mut named = confirmed.answers.clone();
    ids.sort_unstable();
    named.sort_unstable();
    holds(Law::ConfirmedByAll, order, all && ids == named, || {
        format!("it names {named:?}; of the OrderPlaced that counts there are {ids:?}")
    })?;
    let reserved = reserved_said(history);
    holds(Law::ConfirmedByAll, order, reserved == pieces(placed), || {
        format!("{reserved:?} are reserved")
    })?;
    let request = history.heard.contains(&(Party::Orders, "CancellationRequested"));
    holds(Law::RequestsAreHeeded, order, !request, || "somebody wanted it cancelled".into())?;
    let unknown = unknown(states, known_sku, placed);
    holds(Law::OnlyTheKnownIsConfirmed, order, unknown.is_none(), || unknown.unwrap_or_default())
}

fn pieces(placed: &OrderPlaced) -> BTreeMap<Sku, i64> {
    let mut pieces = BTreeMap::new();
    for line in &placed.lines {
        *pieces.entry(line.sku.clone()).or_default() += line.quantity.get();
    }
    pieces
}

fn unknown(
    states: &States,
    known_sku: impl Fn(&Sku) -> bool,
    placed: &OrderPlaced,
) -> Option<String> {
    let country = &placed.ship_to.country;
    if states.shipments.carriers.to(country).is_none() {
        return Some(format!("nobody goes to {country}"));
    }
    placed.lines.iter().find_map(|line| {
        let active = states.notices.directory.standing(&line.seller_id) == Some(Standing::Active);
        (!active || !known_sku(&line.sku)).then(|| format!("{} of {}", line.sku, line.seller_id))
    })
}

/// [`Law::CancelledForAReason`]. `known` tells what order-svc has heard.
pub fn cancelled_for_a_reason(
    history: &History,
    cancelled: &OrderCancelled,
    known: impl Fn(EventId) -> bool,
) -> Holds {
    let order = cancelled.order_id.as_str();
    let kept = history.kept();
    let is_true = |reason: &CancellationReason| {
        let Some((id, placed)) = kept else { return false };
        let refused = |name| history.answers_to(id).any(|answer| answer.name() == name);
        let in_time: Vec<_> = history
            .answers_to(id)
            .filter(|answer| history.overlooked.contains(&answer.id) || known(answer.id))
            .collect();
        match reason.code {
            CancellationCode::Requested => history.has("CancellationRequested"),
            CancellationCode::StockRejected => refused("StockRejected"),
            CancellationCode::ShipmentRejected => refused("ShipmentRejected"),
            CancellationCode::SellerDeclined => refused("SellerDeclined"),
            CancellationCode::NotAnswered => {
                history.has("OrderDeadlinePassed") && !has_answered(&in_time, &reason.detail)
            }
            CancellationCode::Other => !(1..=LINES_MAX).contains(&placed.lines.len()),
        }
    };
    let lie = cancelled.reasons.iter().find(|reason| !is_true(reason));
    let law = Law::CancelledForAReason;
    holds(law, order, !cancelled.reasons.is_empty(), || "there is no reason".into())?;
    holds(law, order, lie.is_none(), || format!("it is not true that {}", words(lie)))
}

fn words(reason: Option<&CancellationReason>) -> String {
    reason.map_or(String::new(), |reason| format!("{:?}: {}", reason.code, reason.detail))
}

/// Whether one of those who are said not to have answered has: a service, or one of the sellers
/// after its name.
fn has_answered(answers: &[&Rc<Record>], who: &str) -> bool {
    let said_by = |answer: &Record, service: &str| {
        answer.speaker.is_some_and(|speaker| speaker.manifest().service == service)
    };
    match who.split_once(": ") {
        None => answers.iter().any(|answer| said_by(answer, who)),
        Some((service, sellers)) => sellers.split(", ").any(|seller| {
            answers.iter().any(|answer| {
                let of = history::seller(&answer.event);
                said_by(answer, service) && of.is_some_and(|of| of.as_str() == seller)
            })
        }),
    }
}

/// [`Law::EveryOrderEnds`] and [`Law::NothingStays`], when nothing is left to happen.
pub fn all_ended(order: &str, history: &History) -> Holds {
    let (confirmed, cancelled) = (history.has("OrderConfirmed"), history.has("OrderCancelled"));
    let shipped = ["ShipmentDispatched", "ShipmentDelivered", "OrderCompleted"];
    let whole = !confirmed || shipped.into_iter().all(|name| history.has(name));
    let ended = history.kept().is_none() || confirmed != cancelled;
    holds(Law::EveryOrderEnds, order, ended && whole, || {
        format!("confirmed: {confirmed}, cancelled: {cancelled}, delivered and completed: {whole}")
    })?;
    if confirmed {
        return Ok(());
    }
    // Each promise has been taken back.
    let count = |name| history.named(name).count();
    let stays = [
        ("StockReserved", "StockReleased"),
        ("ShipmentPlanned", "ShipmentCancelled"),
        ("SellerNotified", "SellerCancellationNotified"),
    ]
    .into_iter()
    .find(|(promise, taken_back)| count(promise) != count(taken_back));
    let (promise, taken_back) = stays.unwrap_or_default();
    holds(Law::NothingStays, order, stays.is_none(), || {
        format!("there is not one {taken_back} for each {promise}")
    })
}
