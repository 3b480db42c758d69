//! The handling protocol, model-checked: every state of four small worlds is visited.
//!
//! Each model is a world with faults in it, the properties that must hold in all of its states, and
//! mutants: faults of the protocol itself, each of which must break a property. `cargo test` runs
//! all of it. What each world bounds and leaves out stands in
//! `docs/decisions/0002-model-checked-protocol.md`.
//!
//! | model | its world |
//! |---|---|
//! | [`handling`] | an order on two topics; crashes, rebalances, late offsets, copies, an operator |
//! | [`timers`] | a deadline; an answer that comes in time, late or never; an instance that is gone |
//! | [`dead_letters`] | a poisonous event, set aside and replayed before and after it is mended |
//! | [`statements`] | the transaction as its statements, by the rules of READ COMMITTED |
//!
//! The steps bear the names that the runtime's code gives them. This is where each is taken:
//!
//! | step | [`handling`] | [`timers`] | [`dead_letters`] | [`statements`] |
//! |---|---|---|---|---|
//! | start | `Start` | `Start`, also at an assignment | `Start` | `Start` |
//! | due | | `Due`, which locks the timer | | |
//! | take | `Take` | `Take` | `Take` | `Begin` |
//! | begin | `Commit` | `Commit`, of a timer `Due` | `Commit` | `Begin` |
//! | forget | `Commit`; `Forget` when idle | as before | as before | `Forget` |
//! | handled | `Commit` | `Commit` | `Commit` | `Handled`, for each id |
//! | lock | `Commit` | `Commit` | `Commit` | `Key`, then `Lock` |
//! | owed | `Commit` | `Commit` | `Commit` | `Owed` |
//! | load | `Commit` | `Commit` | `Commit` | `Load` |
//! | react | `Commit` | `Commit` | `Commit` | `Save` |
//! | save | `Commit` | `Commit` | `Commit` | `Save` |
//! | commit | `Commit` | `Commit` | `Commit` | `Commit` |
//! | dead | | | `Dead`, which rolls back | |
//! | say | `Say` | `Say`, `Resend` | `Say`, `SayDead` | `Say`, `Resend` |
//! | offsets | `Offsets` | `Offsets` | `Offsets` | `Offsets` |
//! | replay | | | `Replay` | |
//!
//! That a world comes to rest is a property like the others: in a state in which no step is left
//! but those that the world may leave out (a fault, say), everything must be done.

pub mod check;
pub mod dead_letters;
pub mod handling;
pub mod said;
pub mod small_set;
pub mod statements;
pub mod timers;
