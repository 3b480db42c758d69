//! From a configuration and a service to a running instance.

mod process;
mod start;
mod thread;

use std::time::Duration;

use tokio::net::TcpListener;

pub use process::main;

use crate::announce;
use crate::config::{Config, Window};
use crate::db::Database;
use crate::handle::Handler;
use crate::health::{self, Health};
use crate::hear::Hear;
use crate::listen::{Limited, Limits};
use crate::manifest::Manifest;
use crate::publish::Publisher;
use crate::run::{Faults, Idle, Refused, Runner, Stop, Waiter};
use crate::say::Speaker;
use crate::service::Service;
use crate::telemetry::{self, Spans, Telemetry};
use crate::timers::Timers;
use crate::{kafka, topics};

/// What should have ended is given up after this time.
const GRACE: Duration = Duration::from_secs(2);

/// What a service's own HTTP pages may use.
#[derive(Clone)]
pub struct Access {
    /// The service's database.
    pub db: Database,
    /// Says events that start outside of Kafka.
    pub publisher: Publisher,
    /// Spans for requests.
    pub spans: Spans,
    /// Tells pages that last, such as streams, to end.
    pub stop: Stop,
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
    let ended = run(&config, service, &stop, listener, &telemetry).await;
    // It waits for the collector, for five seconds at most.
    let _ = tokio::task::spawn_blocking(|| telemetry.shutdown()).await;
    ended
}

async fn run<S: Service>(
    config: &Config,
    service: S,
    stop: &Stop,
    listener: Option<TcpListener>,
    telemetry: &Telemetry,
) -> anyhow::Result<()> {
    let manifest = service.manifest();
    manifest.check::<S>()?;
    let health = Health::new(config.stalled_after, config.unhealthy_after);
    health.not_ready("assignment", Some("the group has not assigned partitions yet".to_owned()));
    let db = tokio::select! {
        db = start::open(config, &service) => db?,
        () = stop.told() => return Ok(()),
    };
    let publisher =
        Publisher::new(config, &source_of(&manifest), telemetry.spans(), telemetry.metrics())?;
    let last = publisher.clone();
    let access = Access { db: db.clone(), publisher, spans: telemetry.spans(), stop: stop.clone() };
    let routes = service.routes(access);
    let listener = Limited::new(start::listen(config, listener).await?, Limits::DEFAULT);
    let pages =
        health::serve(listener, health.clone(), telemetry.metrics(), routes, told(stop.clone()));
    let pages = tokio::spawn(pages);
    let ended = tokio::select! {
        looked = start::look_at_topics(config, &manifest, &health) => match looked {
            Ok(()) => {
                let announcing = announce::begin(config, &manifest, stop).await;
                let ended = hear(config, service, stop, telemetry, db.clone(), health).await;
                announcing.abort();
                ended
            }
            Err(refused) => Err(refused),
        },
        () = stop.told() => Ok(()),
    };
    stop.stop();
    if let Ok(Err(error)) = pages.await {
        tracing::warn!("{error:#}");
    }
    // Its end waits for a thread of the client, which can hang: that one waits by the wall clock, and
    // longer when that is set back. Here it would hold up the runtime.
    std::thread::spawn(move || drop(last));
    // A loop that was given up may still hold a connection.
    let _ = tokio::time::timeout(GRACE, db.close()).await;
    ended
}

fn source_of(manifest: &Manifest) -> String {
    format!("/{}", manifest.service)
}

/// Joins the group, and hears until it is told to stop.
async fn hear<S: Service>(
    config: &Config,
    service: S,
    stop: &Stop,
    telemetry: &Telemetry,
    db: Database,
    health: Health,
) -> anyhow::Result<()> {
    let (config, telemetry) = (config.clone(), (telemetry.spans(), telemetry.metrics()));
    let told = stop.clone();
    let make = move || {
        let manifest = service.manifest();
        let (spans, metrics) = telemetry;
        Ok(Runner {
            hear: Hear::join(&config, manifest.service, &topics::heard_by(&manifest))?,
            speaker: Speaker::new(kafka::answers(&config, manifest.service))?,
            handler: Handler {
                service,
                source: source_of(&manifest),
                manifest,
                db: db.apart()?,
                spans,
                metrics,
                answer_bytes: config.answer_bytes as usize,
                dead_max: i64::from(config.dead_letters_max),
            },
            timers: Timers::default(),
            faults: Faults::new(health.clone()),
            waiter: Waiter::new(health.clone())?,
            health,
            stop: told,
            acknowledged: vec![],
            idle: Idle::new(window_ms(config.handled_window)),
            refused: Refused::default(),
            limited: false,
        })
    };
    thread::run(make, stop).await
}

fn window_ms(window: Window) -> Option<i64> {
    match window {
        Window::Forever => None,
        Window::For(window) => Some(i64::try_from(window.as_millis()).unwrap_or(i64::MAX)),
    }
}

async fn told(stop: Stop) {
    stop.told().await;
}
