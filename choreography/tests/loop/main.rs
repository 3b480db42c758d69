//! The loop on librdkafka's mock cluster with SQLite: a counter that hears OrderPlaced and answers
//! it, and does on demand what a service should not.

mod announce;
mod broker;
mod counter;
mod database;
mod dead_letters;
mod ending;
mod faults;
mod flow;
mod foreign;
mod gaps;
mod group;
mod harness;
mod idle;
mod limit;
mod owing;
mod postgres;
mod process;
mod promise;
mod records;
mod replay;
mod store;
mod timers;
mod topic;
mod upgrade;
