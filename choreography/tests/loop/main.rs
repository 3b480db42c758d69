//! The loop on librdkafka's mock cluster with SQLite: a counter that hears OrderPlaced and answers
//! it, and does on demand what a service should not.

mod counter;
mod faults;
mod flow;
mod harness;
