//! The simulated world: the decisions of all four services, and a broker that delays, repeats and
//! reorders what they say. No process, no clock, no input or output; chance comes from a seed.
//!
//! | module | what it holds |
//! |---|---|
//! | [`events`] | all events in one enum, and a record of the log |
//! | [`parties`] | the four services: their decisions and their states |
//! | [`mailbox`] | what one service has still to hear: streams, dead letters, timers |
//! | [`world`] | the steps that the world can take |
//! | [`laws`] | what must hold, whatever happens |
//! | [`history`] | what the laws need to know of the past |
//! | [`scenario`] | how a world begins, and what comes from outside |
//! | [`explore`] | all that can happen to one order |
//! | [`chance`] | many orders at random |
//! | [`story`] | what happened, in words |
//!
//! The broker is allowed all that the real one does, and more: what one service says about one
//! order is heard in its order; all else is heard in any order, late, and again. An event may be
//! set aside by a service and replayed at any later time. A timer fires at any time after it is
//! due, but only when its service has heard what was in the log when it fell due.

pub mod events;

pub mod parties;

pub mod mailbox;

pub mod world;

pub mod laws;

pub mod history;

pub mod scenario;

pub mod explore;

pub mod chance;

pub mod story;
