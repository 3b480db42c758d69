//! A service as a process of its own.

use std::panic::PanicHookInfo;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::run;
use crate::config::Config;
use crate::dead_letter::panic_text;
use crate::run::Stop;
use crate::service::Service;
use crate::telemetry::{self, Telemetry, init_logs};

/// Runs a service until SIGTERM or SIGINT, as its `main`. The first signal drains within
/// [`Config::drain_time`] and exits with 0, a second one exits at once with 130. A service that
/// cannot start says why and exits with 1.
pub fn main<S: Service>(config: Config, make: impl FnOnce() -> anyhow::Result<S>) -> ExitCode {
    let export = init_logs(config.log_format);
    std::panic::set_hook(Box::new(log_panic));
    #[cfg(feature = "crash-points")]
    if let Err(wrong) = crate::crash::arm() {
        return code_of(Err(wrong));
    }
    let ended = make().and_then(|service| {
        let telemetry = telemetry::init(service.manifest().service, env!("CARGO_PKG_VERSION"))?;
        telemetry.export_logs(&export);
        let code = code_of(until_told(&config, service, &telemetry));
        // It waits for the collector, for five seconds at most.
        telemetry.shutdown();
        Ok(code)
    });
    ended.unwrap_or_else(|error| code_of(Err(error)))
}

/// Why it has failed is logged before the end of telemetry, so that a collector gets it, too.
fn code_of(ended: anyhow::Result<()>) -> ExitCode {
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
        panic_text(panic.payload())
    );
}

fn until_told<S: Service>(
    config: &Config,
    service: S,
    telemetry: &Telemetry,
) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let stop = Stop::new(config.drain_time);
    let ended = runtime.block_on(async {
        hear_signals(stop.clone())?;
        run(config, service, &stop, None, telemetry).await
    });
    // A client that hangs in a call must not keep the process, and would panic without it.
    std::mem::forget(runtime);
    ended
}

fn hear_signals(stop: Stop) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut next =
            async || tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () };
        next().await;
        stop.stop();
        next().await;
        std::process::exit(130);
    });
    Ok(())
}
