//! Places in the work of an instance where a test makes it die or stand still. They are there with the
//! feature `crash-points` only; without it nothing of this is compiled.
//!
//! | variable | what it does |
//! |---|---|
//! | `CHOREO_CRASH_AT=POINT` or `POINT:N` | reaching the point (for the Nth time) the process kills itself with SIGKILL |
//! | `CHOREO_STALL_AT=POINT:FROM..TO:SEED` | each time at the point the thread sleeps for FROM to TO milliseconds, drawn by the seed |
//!
//! A point is called by the step that was done last, so each one is behind a step and before the next.
//! A variable that is wrong ends the start with a text that names all points.

#[cfg(feature = "crash-points")]
mod points;

#[cfg(feature = "crash-points")]
pub use points::{Step, Work, arm, reach};

/// `crash_point!(Committed)`: a point behind this step of the [work](Work) that the thread is doing.
/// `crash_point!(Batch Taken)`: the same, and what the thread does from here on is this work.
#[cfg(feature = "crash-points")]
#[macro_export]
macro_rules! crash_point {
    ($step:ident) => {
        $crate::crash::reach(None, $crate::crash::Step::$step)
    };
    ($work:ident $step:ident) => {
        $crate::crash::reach(Some($crate::crash::Work::$work), $crate::crash::Step::$step)
    };
}

/// Nothing: there are no crash points without the feature `crash-points`.
#[cfg(not(feature = "crash-points"))]
#[macro_export]
macro_rules! crash_point {
    ($($point:ident)+) => {};
}
