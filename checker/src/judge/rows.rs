//! What each database has to say about an order that has ended, all the events of which were taken.
//!
//! Nothing changes these rows any more: what ended the order was taken by all, and so was all that was
//! said before. A request to cancel it that comes later changes no status. So it does no harm that they
//! are read after the topics.

use std::collections::{BTreeMap, BTreeSet};

use shared_events::inventory::StockReserved;

use crate::case::Case;
use crate::service::Service::{self, Inventory, Logistics, Order, Seller};
use crate::story::Story;
use crate::violation::{Invariant, Layer, Violation};

pub(super) fn check(case: &Case<'_>, id: &str, story: &Story<'_>) -> Vec<Violation> {
    let books = &case.evidence.books;
    let cancelled = story.is_cancelled();
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
    let order = books.orders.get(id).and_then(Option::as_deref);
    let (last_word, shipment) = (books.last_words.get(id), books.shipments.get(id));
    let rows = [
        (Order, "orders", order, pick("cancelled", "completed")),
        (Inventory, "last_words", last_word.map(String::as_str), word),
        (Logistics, "shipments", shipment.map(String::as_str), pick("not shipped", "delivered")),
        (Seller, "notices", notice, pick("closed", "notified")),
    ];
    let rows = rows.into_iter().filter(|(service, ..)| books.has(*service));
    let mut wrong: Vec<_> = rows
        .filter(|(_, _, is, should_be)| *is != Some(*should_be))
        .map(|(service, table, is, should_be)| {
            let is = is.map_or_else(|| "is not there".to_owned(), |is| format!("says {is:?}"));
            keeping(service, format!("its row of {table} {is}, not {should_be:?}"))
        })
        .collect();
    wrong.extend(notified(case, id, story));
    wrong.extend(reserved(case, id, story));
    wrong.extend(spoken(case, id));
    wrong
}

fn keeping(service: Service, what: String) -> Violation {
    Violation::new(Invariant::ServicesAgree, Layer::Keeping, what).by(service)
}

/// Who was told of the order, and not since that it is cancelled.
fn notified(case: &Case<'_>, id: &str, story: &Story<'_>) -> Option<Violation> {
    let (_, kept) = case.evidence.books.notices.get(id)?;
    let notified: BTreeSet<&String> = match story.is_cancelled() {
        true => BTreeSet::new(),
        false => story.notified.iter().collect(),
    };
    let is_right = kept.iter().collect::<BTreeSet<_>>() == notified;
    (!is_right).then(|| keeping(Seller, format!("its row of notices does not name {notified:?}")))
}

/// Exactly what an order wants that was not cancelled.
fn reserved(case: &Case<'_>, id: &str, story: &Story<'_>) -> Option<Violation> {
    let books = &case.evidence.books;
    books.has(Inventory).then_some(())?;
    let mut wanted: BTreeMap<String, i64> = BTreeMap::new();
    let lines = story.placed.iter().flat_map(|(_, placed)| &placed.lines);
    for line in lines.filter(|_| !story.is_cancelled()) {
        *wanted.entry(line.sku.to_string()).or_default() += line.quantity.get();
    }
    let is = books.reservations.get(id).cloned().unwrap_or_default();
    (is != wanted).then(|| keeping(Inventory, format!("reserved are {is:?}, not {wanted:?}")))
}

/// Each service has said as many answers about it as it has decided.
fn spoken(case: &Case<'_>, id: &str) -> Vec<Violation> {
    let counts = case.evidence.books.runtime.iter().filter_map(|(service, runtime)| {
        let decided = runtime.spoken.get(id).copied().unwrap_or_default();
        let said = case.said.get(&(*service, id.to_owned())).copied().unwrap_or_default();
        (said != decided).then_some((*service, decided, said))
    });
    let wrong = |(service, decided, said): (Service, i64, i64)| {
        // What nobody here has decided comes from somebody else, or the database has lost it.
        let layer = if said < decided { Layer::Saying } else { Layer::Keeping };
        let what = format!("it has decided {decided} answers and said {said}");
        Violation::new(Invariant::NoAnswerMissing, layer, what).by(service)
    };
    counts.map(wrong).collect()
}
