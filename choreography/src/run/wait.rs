//! Waiting for the database on the loop's thread, which serves the consumer meanwhile.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::db::DbFault;
use crate::health::Health;
use crate::hear::Hear;

/// Waits for the database, in a runtime of the loop's own.
pub(crate) struct Waiter {
    runtime: Runtime,
    health: Health,
}

/// How long the loop waits before it serves the consumer.
const PATIENCE: Duration = Duration::from_millis(500);

/// No transaction takes that long: each of its statements ends after half of it. Something on the
/// way to the database swallows what is sent.
const LIMIT: Duration = Duration::from_secs(60);

impl Waiter {
    /// Must be made, and dropped, where a thread may block.
    ///
    /// # Errors
    /// The operating system refuses what a runtime needs.
    pub(crate) fn new(health: Health) -> std::io::Result<Self> {
        Ok(Self { runtime: Builder::new_current_thread().enable_all().build()?, health })
    }

    /// Waits for `doing`. When that takes long the partitions are paused and the consumer is
    /// served, so that the group does not take this member for dead.
    ///
    /// # Errors
    /// Its own, or a transient fault when there is no answer for a long time. Then it is unknown
    /// what has happened.
    pub(super) fn wait<T, E: From<DbFault>>(
        &self,
        hear: &mut Hear,
        doing: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let done = self.wait_for(hear, doing);
        if done.is_err() {
            // A transaction that was dropped is rolled back by its connection, which lives here.
            self.runtime.block_on(tokio::task::yield_now());
        }
        done
    }

    fn wait_for<T, E: From<DbFault>>(
        &self,
        hear: &mut Hear,
        doing: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut doing = pin!(doing);
        let began = Instant::now();
        loop {
            // The timer of the time-out needs the runtime when it is made.
            let patience = async { tokio::time::timeout(PATIENCE, &mut doing).await };
            if let Ok(done) = self.runtime.block_on(patience) {
                return done;
            }
            if LIMIT <= began.elapsed() {
                let text = format!("no answer within {} s", LIMIT.as_secs());
                return Err(DbFault::Transient(text).into());
            }
            hear.stand_still();
            self.health.stuck(None);
            self.health.progress();
        }
    }

    /// Waits for `doing` for at most `limit`. Out: whether it is done.
    pub(super) fn is_done_within<T>(
        &self,
        limit: Duration,
        doing: impl Future<Output = Result<T, DbFault>>,
    ) -> bool {
        let done = self.runtime.block_on(async { tokio::time::timeout(limit, doing).await });
        matches!(done, Ok(Ok(_)))
    }
}
