//! Wrong ways to decide about sellers.

use choreography::service::{Heard, Said};
use seller_svc::react::react;
use seller_svc::state::{Notice, Notices};
use seller_svc::{Hears, Says};
use shared_events::amounts::Timestamp;
use shared_events::sellers::SellerNotified;

type Answers = Vec<Said<Says>>;

pub(crate) fn lets_everybody_sell(
    notices: &mut Notices,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let mut said = react(notices, heard, now);
    for said in &mut said {
        let Said::Now(Says::SellerDeclined(declined)) = said else { continue };
        let Some(Notice::Notified(notified)) = notices.orders.get_mut(&declined.order_id) else {
            continue;
        };
        notified.push(declined.seller_id.clone());
        let (order_id, seller_id) = (declined.order_id.clone(), declined.seller_id.clone());
        *said = Said::now(SellerNotified { order_id, seller_id });
    }
    said
}

pub(crate) fn refuses_in_silence(
    notices: &mut Notices,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let mut said = react(notices, heard, now);
    said.retain(|said| !matches!(said, Said::Now(Says::SellerDeclined(_))));
    said
}

pub(crate) fn tells_the_first_seller_only(
    notices: &mut Notices,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let mut said = react(notices, heard, now);
    said.truncate(1);
    said
}

/// Who has declined is told of the cancellation, too.
pub(crate) fn tells_who_declined(
    notices: &mut Notices,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let said = react(notices, heard, now);
    for said in &said {
        let Said::Now(Says::SellerDeclined(declined)) = said else { continue };
        if let Some(Notice::Notified(told)) = notices.orders.get_mut(&declined.order_id) {
            told.push(declined.seller_id.clone());
        }
    }
    said
}

pub(crate) fn forgets_early_cancellations(
    notices: &mut Notices,
    heard: &Heard<Hears>,
    now: Timestamp,
) -> Answers {
    let said = react(notices, heard, now);
    notices.orders.retain(|_, notice| *notice != Notice::CancelledUnheard);
    said
}
