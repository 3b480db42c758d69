//! One way to both databases: PostgreSQL and SQLite, with the same SQL.
//!
//! A statement gets a whole batch at once, as a table named `input` made of columns:
//! in PostgreSQL from arrays by `unnest`, in SQLite from one JSON text by `json_each`. So one round
//! trip serves a batch, and the text of a statement never depends on its size.
//!
//! ```ignore
//! let rows = Input::new().text("sku", skus).int("pieces", pieces);
//! db.execute("UPDATE stock SET available = input.pieces FROM input WHERE stock.sku = input.sku", rows).await?;
//! ```
//!
//! Rules that keep SQL portable: `now_ms()` is the database's time; types are `TEXT`, `BIGINT`, `UUID`, `BYTEA`; times are `BIGINT`
//! milliseconds; an `INSERT … SELECT … ON CONFLICT` needs `WHERE true` before `ON CONFLICT`;
//! `FOR UPDATE [SKIP LOCKED]` stands at the end of a statement or of a sub-select: SQLite has no
//! such clause and needs none, as its transactions are `BEGIN IMMEDIATE`, so it is taken out there.

mod fault;
mod input;

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use sqlx::migrate::{MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, FromRow, PgPool, Postgres, Sqlite, SqlitePool};

pub use fault::{DbFault, DbResult};
pub use input::Input;

/// One step of a schema's history. Once released it is never edited.
pub struct Migration {
    /// Its place in the history.
    pub version: i64,
    /// What it does, in a few words.
    pub name: &'static str,
    /// Portable statements.
    pub sql: &'static str,
}

/// A database of one service.
#[derive(Clone)]
pub enum Database {
    /// In production.
    Postgres(PgPool),
    /// For a first look and for tests.
    Sqlite(SqlitePool),
}

/// The loop uses one connection; the others serve HTTP and what runs beside the loop.
const CONNECTIONS_MAX: u32 = 6;

impl Database {
    /// Connects. `url` is `postgres://…` or `sqlite://FILE`; the file is made if it is not there.
    ///
    /// # Errors
    /// The URL is neither, or the database does not answer.
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "postgres" | "postgresql" => Self::connect_postgres(url).await,
            "sqlite" => Self::connect_sqlite(url).await,
            other => anyhow::bail!(
                "DATABASE_URL must start with postgres:// or sqlite://, not with {other:?}"
            ),
        }
    }

    async fn connect_postgres(url: &str) -> anyhow::Result<Self> {
        // A frozen owner must not stop the next one, and a commit that was answered is on disk.
        let options = PgConnectOptions::from_str(url).context("DATABASE_URL")?.options([
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("statement_timeout", "30s"),
            ("synchronous_commit", "on"),
            ("default_transaction_isolation", "read committed"),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await
            .context("cannot connect to PostgreSQL")?;
        Ok(Self::Postgres(pool))
    }

    async fn connect_sqlite(url: &str) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::from_str(url)
            .context("DATABASE_URL")?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let open = || {
            SqlitePoolOptions::new()
                .max_connections(CONNECTIONS_MAX)
                .connect_with(options.clone())
        };
        let pool = with_others(open).await.context("cannot open the SQLite database")?;
        Ok(Self::Sqlite(pool))
    }

    /// Brings the tables up to date. Several instances may do it at once.
    ///
    /// # Errors
    /// A released migration was edited, or the database refuses one.
    pub async fn migrate(&self, migrations: &[Migration]) -> anyhow::Result<()> {
        let steps = migrations.iter().map(|m| {
            sqlx::migrate::Migration::new(
                m.version,
                m.name.into(),
                MigrationType::Simple,
                sqlx::SqlSafeStr::into_sql_str(m.sql),
                false,
            )
        });
        let migrator = Migrator::with_migrations(steps.collect());
        match self {
            Self::Postgres(pool) => migrator.run(pool).await?,
            Self::Sqlite(pool) => with_others(|| migrator.run(pool)).await?,
        }
        Ok(())
    }

    /// Begins a transaction: READ COMMITTED in PostgreSQL, `BEGIN IMMEDIATE` in SQLite.
    ///
    /// # Errors
    /// No connection is free or the database does not answer.
    pub async fn begin(&self) -> DbResult<Transaction> {
        Ok(match self {
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
        })
    }

    /// Begins a transaction that only reads: in SQLite it waits for nobody.
    ///
    /// # Errors
    /// No connection is free or the database does not answer.
    pub async fn begin_read(&self) -> DbResult<Transaction> {
        Ok(match self {
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin().await?),
        })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Sqlite(pool) => pool.close().await,
        }
    }
}

/// A transaction. Dropped without [`Transaction::commit`] it is rolled back.
pub enum Transaction {
    /// In PostgreSQL.
    Postgres(sqlx::Transaction<'static, Postgres>),
    /// In SQLite.
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

/// A row that both databases can give: a tuple of `String`, `i64`, `Uuid`, `Vec<u8>`, and options
/// of these.
pub trait Row: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}
impl<T> Row for T where T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin
{}

impl Transaction {
    /// Runs a statement that reads the table `input`. Out: how many rows it changed.
    ///
    /// # Errors
    /// As the database says.
    pub async fn execute(&mut self, sql: &'static str, input: Input) -> DbResult<u64> {
        input.check()?;
        Ok(match self {
            Self::Postgres(tx) => {
                let query = sqlx::query(AssertSqlSafe(input.postgres_sql(sql)));
                input.bind_postgres(query).execute(&mut **tx).await?.rows_affected()
            }
            Self::Sqlite(tx) => {
                let query = sqlx::query(AssertSqlSafe(input.sqlite_sql(sql)));
                input.bind_sqlite(query).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    /// Runs a statement that reads the table `input`. Out: its rows.
    ///
    /// # Errors
    /// As the database says.
    pub async fn fetch<T: Row>(&mut self, sql: &'static str, input: Input) -> DbResult<Vec<T>> {
        input.check()?;
        let rows: Result<Vec<T>, sqlx::Error> = match self {
            Self::Postgres(tx) => {
                let query = sqlx::query(AssertSqlSafe(input.postgres_sql(sql)));
                let rows = input.bind_postgres(query).fetch_all(&mut **tx).await?;
                rows.iter().map(T::from_row).collect()
            }
            Self::Sqlite(tx) => {
                let query = sqlx::query(AssertSqlSafe(input.sqlite_sql(sql)));
                let rows = input.bind_sqlite(query).fetch_all(&mut **tx).await?;
                rows.iter().map(T::from_row).collect()
            }
        };
        Ok(rows?)
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// After an error it is unknown whether it was committed.
    pub async fn commit(self) -> DbResult<()> {
        match self {
            Self::Postgres(tx) => tx.commit().await?,
            Self::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Takes it back.
    ///
    /// # Errors
    /// As the database says; it is rolled back all the same, by the end of its connection.
    pub async fn rollback(self) -> DbResult<()> {
        match self {
            Self::Postgres(tx) => tx.rollback().await?,
            Self::Sqlite(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}

/// Of instances that start at once on a new SQLite file only one makes each thing. For the others
/// no lock is there to wait for, neither when the file becomes one with a write-ahead log nor
/// around the migrations: they find it made at a later try.
async fn with_others<T, E, F: Future<Output = Result<T, E>>>(
    mut make: impl FnMut() -> F,
) -> Result<T, E> {
    const TRIES: u32 = 10;
    for _ in 1..TRIES {
        if let Ok(made) = make().await {
            return Ok(made);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    make().await
}
