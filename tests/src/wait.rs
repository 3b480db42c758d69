//! Waiting for a condition, with a limit; and for futures.

use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

/// Longer than anything takes that is not broken, on a machine that is busy with something else.
pub const LIMIT: Duration = Duration::from_secs(90);

const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Looks again and again until there is something. `look` says what is missing.
///
/// # Panics
/// After `limit`, with what was missing last.
pub fn until<T>(what: &str, limit: Duration, look: impl FnMut() -> Result<T, String>) -> T {
    until_at(BETWEEN_LOOKS, what, limit, look)
}

/// The same with so much time between two looks: where a look costs as much as what is measured.
///
/// # Panics
/// As [`until`].
pub fn until_at<T>(
    between: Duration,
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<T, String>,
) -> T {
    let began = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(missing) => {
                assert!(began.elapsed() < limit, "not within {limit:?}: {what}; {missing}");
            }
        }
        std::thread::sleep(between);
    }
}

/// Runs a future to its end, on one runtime for all tests of a process.
pub fn block_on<F: Future>(future: F) -> F::Output {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let build = || Builder::new_multi_thread().worker_threads(1).enable_all().build();
    RUNTIME.get_or_init(|| build().expect("a runtime")).block_on(future)
}
