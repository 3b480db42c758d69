//! The contract between the services: events, ids, headers, topics and the codec.
//!
//! | module | what it fixes |
//! |---|---|
//! | [`orders`], [`inventory`], [`logistics`], [`sellers`], [`deliveries`] | the events, a module per topic |
//! | [`ids`], [`amounts`] | the newtypes that payloads are made of |
//! | [`mod@event`] | what every event has: name, topic, key, schemas |
//! | [`codec`] | payload bytes: Avro in the Confluent wire format |
//! | [`headers`] | record headers: CloudEvents in binary mode and W3C trace context |
//! | [`trace_parent`] | one of them, the trace context, as parts |
//! | [`identity`] | who an event is, whoever produced it |
//! | [`topics`] | the one table of topics and their settings |
//! | [`murmur2`] | the partitioner's hash, as Java's clients compute it |
//!
//! This crate does no input or output, knows no business rule, and has no enum of all events: a
//! service names the events that it hears and skips the others undecoded.

#![warn(missing_docs)]

pub mod event;

pub mod orders;

pub mod inventory;

pub mod logistics;

pub mod sellers;

pub mod deliveries;

pub mod ids;

pub mod amounts;

pub mod codec;

pub mod bundled;

pub mod headers;

pub mod trace_parent;

pub mod identity;

pub mod topics;

pub mod murmur2;
