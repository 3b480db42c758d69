//! The harness that starts real processes, and one file per promise in `tests/`.
//!
//! | module | what it gives |
//! |---|---|
//! | [`world`] | all that one test needs: topics, databases, processes |
//! | [`processes`], [`binaries`], [`http`], [`ports`] | the services as child processes |
//! | [`parts`], [`kafka`], [`databases`] | the real Kafka and PostgreSQL, or SQLite |
//! | [`orders`], [`load`] | a seeded mix of orders, and how they get to Kafka |
//! | [`log`], [`books`], [`check`] | what is on the topics and in the databases, and whether that is right |
//! | [`local`], [`cluster`], [`disk`], [`proxy`], [`trial`] | parts of a test's own, a network that fails, and orders meanwhile |
//! | [`crash`] | processes that die at a place of their work |
//! | [`suite`] | faults at random, round after round |
//! | [`customer`] | orders over HTTP, repeated until they are accepted |
//! | [`cpu`] | what processes cost |
//! | [`told`] | saying that a case was not run |
//! | [`wait`] | polling a condition with a limit |
//!
//! Whatever goes wrong panics with what was expected: this crate is for tests only.

pub mod world;

pub mod processes;

pub mod binaries;

pub mod http;

pub mod ports;

pub mod service;

pub mod parts;

pub mod kafka;

pub mod databases;

pub mod orders;

pub mod load;

pub mod log;

pub mod books;

pub mod check;

pub mod local;

pub mod cluster;

pub mod disk;

pub mod proxy;

pub mod trial;

pub mod crash;

pub mod customer;

pub mod suite;

pub mod cpu;

pub mod told;

pub mod wait;
