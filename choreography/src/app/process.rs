//! A service as a process of its own.

use std::panic::PanicHookInfo;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::serve;
use crate::config::Config;
use crate::run::Stop;
use crate::service::Service;
use crate::telemetry::init_logs;

/// Runs a service until SIGTERM or SIGINT, as its `main`. The first signal drains within
/// [`Config::drain_time`] and exits with 0, a second one exits at once with 130. A service that
/// cannot start says why and exits with 1.
pub fn main<S: Service>(config: Config, make: impl FnOnce() -> anyhow::Result<S>) -> ExitCode {
    init_logs(config.log_format);
    std::panic::set_hook(Box::new(log_panic));
    let ended = make().and_then(|service| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let ended = runtime.block_on(until_told(config, service));
        // A client that hangs in a call must not keep the process, and would panic without it.
        std::mem::forget(runtime);
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A panic is one line of the log. That of a decision is dealt with; any other ends the process.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(
        code.location = place,
        thread.name = thread.name(),
        "panic: {}",
        panic.payload_as_str().unwrap_or("no text")
    );
}

async fn until_told<S: Service>(config: Config, service: S) -> anyhow::Result<()> {
    let stop = Stop::new(config.drain_time);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let told = stop.clone();
    tokio::spawn(async move {
        let mut next =
            async || tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () };
        next().await;
        told.stop();
        next().await;
        std::process::exit(130);
    });
    serve(config, service, stop, None).await
}
