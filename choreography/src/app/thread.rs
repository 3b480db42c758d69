//! The loop on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::Context;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::GRACE;
use crate::dead_letter::panic_text;
use crate::run::{Runner, Stop};
use crate::service::Service;

/// Makes the loop and runs it, both on a thread of its own, and gives up waiting for it some time
/// after it should have ended: what it has not finished is finished by the next instance.
pub(super) async fn run<S: Service>(
    make: impl FnOnce() -> anyhow::Result<Runner<S>> + Send + 'static,
    stop: &Stop,
) -> anyhow::Result<()> {
    let (ended, has_ended) = oneshot::channel();
    let (left, has_left) = oneshot::channel();
    let runtime = Handle::current();
    std::thread::Builder::new().name("loop".to_owned()).spawn(move || {
        // A transaction that is dropped needs the runtime.
        let _context = runtime.enter();
        let mut runner = None;
        let run = || runner.insert(make()?).run();
        let result = catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|panic| Err(anyhow::anyhow!("panic: {}", panic_text(panic.as_ref()))));
        let _ = ended.send(result);
        // It leaves the group, which can hang when the broker is away.
        drop(runner);
        let _ = left.send(());
    })?;
    let overdue = async {
        stop.told().await;
        tokio::time::sleep(stop.time_left() + GRACE).await;
    };
    let result = tokio::select! {
        result = has_ended => result.context("the loop has ended without a word")?,
        () = overdue => {
            tracing::warn!("stopped before the loop has ended");
            return Ok(());
        }
    };
    stop.stop();
    if tokio::time::timeout(stop.time_left() + GRACE, has_left).await.is_err() {
        tracing::warn!("stopped without leaving the group in order");
    }
    result
}
