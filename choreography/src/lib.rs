//! The runtime of a choreographed service: it hears, handles and says, so that each event has its
//! effect once, and each answer is said at least once, in order.
//!
//! A service is a type that implements [`Service`](service::Service). The runtime knows no business
//! word.
//!
//! | step | where |
//! |---|---|
//! | take | `hear`: batches from the assigned partitions; `incoming`: what a record is |
//! | begin … commit | `handle`: one transaction for the batch, step by step |
//! | say | `say`: in order, and waited for; `owing`: what is said again |
//! | offsets | `hear`: after all is said |
//! | the loop | `run`: and what is done between batches; `timers`: when a timer may be taken |
//! | dead letters | `dead_letter` |
//! | who hears what | `manifest`; `announce`: told on a topic at each start |

pub mod service;

pub mod manifest;

pub mod announce;

pub mod app;

pub mod config;

pub mod db;

pub mod dead_letter;

pub mod publish;

pub mod topics;

pub mod health;

pub mod listen;

pub mod telemetry;

pub mod clock;

pub mod embedded;

pub mod reference;

pub mod crash;

mod handle;

mod hear;

mod incoming;

mod kafka;

mod owing;

mod record;

mod run;

mod say;

mod timers;

pub use app::{main, serve};
pub use config::Config;
pub use kafka::{headers_of, looker, onlooker};
pub use run::Stop;

// What the macro `events!` needs of the contract, so that a service may use it by this crate alone.
pub use shared_events::codec::{DecodeError, EncodeError, decode, encode};
pub use shared_events::event::Event;
