//! Orders over HTTP, in front of the embedded broker.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod service;

mod client;

mod placing;

mod cancelling;

mod listing;

mod streaming;

mod refusing;

mod limits;

mod document;
