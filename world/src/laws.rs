//! What must hold, whatever the broker does.

mod ends;
mod goods;
mod words;

use std::fmt;

pub use ends::{all_ended, cancelled_for_a_reason, confirmed_by_all};
pub use goods::{all_received, conserved, said_is_done};
pub use words::{answered, in_order};

/// A law of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// Of each SKU: what there was and what came is available or reserved, and neither is less
    /// than nothing.
    GoodsAreConserved,
    /// What a service has said about an order is what its state holds.
    SaidIsDone,
    /// What a manifest always answers is answered, by seller-svc for each seller; what it never
    /// answers is not.
    AlwaysAnswered,
    /// A second OrderPlaced of an order changes nothing, and each service says why.
    TheFirstOrderPlacedCounts,
    /// Nothing is said twice, or after what excludes it.
    SaidOnce,
    /// Nothing is said without what has to come before it.
    SaidWithCause,
    /// A confirmed order has the agreement of all to the OrderPlaced that counts, and names it. What
    /// is reserved is what was ordered.
    ConfirmedByAll,
    /// An order is not confirmed once order-svc has heard that somebody wants it cancelled.
    RequestsAreHeeded,
    /// A confirmed order is for goods, sellers and a country that are known.
    OnlyTheKnownIsConfirmed,
    /// A cancelled order has at least one reason, and all its reasons are true.
    CancelledForAReason,
    /// Each order that order-svc has heard is completed or cancelled in the end.
    EveryOrderEnds,
    /// In the end nothing is reserved, planned or unsaid for a cancelled order.
    NothingStays,
}

/// How a law was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which law.
    pub law: Law,
    /// The order or SKU that it was broken for.
    pub about: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is broken for {}: {}", self.law, self.about, self.what)
    }
}

/// Whether a law holds.
pub type Holds = Result<(), Broken>;

pub(crate) fn holds(
    law: Law,
    about: &str,
    condition: bool,
    what: impl FnOnce() -> String,
) -> Holds {
    if condition { Ok(()) } else { Err(Broken { law, about: about.to_owned(), what: what() }) }
}
