//! Whether orders are whole: one program for every test of a fault and for a live system.
//!
//! In: the [evidence](Evidence), which is all that stands on the topics, how far each group was, and
//! the rows of the services' databases as far as they were looked at; and the [terms](Terms), which
//! are the journal of a load and how long things may take. Out: a [verdict](Verdict): what became of
//! each order, and each [violation](Violation) with its invariant, its order, its event, where that
//! stands, and the layer that has lost or doubled it.
//!
//! | module | what it holds |
//! |---|---|
//! | `record`, `log` | what stands on the topics |
//! | `books` | rows, and how they are read |
//! | `journal` | what a client was answered |
//! | `evidence` | all of that, how far the groups were, and what has to be |
//! | `judge` | the comparison: pure |
//! | `violation`, `verdict` | what it says |
//!
//! How an order of a live system is told from one that has lost something: see
//! [`Evidence`] and `judge/orders.rs`.

pub mod books;

pub mod evidence;

pub mod journal;

pub mod judge;

pub mod log;

pub mod record;

pub mod service;

pub mod verdict;

pub mod violation;

mod case;

mod deaths;

mod story;

mod time;

pub use books::Books;
pub use evidence::{Dead, Evidence, Patience, Progress, Terms};
pub use journal::Journal;
pub use judge::judge;
pub use log::Log;
pub use record::Record;
pub use service::Service;
pub use verdict::Verdict;
pub use violation::Violation;
