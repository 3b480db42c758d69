//! Wrong ways to decide about orders.

use choreography::service::{Heard, Said};
use order_svc::react::react;
use order_svc::state::{OrderBook, Status};
use order_svc::{Hears, Says};
use shared_events::amounts::Timestamp;
use shared_events::ids::OrderId;
use shared_events::logistics::ShipmentPlanned;
use shared_events::orders::OrderCancelled;

type Answers = Vec<Said<Says>>;

/// With an agreement of inventory-svc comes one of logistics-svc that nobody has given.
pub(crate) fn does_not_ask_logistics(
    book: &mut OrderBook,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let mut said = react(book, heard, now);
    if let Hears::StockReserved(reserved) = &heard.event {
        let order_id = reserved.order_id.clone();
        let [carrier, ship_from] = ["", ""].map(str::to_owned);
        let event = ShipmentPlanned { order_id, carrier, ship_from, promised_by: now }.into();
        said.extend(react(book, &Heard::new(heard.id, heard.cause, event), now));
    }
    said
}

/// An answer counts whichever OrderPlaced it answers.
pub(crate) fn counts_every_answer(
    book: &mut OrderBook,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let mut heard = heard.clone();
    let kept = placed(book, &heard).map(|(id, _)| id);
    heard.cause = heard.cause.and(kept).or(heard.cause);
    react(book, &heard, now)
}

pub(crate) fn names_not_all_answers(
    book: &mut OrderBook,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let mut said = react(book, heard, now);
    for said in &mut said {
        if let Said::Now(Says::OrderConfirmed(confirmed)) = said {
            confirmed.answers.pop();
        }
    }
    said
}

pub(crate) fn sets_no_deadline(
    book: &mut OrderBook,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let mut said = react(book, heard, now);
    said.retain(|said| !matches!(said, Said::After(..)));
    said
}

/// The deadline cancels an order that is confirmed.
pub(crate) fn deadline_cancels_all(
    book: &mut OrderBook,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let confirmed = matches!(placed(book, heard), Some((_, Status::Confirmed { .. })));
    match &heard.event {
        Hears::OrderDeadlinePassed(passed) if confirmed => {
            let order_id = passed.order_id.clone();
            vec![Said::now(OrderCancelled { order_id, reasons: vec![] })]
        }
        _ => react(book, heard, now),
    }
}

/// A request cancels an order that is confirmed.
pub(crate) fn requests_cancel_all(
    book: &mut OrderBook,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let confirmed = matches!(placed(book, heard), Some((_, Status::Confirmed { .. })));
    match &heard.event {
        Hears::CancellationRequested(request) if confirmed => {
            let order_id = request.order_id.clone();
            vec![Said::now(OrderCancelled { order_id, reasons: vec![] })]
        }
        _ => react(book, heard, now),
    }
}

/// A request that overtakes its order is forgotten.
pub(crate) fn forgets_early_requests(
    book: &mut OrderBook,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let early = placed(book, heard).is_none();
    match &heard.event {
        Hears::CancellationRequested(_) if early => vec![],
        _ => react(book, heard, now),
    }
}

/// A refusal is not heard, so that the order waits for its deadline.
pub(crate) fn ignores_refusals(
    book: &mut OrderBook,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    match heard.event {
        Hears::SellerDeclined(_) => vec![],
        _ => react(book, heard, now),
    }
}

/// An order is cancelled, and nobody is told why.
pub(crate) fn gives_no_reasons(
    book: &mut OrderBook,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let mut said = react(book, heard, now);
    for said in &mut said {
        if let Said::Now(Says::OrderCancelled(cancelled)) = said {
            cancelled.reasons.clear();
        }
    }
    said
}

/// The newest OrderPlaced counts, not the first.
pub(crate) fn keeps_the_newest(
    book: &mut OrderBook,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    if let Hears::OrderPlaced(placed) = &heard.event {
        book.orders.retain(|id, order| *id != placed.order_id || order.placed.is_none());
    }
    react(book, heard, now)
}

fn placed<'b>(
    book: &'b OrderBook,
    heard: &Heard<Hears>,
) -> Option<(shared_events::ids::EventId, &'b Status)> {
    use choreography::service::Events;
    let order: OrderId = heard.event.key().parse().ok()?;
    let placed = book.orders.get(&order)?.placed.as_ref()?;
    Some((placed.id, &placed.status))
}
