//! Was my message used, by whom, with what result?
//!
//! The answer stands in Kafka already. The committed offsets of a group say what it has taken;
//! `ce_causationid` and `ce_answers` say what it answered; its dead letters say what it could not
//! handle; the manifests on the topic `services` say who should hear. So no record and no call is
//! made for it, and nobody waits.
//!
//! | module | what it holds |
//! |---|---|
//! | [`read`] | from a broker: first the committed offsets, then the ends of the topics, then records up to those |
//! | [`story`] | what the records say about one order: events, dead letters, replays |
//! | [`sight`] | what else was seen: manifests, committed offsets, how far was read |
//! | [`outcome`] | the answer: the state of each event for each group |
//! | [`mod@judge`] | from both: the state of each event for each group |
//!
//! **Why that order of reading.** A group commits an offset only after the answers to all that is
//! before it are acknowledged by Kafka. So whatever was taken at the first reading, its answers stand
//! before the ends that are read after it. Read the other way round, an answer could be missed that
//! is there, and called missing.

pub mod story;

pub mod sight;

pub mod outcome;

pub mod judge;

pub mod read;

pub use judge::judge;
pub use outcome::{EventFlow, Flow, HearingFlow, State, Verdict};
pub use read::{Search, of_order};
