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

    /// Waits until the one with this number, counted from 0, is due.
    pub(crate) async fn wait_for(&self, number: u64) {
        if self.rate != 0 {
            let after_us = number.saturating_mul(1_000_000) / u64::from(self.rate);
            tokio::time::sleep_until(self.began + Duration::from_micros(after_us)).await;
        }
    }
}
