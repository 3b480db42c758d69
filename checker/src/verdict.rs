//! What the checker says.

use std::collections::BTreeMap;

use serde::Serialize;
use shared_events::orders::CancellationCode;

use crate::case::Case;
use crate::service::Service;
use crate::violation::Violation;

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// It is confirmed, delivered and whole.
    Completed,
    /// It is cancelled and whole, for these reasons.
    Cancelled {
        /// The kinds of reasons.
        reasons: Vec<CancellationCode>,
    },
    /// It has not come to its end yet, and has time left.
    UnderWay {
        /// For what it waits.
        why: String,
    },
    /// A service has set aside one of its events, and nobody has given it again.
    SetAside {
        /// Which event, and where its dead letter stands.
        why: String,
    },
    /// Something of it is not as it has to be.
    Violated,
}

/// What the checker says.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Each order that was looked at.
    pub orders: BTreeMap<String, State>,
    /// All that is not as it has to be.
    pub violations: Vec<Violation>,
    /// What the evidence says nothing about, and what would.
    pub not_looked_at: Vec<NotLookedAt>,
}

/// Something that the evidence says nothing about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotLookedAt {
    /// What.
    pub what: String,
    /// What would tell.
    pub for_lack_of: String,
}

impl NotLookedAt {
    fn new(what: impl Into<String>, lack: impl Into<String>) -> Self {
        Self { what: what.into(), for_lack_of: lack.into() }
    }
}

impl Verdict {
    /// How many orders are in a state.
    #[must_use]
    pub fn count(&self, is: impl Fn(&State) -> bool) -> usize {
        self.orders.values().filter(|state| is(state)).count()
    }

    /// Whether each order has come to its end, and all is as it has to be.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let has_ended = |state: &State| matches!(state, State::Completed | State::Cancelled { .. });
        self.violations.is_empty() && self.orders.values().all(has_ended)
    }
}

/// What was not looked at, for lack of a database, a journal, or the rest of the records.
pub(crate) fn not_looked_at(case: &Case<'_>) -> Vec<NotLookedAt> {
    let lacking = Service::ALL.into_iter().filter(|service| !case.evidence.books.has(*service));
    let lacking: Vec<&str> = lacking.map(Service::name).collect();
    let mut not = vec![];
    if !lacking.is_empty() {
        let databases = format!("the database of {}", lacking.join(", "));
        not.push(NotLookedAt::new(
            "whether each event that was taken is handled, what is owed, and whether the rows fit to what was said",
            databases,
        ));
    }
    if lacking.contains(&Service::Inventory.name()) {
        not.push(NotLookedAt::new("whether pieces add up", "the database of inventory-svc"));
    }
    if case.terms.journal.entries.is_empty() {
        not.push(NotLookedAt::new(
            "whether orders that a client placed are there at all",
            "the journal of a load",
        ));
    }
    let older = case.older_entries();
    if 0 < older {
        not.push(NotLookedAt::new(format!("{older} orders of the journal"), "records that old"));
    }
    if !case.is_whole() {
        not.push(NotLookedAt::new("orders placed before", "older records"));
    }
    if !case.is_at_rest() {
        not.push(NotLookedAt::new(
            "handled ids that no record has",
            "a system at rest with all of its records",
        ));
    }
    not
}
