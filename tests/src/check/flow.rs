//! Each order ends as it has to, each answer to it is there once, and all services agree.

use std::collections::{BTreeMap, BTreeSet};

use shared_events::inventory::{StockRejected, StockReleased, StockReserved};
use shared_events::logistics::{
    ShipmentCancelled, ShipmentDelivered, ShipmentDispatched, ShipmentPlanned, ShipmentRejected,
};
use shared_events::orders::{
    CancellationCode, OrderCancelled, OrderCompleted, OrderConfirmed, OrderDeadlinePassed,
};

use super::Expected;
use super::story::Story;
use crate::books::Books;
use crate::orders::{Fate, Order};

pub(super) fn check(
    kept: &Books,
    stories: &BTreeMap<String, Story>,
    expected: &Expected<'_>,
    found: &mut Vec<String>,
) {
    let fates: BTreeMap<&str, &Order> =
        expected.orders.iter().map(|order| (order.placed.order_id.as_str(), order)).collect();
    for (id, order) in &fates {
        match stories.get(*id).filter(|story| story.placed.is_some()) {
            Some(story) => {
                let mut wrong = fate(order.fate, story);
                wrong.extend(events(story));
                wrong.extend(books(kept, id, story));
                found.extend(wrong.into_iter().map(|wrong| format!("order {id}: {wrong}")));
            }
            None => found.push(format!("order {id}: its OrderPlaced is not on the topic")),
        }
    }
    let unknown = stories.keys().filter(|id| !fates.contains_key(id.as_str()));
    found.extend(unknown.map(|id| format!("order {id}: nobody has placed it")));
}

fn is_cancelled(story: &Story) -> bool {
    0 < story.count::<OrderCancelled>()
}

fn fate(fate: Fate, story: &Story) -> Vec<String> {
    let has = |code: CancellationCode| story.reasons.iter().any(|reason| reason.code == code);
    let fits = match fate {
        Fate::Completed => !is_cancelled(story),
        Fate::Cancelled(code) => has(code),
        Fate::Either(code) => !is_cancelled(story) || has(code),
    };
    let wrong = format!("expected {fate:?}, and it was cancelled for {:?}", story.reasons);
    (!fits).then_some(wrong).into_iter().collect()
}

/// How many of each event there have to be.
fn events(story: &Story) -> Vec<String> {
    let cancelled = is_cancelled(story);
    let (if_confirmed, if_cancelled) = (usize::from(!cancelled), usize::from(cancelled));
    let late = story.reasons.iter().any(|r| r.code == CancellationCode::NotAnswered);
    let (reserved, planned) = (story.count::<StockReserved>(), story.count::<ShipmentPlanned>());
    let released = if cancelled { reserved } else { 0 };
    let called_off = if cancelled { planned } else { 0 };
    let counts = [
        ("OrderCancelled", story.count::<OrderCancelled>(), if_cancelled),
        ("OrderConfirmed", story.count::<OrderConfirmed>(), if_confirmed),
        ("OrderCompleted", story.count::<OrderCompleted>(), if_confirmed),
        ("OrderDeadlinePassed", story.count::<OrderDeadlinePassed>(), usize::from(late)),
        ("StockReserved and StockRejected", reserved + story.count::<StockRejected>(), 1),
        ("StockReleased", story.count::<StockReleased>(), released),
        ("ShipmentPlanned and ShipmentRejected", planned + story.count::<ShipmentRejected>(), 1),
        ("ShipmentCancelled", story.count::<ShipmentCancelled>(), called_off),
        ("ShipmentDispatched", story.count::<ShipmentDispatched>(), if_confirmed),
        ("ShipmentDelivered", story.count::<ShipmentDelivered>(), if_confirmed),
    ];
    let counts = counts.into_iter().filter(|(_, is, should_be)| is != should_be);
    let mut wrong: Vec<_> =
        counts.map(|(what, is, should_be)| format!("{is} {what}, not {should_be}")).collect();
    wrong.extend(sellers(story, cancelled));
    if !cancelled && story.rests_on != story.agreed {
        wrong.push(format!("OrderConfirmed names {:?}, not {:?}", story.rests_on, story.agreed));
    }
    wrong
}

/// Each seller is notified or declines, once; and whoever was notified hears of a cancellation.
fn sellers(story: &Story, cancelled: bool) -> Vec<String> {
    let lines = story.placed.iter().flat_map(|(_, placed)| &placed.lines);
    let asked: BTreeSet<_> = lines.map(|line| line.seller_id.to_string()).collect();
    let mut answered = [story.notified.clone(), story.declined.clone()].concat();
    answered.sort();
    let mut wrong = vec![];
    if !answered.iter().eq(&asked) {
        wrong.push(format!("of the sellers {asked:?} have answered {answered:?}"));
    }
    let told = if cancelled { story.notified.as_slice() } else { &[] };
    if story.called_off != told {
        wrong.push(format!("of the cancellation know {:?}, not {told:?}", story.called_off));
    }
    wrong
}

/// What each database has to say about the order.
fn books(books: &Books, id: &str, story: &Story) -> Vec<String> {
    let cancelled = is_cancelled(story);
    let pick = |if_cancelled, otherwise| if cancelled { if_cancelled } else { otherwise };
    let word = match (story.count::<StockReserved>(), cancelled) {
        (0, _) => "rejected",
        (_, true) => "released",
        (_, false) => "reserved",
    };
    let notice = books.notices.get(id).map(|(status, _)| status.as_str());
    // Nobody has to be told of an order without lines.
    let no_sellers = story.placed.iter().all(|(_, placed)| placed.lines.is_empty());
    let notice = if no_sellers { Some(pick("closed", "notified")) } else { notice };
    let rows = [
        ("orders", books.orders.get(id).and_then(Option::as_deref), pick("cancelled", "completed")),
        ("last_words", books.last_words.get(id).map(String::as_str), word),
        (
            "shipments",
            books.shipments.get(id).map(String::as_str),
            pick("not shipped", "delivered"),
        ),
        ("notices", notice, pick("closed", "notified")),
    ];
    let mut wrong: Vec<_> = rows
        .iter()
        .filter(|(_, is, should_be)| *is != Some(*should_be))
        .map(|(table, is, should_be)| format!("its row of {table} says {is:?}, not {should_be:?}"))
        .collect();
    let kept = books.notices.get(id).map(|(_, sellers)| sellers.iter().collect::<Vec<_>>());
    let notified = if cancelled { vec![] } else { story.notified.iter().collect() };
    if kept.is_some_and(|kept| kept != notified) {
        wrong.push(format!("its row of notices does not name {notified:?}"));
    }
    wrong
}
