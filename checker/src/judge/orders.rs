//! What became of each order: whole, or under way, or what is wrong.
//!
//! In a live system an order is judged by what must be there once all of its events are taken by all
//! who hear them. Offsets were read first, and one is committed only after all answers are acknowledged,
//! so then all of its answers are among the records, and their answers, if these are taken, too.
//! Nothing is outstanding but timers.

use std::collections::BTreeSet;
use std::fmt::Write;

use shared_events::amounts::Timestamp;
use shared_events::event::Event;
use shared_events::logistics::ShipmentDispatched;
use shared_events::orders::{OrderCancelled, OrderConfirmed};

use super::{flow, rows};
use crate::case::{Case, Found};
use crate::service::Service;
use crate::story::Story;
use crate::time::shown;
use crate::verdict::{State, Verdict};
use crate::violation::{Invariant, Layer, Place, Violation};

/// Something that has to be there and is not.
pub(super) struct Gap<'a> {
    /// What.
    pub(super) what: String,
    /// Who has to say it.
    pub(super) service: Service,
    /// In answer to what; none if that is not there either.
    pub(super) cause: Option<&'a crate::record::Record>,
    /// Whether it comes only after a time.
    pub(super) by_timer: bool,
}

pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    let violated = verdict.violations.iter().filter_map(|known| known.order.clone());
    let violated: BTreeSet<String> = violated.collect();
    for (id, story) in &case.orders {
        let mut wrong = flow::doubled(case, story);
        let state = if let Some(why) = set_aside(case, story) {
            State::SetAside { why }
        } else if let Some((why, service)) = open(case, story) {
            under_way(case, story, why, service, &mut wrong)
        } else {
            settled(case, id, story, &mut wrong)
        };
        let is_right = wrong.is_empty() && !violated.contains(id);
        let state = if is_right { state } else { State::Violated };
        verdict.violations.extend(wrong.into_iter().map(|wrong| wrong.of(id)));
        verdict.orders.insert(id.clone(), state);
    }
}

/// The first of its events that a service has set aside for good.
fn set_aside(case: &Case<'_>, story: &Story<'_>) -> Option<String> {
    let dead = story.records().find_map(|record| {
        let death = |service| case.deaths.get(&(service, record.id));
        let service =
            case.hearers(record).find(|service| death(*service).is_some_and(|d| d.is_final()))?;
        Some((service, record, death(service)?.letter))
    });
    let (service, record, letter) = dead?;
    Some(format!("{record} is a dead letter of {}, at {}", service.name(), Place::of(letter)))
}

/// The first of its events that was not taken, or came while the ends were read.
fn open(case: &Case<'_>, story: &Story<'_>) -> Option<(String, Option<Service>)> {
    story.records().find_map(|record| {
        if let Some(service) =
            case.hearers(record).find(|service| !case.has_taken(*service, record.id))
        {
            return Some((format!("{} has not taken {record}", service.name()), Some(service)));
        }
        let replayed = |service: &Service| {
            case.deaths.get(&(*service, record.id)).is_some_and(|death| death.is_replayed())
        };
        if let Some(service) = case.hearers(record).find(replayed) {
            return Some((
                format!("{} has not taken the replay of {record}", service.name()),
                Some(service),
            ));
        }
        let is_new = !case.evidence.progress.was_there(record);
        is_new.then(|| (format!("{record} has just come"), None))
    })
}

fn under_way(
    case: &Case<'_>,
    story: &Story<'_>,
    why: String,
    service: Option<Service>,
    wrong: &mut Vec<Violation>,
) -> State {
    if is_overdue(case, story) {
        let late = Violation::new(Invariant::NothingLeft, Layer::Behind, format!("is late: {why}"));
        wrong.push(Violation { service, ..late });
    }
    State::UnderWay { why }
}

/// Whether it has had its time: until its decision, and then until its delivery.
fn is_overdue(case: &Case<'_>, story: &Story<'_>) -> bool {
    let Some(patience) = case.terms.patience else { return true };
    let decided = story.first::<OrderConfirmed>().or(story.first::<OrderCancelled>());
    let begun = decided.map(|record| record.append_time.after(patience.deliver_after));
    let begun = begun.or(story.placed.as_ref().map(|(record, _)| record.append_time));
    begun.is_some_and(|begun| patience.is_over(begun.after(patience.deadline)))
}

/// All that it waits for is a timer, if anything.
fn settled(case: &Case<'_>, id: &str, story: &Story<'_>, wrong: &mut Vec<Violation>) -> State {
    let mut waits = String::new();
    wrong.extend(flow::excess(story));
    for gap in flow::gaps(story) {
        match lost(case, id, story, &gap) {
            Ok(violation) => wrong.push(violation),
            // Writing to a String does not fail.
            Err(why) => _ = write!(waits, "{}{why}", if waits.is_empty() { "" } else { "; " }),
        }
    }
    if !waits.is_empty() || !story.has_ended() {
        return State::UnderWay { why: waits };
    }
    wrong.extend(flow::end(case, id, story));
    wrong.extend(rows::check(case, id, story));
    if story.is_cancelled() {
        return State::Cancelled { reasons: story.reasons.iter().map(|r| r.code).collect() };
    }
    State::Completed
}

/// Where what is missing was lost.
///
/// # Errors
/// Why it may still come.
fn lost(case: &Case<'_>, id: &str, story: &Story<'_>, gap: &Gap<'_>) -> Result<Violation, String> {
    let Gap { what, service, cause, by_timer } = gap;
    let found = cause.map_or(Found::Lost(Layer::Unknown), |cause| case.find(*service, cause, id));
    let name = service.name();
    let (has_time, layer, how) = match found {
        Found::Lost(layer) => (!has_had_time(case, story, *by_timer), layer, String::new()),
        Found::Owed(since) => {
            (!case.is_late(since), Layer::Waiting, format!(", since {} in `owed`", shown(since)))
        }
        Found::Timer(due) => (
            !case.is_late(due),
            Layer::Timing,
            format!(", by a timer that is due at {}", shown(due)),
        ),
        Found::Behind => (!is_overdue(case, story), Layer::Behind, String::new()),
    };
    if has_time {
        return Err(format!("{name} has to say {what}{how}"));
    }
    let (invariant, why) =
        (Invariant::NoAnswerMissing, format!("{what} of {name} is missing{how}"));
    let violation = Violation::new(invariant, layer, why).by(*service);
    Ok(match cause {
        Some(cause) => violation.at(cause),
        None => violation,
    })
}

/// Whether what is missing has had the time that it may take, though nothing says that it will come.
fn has_had_time(case: &Case<'_>, story: &Story<'_>, by_timer: bool) -> bool {
    let Some(patience) = case.terms.patience else { return true };
    let last = story.records().map(|record| record.append_time).max().unwrap_or(Timestamp(0));
    let began = story.named(ShipmentDispatched::NAME).first().map(|record| record.append_time);
    match began.filter(|_| by_timer) {
        Some(began) => patience.is_over(began.after(patience.deliver_after)),
        None => patience.is_over(last),
    }
}
