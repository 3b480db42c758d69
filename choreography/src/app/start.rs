//! What has to be there before anything is heard: the database, the topics, a port.

use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::db::{self, Database, DbFault, DbResult, Migration};
use crate::health::Health;
use crate::manifest::Manifest;
use crate::service::Service;
use crate::topics::{self, Findings};

/// Opens the database, and brings it up to date.
pub(super) async fn open<S: Service>(config: &Config, service: &S) -> anyhow::Result<Database> {
    let name = service.manifest().service;
    let url = config.database_url.clone().unwrap_or_else(|| format!("sqlite://{name}.db"));
    let db = connect(&url).await?;
    let tables = include_str!("../../migrations/0001_choreography.sql");
    let by_cause = include_str!("../../migrations/0002_owed_by_cause.sql");
    let mut migrations = vec![
        Migration { version: 1, name: "choreography", sql: tables },
        Migration { version: 2, name: "owed by cause", sql: by_cause },
    ];
    migrations.extend(service.migrations());
    db.migrate(&migrations).await.context("the database's tables cannot be brought up to date")?;
    prepare(service, &db)
        .await
        .context("the reference data cannot be brought into the database")?;
    Ok(db)
}

/// Waits for a database that is away, as for Kafka. A URL that is wrong ends the start.
async fn connect(url: &str) -> anyhow::Result<Database> {
    const EACH: Duration = Duration::from_secs(1);
    let mut told = None;
    loop {
        let error = match Database::connect(url).await {
            Err(error) if db::is_away(&error) => format!("{error:#}"),
            other => return other,
        };
        if told.as_ref() != Some(&error) {
            tracing::error!("the database is waited for: {error}");
            told = Some(error);
        }
        tokio::time::sleep(EACH).await;
    }
}

/// Instances that start at once may be in each other's way.
async fn prepare<S: Service>(service: &S, db: &Database) -> DbResult<()> {
    const TRIES: u32 = 10;
    const PAUSE: Duration = Duration::from_millis(200);
    let once = async || {
        let mut tx = db.begin().await?;
        service.prepare(&mut tx).await?;
        tx.commit().await
    };
    for _ in 1..TRIES {
        match once().await {
            Err(DbFault::Conflict(_)) => tokio::time::sleep(PAUSE).await,
            other => return other,
        }
    }
    once().await
}

/// Waits until the topics are there, and refuses a start that would break the promise.
pub(super) async fn look_at_topics(
    config: &Config,
    manifest: &Manifest,
    health: &Health,
) -> anyhow::Result<()> {
    const EACH: Duration = Duration::from_secs(1);
    let mut told = None;
    loop {
        let why = match topics::check(config, manifest).await {
            Ok(findings) => {
                health.fault(None);
                if let Some(refused) = findings.refused {
                    anyhow::bail!(refused);
                }
                if findings.missing.is_empty() && findings.narrow.is_empty() {
                    findings.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                    health.not_ready("topics", None);
                    return Ok(());
                }
                what_is_missing(&findings, &topics::create_command(config, manifest))
            }
            Err(error) => {
                let why = format!("Kafka: {error:#}");
                health.fault(Some(why.clone()));
                why
            }
        };
        if told.as_ref() != Some(&why) {
            tracing::error!("{why}");
            told = Some(why.clone());
        }
        health.not_ready("topics", Some(why));
        tokio::time::sleep(EACH).await;
    }
}

fn what_is_missing(findings: &Findings, create: &str) -> String {
    let mut texts = vec![];
    if !findings.missing.is_empty() {
        texts.push(format!(
            "topics are missing, or this service has no right to see them: {}; create them with `{create}`",
            findings.missing.join(", ")
        ));
    }
    if !findings.narrow.is_empty() {
        texts.push(format!(
            "what dies could not be set aside: {}; add partitions with Kafka's kafka-topics.sh --alter",
            findings.narrow.join(", ")
        ));
    }
    texts.join("; ")
}

pub(super) async fn listen(
    config: &Config,
    listener: Option<TcpListener>,
) -> anyhow::Result<TcpListener> {
    match listener {
        Some(listener) => Ok(listener),
        None => TcpListener::bind(config.http).await.with_context(|| {
            format!("cannot listen on {}; choose another address with --http", config.http)
        }),
    }
}
