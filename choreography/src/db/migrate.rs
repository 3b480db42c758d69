//! Migrations: all that are missing, in one transaction.

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};

use super::{Database, Input, Transaction};

/// One step of a schema's history. Once released it is never edited.
pub struct Migration {
    /// Its place in the history.
    pub version: i64,
    /// What it does, in a few words.
    pub name: &'static str,
    /// Portable statements.
    pub sql: &'static str,
}

/// Of instances that start at once one goes first, and the others wait for it for as long as it
/// takes: a large index takes longer than the loop may wait for a lock. In SQLite the transaction
/// itself is the lock.
const POSTGRES_LOCK: &str = "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;
    SELECT pg_advisory_xact_lock(hashtext('choreography.migrations'))";

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS migrations (
    version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 BYTEA NOT NULL, made_at BIGINT NOT NULL)";

/// Brings the tables up to date. What a newer release has added stays, so that an older instance
/// can still start.
pub(super) async fn run(db: &Database, migrations: &[Migration]) -> anyhow::Result<()> {
    let mut tx = db.begin().await?;
    if let Transaction::Postgres(_) = tx {
        tx.script(POSTGRES_LOCK).await?;
    }
    tx.script(HISTORY).await?;
    let made: Vec<(i64, Vec<u8>)> =
        tx.fetch("SELECT version, sha256 FROM migrations", Input::new()).await?;
    for migration in migrations {
        let sha256 = Sha256::digest(migration.sql).to_vec();
        let known = made.iter().find(|(version, _)| *version == migration.version);
        if let Some((version, before)) = known {
            ensure!(*before == sha256, "the migration {version} was edited after it was made");
            continue;
        }
        make(&mut tx, migration, sha256)
            .await
            .with_context(|| format!("migration {} ({})", migration.version, migration.name))?;
    }
    Ok(tx.commit().await?)
}

async fn make(tx: &mut Transaction, made: &Migration, sha256: Vec<u8>) -> anyhow::Result<()> {
    const NOTE: &str = "INSERT INTO migrations (version, name, sha256, made_at)
        SELECT version, name, sha256, now_ms() FROM input";
    tx.script(made.sql).await?;
    let note = Input::new().int("version", [made.version]).text("name", [made.name.to_owned()]);
    tx.execute(NOTE, note.bytes("sha256", [sha256])).await?;
    Ok(())
}
