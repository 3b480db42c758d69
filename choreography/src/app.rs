//! From a configuration and a service to a running instance.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Config, Window};
use crate::db::{Database, Migration};
use crate::handle::Handler;
use crate::health::{self, Health};
use crate::hear::Hear;
use crate::publish::Publisher;
use crate::run::{Idle, Runner, Stop};
use crate::say::{self, Speaker};
use crate::service::Service;
use crate::telemetry::{self, Spans, Telemetry, init_logs};
use crate::timers::Timers;
use crate::{kafka, topics};

/// What a service's own HTTP pages may use.
#[derive(Clone)]
pub struct Access {
    /// The service's database.
    pub db: Database,
    /// Says events that start outside of Kafka.
    pub publisher: Publisher,
    /// Spans for requests.
    pub spans: Spans,
}

/// Runs a service until SIGTERM or SIGINT, as its `main`. The first signal drains within
/// [`Config::drain_time`] and exits with 0, a second one exits at once with 130. A service that
/// cannot start says why and exits with 1.
pub fn main<S: Service>(config: Config, make: impl FnOnce() -> anyhow::Result<S>) -> ExitCode {
    init_logs(config.log_format);
    let ended = make().and_then(|service| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let ended = runtime.block_on(until_told(config, service));
        // A client that hangs in a call must not keep the process.
        runtime.shutdown_timeout(Duration::from_secs(1));
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

/// Runs a service until it is told to stop. `listener` is used instead of [`Config::http`], if it
/// is given.
///
/// # Errors
/// It cannot start, or its consumer has failed for good: the text says what to do.
pub async fn serve<S: Service>(
    config: Config,
    service: S,
    stop: Stop,
    listener: Option<TcpListener>,
) -> anyhow::Result<()> {
    let name = service.manifest().service;
    let telemetry = telemetry::init(name, env!("CARGO_PKG_VERSION"))?;
    let ended = start(&config, service, &stop, listener, &telemetry).await;
    // It waits for the collector, for five seconds at most.
    let _ = tokio::task::spawn_blocking(|| telemetry.shutdown()).await;
    ended
}

async fn start<S: Service>(
    config: &Config,
    service: S,
    stop: &Stop,
    listener: Option<TcpListener>,
    telemetry: &Telemetry,
) -> anyhow::Result<()> {
    let manifest = service.manifest();
    manifest.check::<S>()?;
    let health = Health::new(config.stalled_after, config.unhealthy_after);
    if !config.embedded {
        look_at_topics(config, &service, &health).await?;
    }
    let db = open(config, &service).await?;
    let answers = kafka::answers(config, manifest.service);
    say::check(&answers)?;
    let source = format!("/{}", manifest.service);
    let publisher = Publisher::new(config, &source, telemetry.spans(), telemetry.metrics())?;
    let access = Access { db: db.clone(), publisher, spans: telemetry.spans() };
    let routes = service.routes(access);
    let listener = listen(config, listener).await?;
    let pages =
        health::serve(listener, health.clone(), telemetry.metrics(), routes, told(stop.clone()));
    let pages = tokio::spawn(pages);

    let mut heard: Vec<String> = manifest.topics_heard().into_iter().map(str::to_owned).collect();
    heard.extend(
        manifest
            .topics_heard()
            .iter()
            .map(|t| shared_events::topics::replay_topic(t, manifest.service)),
    );
    let runner = Runner {
        hear: Hear::join(config, manifest.service, &heard)?,
        handler: Handler {
            service,
            manifest,
            source,
            db: db.clone(),
            spans: telemetry.spans(),
            metrics: telemetry.metrics(),
            answer_bytes: config.answer_bytes as usize,
        },
        speaker: Speaker::new(answers),
        timers: Timers::default(),
        health,
        stop: stop.clone(),
        runtime: tokio::runtime::Handle::current(),
        acknowledged: vec![],
        idle: Idle::new(window_ms(config.handled_window)),
    };
    let ended = run(runner, stop).await;
    stop.stop();
    if let Ok(Err(error)) = pages.await {
        tracing::warn!("{error:#}");
    }
    db.close().await;
    ended
}

/// Runs the loop on a thread of its own, and gives up waiting for it some time after it should have
/// ended: what it has not finished is finished by the next instance.
async fn run<S: Service>(mut runner: Runner<S>, stop: &Stop) -> anyhow::Result<()> {
    const GRACE: Duration = Duration::from_secs(2);
    let (done, ended) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("loop".to_owned()).spawn(move || {
        let ended = runner.run();
        // It leaves the group, which can hang when the broker is away.
        drop(runner);
        let _ = done.send(ended);
    })?;
    let overdue = async {
        stop.told().await;
        tokio::time::sleep(stop.time_left() + GRACE).await;
    };
    tokio::select! {
        ended = ended => ended.context("the loop has ended without a word")?,
        () = overdue => {
            tracing::warn!("stopped without leaving the group in order");
            Ok(())
        }
    }
}

async fn open<S: Service>(config: &Config, service: &S) -> anyhow::Result<Database> {
    let name = service.manifest().service;
    let url = config.database_url.clone().unwrap_or_else(|| format!("sqlite://{name}.db"));
    let db = Database::connect(&url).await?;
    let mut migrations = vec![Migration {
        version: 1,
        name: "choreography",
        sql: include_str!("../migrations/0001_choreography.sql"),
    }];
    migrations.extend(service.migrations());
    db.migrate(&migrations).await.context("the database's tables cannot be brought up to date")?;
    let mut tx = db.begin().await?;
    service.prepare(&mut tx).await?;
    tx.commit().await?;
    Ok(db)
}

/// Waits until the topics are there, and refuses a start that would break the promise.
async fn look_at_topics<S: Service>(
    config: &Config,
    service: &S,
    health: &Health,
) -> anyhow::Result<()> {
    let findings = topics::check(config, &service.manifest()).await?;
    for warning in &findings.warnings {
        tracing::warn!("{warning}");
    }
    if let Some(refused) = findings.refused {
        anyhow::bail!(refused);
    }
    if !findings.missing.is_empty() {
        let text = format!(
            "topics are missing: {}; create them with `choreo topics create`",
            findings.missing.join(", ")
        );
        tracing::error!("{text}");
        health.not_ready("topics", Some(text));
    }
    Ok(())
}

async fn listen(config: &Config, listener: Option<TcpListener>) -> anyhow::Result<TcpListener> {
    match listener {
        Some(listener) => Ok(listener),
        None => TcpListener::bind(config.http).await.with_context(|| {
            format!("cannot listen on {}; choose another address with --http", config.http)
        }),
    }
}

fn window_ms(window: Window) -> Option<i64> {
    match window {
        Window::Forever => None,
        Window::For(window) => Some(i64::try_from(window.as_millis()).unwrap_or(i64::MAX)),
    }
}

fn told(stop: Stop) -> impl Future<Output = ()> + Send + 'static {
    async move { stop.told().await }
}
