//! The decisions of seller-svc.
//!
//! The events of one order come in any order. So that a late one changes nothing that it should
//! not, each decision looks first at what the sellers know.

use std::collections::BTreeSet;

use choreography::service::{Heard, Said};
use shared_events::amounts::Timestamp;
use shared_events::ids::{OrderId, SellerId};
use shared_events::orders::{LINES_MAX, OrderPlaced};
use shared_events::sellers::{
    SellerCancellationNotified, SellerDeclined, SellerNotified, SellerRefusal,
};

use crate::directory::{Directory, Standing};
use crate::state::Notice::{CancelledUnheard, Closed, Notified};
use crate::state::Notices;
use crate::{Hears, Says};

/// Decides about one event. In: what is known of its order, the event, the time. Out: what to say.
pub fn react(notices: &mut Notices, heard: &Heard<Hears>, _now: Timestamp) -> Vec<Said<Says>> {
    match &heard.event {
        Hears::OrderPlaced(placed) => notify(notices, placed),
        Hears::OrderCancelled(cancelled) => cancel(notices, &cancelled.order_id),
    }
}

/// The first OrderPlaced with an id counts; another changes nothing.
fn notify(notices: &mut Notices, placed: &OrderPlaced) -> Vec<Said<Says>> {
    let order = &placed.order_id;
    match notices.orders.get(order) {
        None => {
            let refusals = refusals(&notices.directory, placed);
            let notified = refusals.iter().filter(|(_, refusal)| refusal.is_none());
            let notified = notified.map(|(seller, _)| SellerId::clone(seller)).collect();
            notices.set(order, Notified(notified));
            answers(order, refusals)
        }
        Some(CancelledUnheard) => {
            notices.set(order, Closed);
            let refusal = Some(SellerRefusal::OrderCancelled);
            answers(order, sellers(placed).into_iter().map(|seller| (seller, refusal)))
        }
        Some(Notified(_) | Closed) => vec![Said::NOT_THE_FIRST],
    }
}

fn refusals<'o>(
    directory: &Directory,
    placed: &'o OrderPlaced,
) -> Vec<(&'o SellerId, Option<SellerRefusal>)> {
    let refusal = |seller: &SellerId| match directory.standing(seller) {
        Some(Standing::Active) if placed.lines.len() <= LINES_MAX => None,
        Some(Standing::Active) => Some(SellerRefusal::Other),
        Some(Standing::Suspended) => Some(SellerRefusal::Suspended),
        None => Some(SellerRefusal::Unknown),
    };
    sellers(placed).into_iter().map(|seller| (seller, refusal(seller))).collect()
}

/// Each seller of the order once, in the order in which they appear. Of an order with too many
/// lines only the first seller, so that one event cannot make this service say thousands.
fn sellers(placed: &OrderPlaced) -> Vec<&SellerId> {
    let lines = placed.lines.len();
    let heeded = if lines <= LINES_MAX { lines } else { 1 };
    let mut seen = BTreeSet::new();
    let sellers = placed.lines.iter().take(heeded).map(|line| &line.seller_id);
    sellers.filter(|seller| seen.insert(*seller)).collect()
}

fn answers<'o>(
    order: &OrderId,
    refusals: impl IntoIterator<Item = (&'o SellerId, Option<SellerRefusal>)>,
) -> Vec<Said<Says>> {
    let answer = |(seller, refusal): (&SellerId, Option<SellerRefusal>)| {
        let (order_id, seller_id) = (order.clone(), seller.clone());
        match refusal {
            None => Said::now(SellerNotified { order_id, seller_id }),
            Some(reason) => Said::now(SellerDeclined { order_id, seller_id, reason }),
        }
    };
    refusals.into_iter().map(answer).collect()
}

fn cancel(notices: &mut Notices, order: &OrderId) -> Vec<Said<Says>> {
    match notices.orders.get(order).cloned() {
        None => {
            notices.set(order, CancelledUnheard);
            vec![]
        }
        Some(Notified(sellers)) => {
            notices.set(order, Closed);
            let tell = |seller_id| {
                Said::now(SellerCancellationNotified { order_id: order.clone(), seller_id })
            };
            sellers.into_iter().map(tell).collect()
        }
        Some(CancelledUnheard | Closed) => vec![],
    }
}
