//! Stopping: told once, then everything has a limited time to end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Tells an instance to stop, and how long it may take. Clones tell the same.
#[derive(Clone)]
pub struct Stop {
    drain_time: Duration,
    since: Arc<Mutex<Option<Instant>>>,
    told: watch::Sender<bool>,
}

impl Stop {
    /// `drain_time`: how long stopping may take.
    pub fn new(drain_time: Duration) -> Self {
        Self { drain_time, since: Arc::default(), told: watch::Sender::new(false) }
    }

    /// Stop now.
    pub fn stop(&self) {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
        self.told.send_replace(true);
    }

    /// Whether it was told.
    pub fn is_stopping(&self) -> bool {
        *self.told.borrow()
    }

    /// Whether the time to stop is over.
    pub(crate) fn is_over(&self) -> bool {
        self.is_stopping() && self.time_left().is_zero()
    }

    /// How much of the time to stop is left; all of it before it was told.
    pub(crate) fn time_left(&self) -> Duration {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map_or(self.drain_time, |since| self.drain_time.saturating_sub(since.elapsed()))
    }

    /// Ends when it was told.
    pub async fn told(&self) {
        // The sender lives in self, so there is no other end than this.
        let _ = self.told.subscribe().wait_for(|told| *told).await;
    }
}
