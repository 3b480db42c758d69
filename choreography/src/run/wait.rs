//! Waiting for the database on the loop's thread, which serves the consumer meanwhile.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::db::DbFault;
use crate::health::Health;
use crate::hear::Hear;

/// Waits for the database.
pub(crate) struct Waiter {
    runtime: Handle,
    health: Health,
}

/// How long the loop waits before it serves the consumer.
const PATIENCE: Duration = Duration::from_millis(500);

/// No transaction takes that long: each of its statements ends after half of it. Something on the
/// way to the database swallows what is sent.
const LIMIT: Duration = Duration::from_secs(60);

impl Waiter {
    pub(crate) fn new(runtime: Handle, health: Health) -> Self {
        Self { runtime, health }
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
        let mut doing = pin!(doing);
        let began = Instant::now();
        loop {
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
        // The timer of the time-out needs the runtime when it is made.
        let done = self.runtime.block_on(async { tokio::time::timeout(limit, doing).await });
        matches!(done, Ok(Ok(_)))
    }
}
