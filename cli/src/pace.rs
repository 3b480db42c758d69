//! Doing something so many times a second.

use std::time::Duration;

use tokio::time::Instant;

/// Says when the next one is due. It keeps the rate on average: after a delay it catches up.
pub(crate) struct Pace {
    began: Instant,
    rate: u32,
}

impl Pace {
    /// `rate`: how many a second; 0: as fast as possible.
    pub(crate) fn new(rate: u32) -> Self {
        Self { began: Instant::now(), rate }
    }

    /// When the one with this number, counted from 0, is due.
    pub(crate) fn due(&self, number: u64) -> Instant {
        let after_us = number.saturating_mul(1_000_000).checked_div(u64::from(self.rate));
        self.began + Duration::from_micros(after_us.unwrap_or(0))
    }

    /// Waits until the one with this number, counted from 0, is due.
    pub(crate) async fn wait_for(&self, number: u64) {
        if self.rate != 0 {
            tokio::time::sleep_until(self.due(number)).await;
        }
    }
}
