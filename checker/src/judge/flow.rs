//! Which events an order must have, may have, and must not have.

use std::collections::BTreeSet;

use shared_events::event::Event;
use shared_events::inventory::{StockRejected, StockReleased, StockReserved};
use shared_events::logistics::{
    ShipmentCancelled, ShipmentDelivered, ShipmentDispatched, ShipmentPlanned, ShipmentRejected,
};
use shared_events::orders::{
    CancellationCode, OrderCancelled, OrderCompleted, OrderConfirmed, OrderDeadlinePassed,
};

use super::orders::Gap;
use crate::case::Case;
use crate::journal::Fate;
use crate::record::Record;
use crate::service::Service::{self, Inventory, Logistics, Order, Seller};
use crate::story::Story;
use crate::violation::{Invariant, Layer, Violation};

/// Of each line one event at most, by whom.
const ONCE: [(Service, &[&str]); 9] = [
    (Order, &[OrderConfirmed::NAME, OrderCancelled::NAME]),
    (Order, &[OrderCompleted::NAME]),
    (Order, &[OrderDeadlinePassed::NAME]),
    (Inventory, &[StockReserved::NAME, StockRejected::NAME]),
    (Inventory, &[StockReleased::NAME]),
    (Logistics, &[ShipmentPlanned::NAME, ShipmentRejected::NAME]),
    (Logistics, &[ShipmentCancelled::NAME]),
    (Logistics, &[ShipmentDispatched::NAME]),
    (Logistics, &[ShipmentDelivered::NAME]),
];

/// What must never be, however far the order is.
pub(super) fn doubled(case: &Case<'_>, story: &Story<'_>) -> Vec<Violation> {
    let mut wrong = vec![];
    for (service, names) in ONCE {
        let mut all: Vec<&Record> =
            names.iter().flat_map(|name| story.named(name)).copied().collect();
        all.sort_by_key(|record| record.append_time);
        for more in all.iter().skip(1) {
            wrong.push(more_than_once(case, service, &format!("{} before it", all[0]), more));
        }
    }
    let mut said = [story.notified.clone(), story.declined.clone()].concat();
    said.sort();
    for (what, sellers) in
        [("has answered", &said), ("knows of the cancellation", &story.called_off)]
    {
        for twice in sellers.windows(2).filter(|two| two[0] == two[1]) {
            let what = format!("seller {} {what} more than once", twice[0]);
            wrong.push(Violation::new(Invariant::EffectOnce, Layer::Deciding, what).by(Seller));
        }
    }
    wrong
}

/// Who has said more than it has decided has not said it: somebody else has.
fn more_than_once(case: &Case<'_>, service: Service, other: &str, more: &Record) -> Violation {
    let key = more.key_text();
    let runtime = case.evidence.books.runtime.get(&service);
    let decided = runtime.map(|runtime| runtime.spoken.get(&key).copied().unwrap_or_default());
    let said = case.said.get(&(service, key)).copied().unwrap_or_default();
    let layer = match decided {
        Some(decided) if decided < said => Layer::Producing,
        Some(_) | None => Layer::Deciding,
    };
    let what = format!("happens once for an order, and there is {other}");
    Violation::new(Invariant::EffectOnce, layer, what).by(service).at(more)
}

/// What is missing of an order the events of which were all taken.
pub(super) fn gaps<'a>(story: &Story<'a>) -> Vec<Gap<'a>> {
    let placed = story.placed.as_ref().map(|(record, _)| *record);
    let mut gaps = Gaps { story, found: vec![] };
    gaps.one(Inventory, placed, &[StockReserved::NAME, StockRejected::NAME]);
    gaps.one(Logistics, placed, &[ShipmentPlanned::NAME, ShipmentRejected::NAME]);
    gaps.sellers(placed, &asked(story), &answered(story), "SellerNotified or SellerDeclined");
    let (cancelled, confirmed) = (story.first::<OrderCancelled>(), story.first::<OrderConfirmed>());
    match (cancelled, confirmed) {
        (Some(cancelled), _) => gaps.of_cancelled(cancelled),
        (None, Some(confirmed)) => gaps.of_confirmed(confirmed),
        // Who waits for an answer that is missing has nothing to decide yet.
        (None, None) if gaps.found.is_empty() => {
            let last = story.records().max_by_key(|record| record.append_time);
            gaps.one(Order, last, &[OrderConfirmed::NAME, OrderCancelled::NAME]);
        }
        (None, None) => {}
    }
    gaps.found
}

struct Gaps<'s, 'a> {
    story: &'s Story<'a>,
    found: Vec<Gap<'a>>,
}

