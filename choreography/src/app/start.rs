//! What has to be there before anything is heard: the database, the topics, a port.

use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::db::{Database, DbFault, DbResult, Migration};
use crate::health::Health;
use crate::manifest::Manifest;
use crate::service::Service;
use crate::topics;

/// Opens the database, and brings it up to date.
pub(super) async fn open<S: Service>(config: &Config, service: &S) -> anyhow::Result<Database> {
    let name = service.manifest().service;
    let url = config.database_url.clone().unwrap_or_else(|| format!("sqlite://{name}.db"));
    let db = Database::connect(&url).await?;
    let mut migrations = vec![Migration {
        version: 1,
        name: "choreography",
        sql: include_str!("../../migrations/0001_choreography.sql"),
    }];
    migrations.extend(service.migrations());
    db.migrate(&migrations).await.context("the database's tables cannot be brought up to date")?;
    prepare(service, &db)
        .await
        .context("the reference data cannot be brought into the database")?;
    Ok(db)
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
                if findings.missing.is_empty() {
                    findings.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                    health.not_ready("topics", None);
                    return Ok(());
                }
                format!(
                    "topics are missing: {}; create them with `choreo topics create`",
                    findings.missing.join(", ")
                )
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
