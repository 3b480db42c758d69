//! SQLite: for a first look and for tests.

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, SqlitePool};

use super::fault::DbResult;
use super::input::Input;

pub(super) async fn connect(url: &str, connections: u32) -> anyhow::Result<SqlitePool> {
    let options = SqliteConnectOptions::from_str(url)
        .context("DATABASE_URL")?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let open =
        || SqlitePoolOptions::new().max_connections(connections).connect_with(options.clone());
    // Of instances that start at once on a new file one makes it a file with a write-ahead log. For
    // the others no lock is there to wait for; they find it made at a later try.
    const TRIES: u32 = 10;
    for _ in 1..TRIES {
        if let Ok(pool) = open().await {
            return Ok(pool);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    open().await.context("cannot open the SQLite database")
}

/// A file that is there, to be read only.
pub(super) async fn connect_to_read(url: &str) -> anyhow::Result<SqlitePool> {
    let options = SqliteConnectOptions::from_str(url).context("the URL of the database")?;
    let options = options.read_only(true).busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options);
    pool.await.context("cannot open the SQLite database")
}

pub(super) type SqliteTransaction = sqlx::Transaction<'static, sqlx::Sqlite>;

pub(super) async fn execute(tx: &mut SqliteTransaction, sql: &str, input: Input) -> DbResult<()> {
    let query = sqlx::query(AssertSqlSafe(input.sqlite_sql(sql)));
    input.bind_sqlite(query).execute(&mut **tx).await?;
    Ok(())
}

pub(super) async fn rows(
    tx: &mut SqliteTransaction,
    sql: &str,
    input: Input,
) -> DbResult<Vec<SqliteRow>> {
    let query = sqlx::query(AssertSqlSafe(input.sqlite_sql(sql)));
    Ok(input.bind_sqlite(query).fetch_all(&mut **tx).await?)
}

pub(super) async fn script(tx: &mut SqliteTransaction, sql: &'static str) -> DbResult<()> {
    sqlx::raw_sql(sql).execute(&mut **tx).await?;
    Ok(())
}