impl<'a> Gaps<'_, 'a> {
    fn one(&mut self, service: Service, cause: Option<&'a Record>, names: &[&str]) {
        if names.iter().all(|name| self.story.named(name).is_empty()) {
            let (what, by_timer) = (names.join(" or "), names == [ShipmentDelivered::NAME]);
            self.found.push(Gap { what, service, cause, by_timer });
        }
    }

    fn sellers(
        &mut self,
        cause: Option<&'a Record>,
        asked: &BTreeSet<String>,
        said: &BTreeSet<String>,
        what: &str,
    ) {
        for seller in asked.difference(said) {
            let what = format!("{what} for {seller}");
            self.found.push(Gap { what, service: Seller, cause, by_timer: false });
        }
    }

    fn of_cancelled(&mut self, cancelled: &'a Record) {
        let cause = Some(cancelled);
        if 0 < self.story.count::<StockReserved>() {
            self.one(Inventory, cause, &[StockReleased::NAME]);
        }
        if 0 < self.story.count::<ShipmentPlanned>() {
            self.one(Logistics, cause, &[ShipmentCancelled::NAME]);
        }
        if is_late(self.story) {
            self.one(Order, None, &[OrderDeadlinePassed::NAME]);
        }
        let set = |sellers: &[String]| sellers.iter().cloned().collect();
        let (notified, told) = (set(&self.story.notified), set(&self.story.called_off));
        self.sellers(cause, &notified, &told, "SellerCancellationNotified");
    }

    fn of_confirmed(&mut self, confirmed: &'a Record) {
        self.one(Logistics, Some(confirmed), &[ShipmentDispatched::NAME]);
        match self.story.first::<ShipmentDelivered>() {
            None => self.one(Logistics, Some(confirmed), &[ShipmentDelivered::NAME]),
            delivered => self.one(Order, delivered, &[OrderCompleted::NAME]),
        }
    }
}

fn asked(story: &Story<'_>) -> BTreeSet<String> {
    let lines = story.placed.iter().flat_map(|(_, placed)| &placed.lines);
    lines.map(|line| line.seller_id.to_string()).collect()
}

fn answered(story: &Story<'_>) -> BTreeSet<String> {
    story.notified.iter().chain(&story.declined).cloned().collect()
}

/// Whether it was cancelled as not all have answered in time.
fn is_late(story: &Story<'_>) -> bool {
    story.reasons.iter().any(|reason| reason.code == CancellationCode::NotAnswered)
}

/// What should not be there, once all of its events were taken.
pub(super) fn excess(story: &Story<'_>) -> Vec<Violation> {
    let (cancelled, completed) = (story.is_cancelled(), 0 < story.count::<OrderCompleted>());
    let decided = |service, what: String| {
        Violation::new(Invariant::EffectOnce, Layer::Deciding, what).by(service)
    };
    let table = [
        (Inventory, StockReleased::NAME, cancelled && 0 < story.count::<StockReserved>()),
        (Logistics, ShipmentCancelled::NAME, cancelled && 0 < story.count::<ShipmentPlanned>()),
        (Logistics, ShipmentDispatched::NAME, !cancelled),
        (Logistics, ShipmentDelivered::NAME, !cancelled),
        (Order, OrderCompleted::NAME, !cancelled),
        (Order, OrderDeadlinePassed::NAME, is_late(story)),
    ];
    let mut wrong = vec![];
    for (service, name, may_be) in table {
        for record in story.named(name).iter().filter(|_| !may_be) {
            let end = if cancelled { "was cancelled" } else { "was not cancelled" };
            wrong
                .push(decided(service, format!("it should not be, as the order {end}")).at(record));
        }
    }
    let (asked, said) = (asked(story), answered(story));
    for seller in said.difference(&asked) {
        wrong.push(decided(Seller, format!("seller {seller} has answered, and was not asked")));
    }
    let told: BTreeSet<_> = story.called_off.iter().cloned().collect();
    let notified: BTreeSet<_> = story.notified.iter().filter(|_| cancelled).cloned().collect();
    for seller in told.difference(&notified) {
        let what = format!("seller {seller} knows of a cancellation, and of no order");
        wrong.push(decided(Seller, what));
    }
    if !cancelled && (completed || story.first::<OrderConfirmed>().is_some()) {
        wrong.extend(rests_on(story));
    }
    wrong
}

/// The confirmation names exactly the answers that agree.
fn rests_on(story: &Story<'_>) -> Option<Violation> {
    let Story { rests_on, agreed, .. } = story;
    let what = format!("it names the answers {rests_on:?}, and there are {agreed:?}");
    let wrong = Violation::new(Invariant::NoAnswerMissing, Layer::Deciding, what).by(Order);
    let wrong = match story.first::<OrderConfirmed>() {
        Some(confirmed) => wrong.at(confirmed),
        None => wrong,
    };
    (rests_on != agreed).then_some(wrong)
}

/// Whether an order that has ended has ended as it had to.
pub(super) fn end(case: &Case<'_>, id: &str, story: &Story<'_>) -> Option<Violation> {
    let fate = case.placed_by.get(id).and_then(|entry| entry.fate)?;
    let has = |code: CancellationCode| story.reasons.iter().any(|reason| reason.code == code);
    let fits = match fate {
        Fate::Completed => !story.is_cancelled(),
        Fate::Cancelled(code) => has(code),
        Fate::Either(code) => !story.is_cancelled() || has(code),
    };
    let what = format!("expected {fate:?}, and it was cancelled for {:?}", story.reasons);
    (!fits).then(|| Violation::new(Invariant::OrdersEnd, Layer::Deciding, what).by(Order))
}
