//! One way to both databases: PostgreSQL and SQLite, with the same SQL.
//!
//! A statement gets a whole batch at once, as a table named `input` made of columns:
//! in PostgreSQL from arrays by `unnest`, in SQLite from one JSON text by `json_each`. So one round
//! trip serves a batch, and the text of a statement never depends on its size.
//!
//! ```ignore
//! let rows = Input::new().text("sku", skus).int("available", pieces);
//! db.execute(
//!     "INSERT INTO stock (sku, available) SELECT sku, available FROM input WHERE true
//!      ON CONFLICT (sku) DO UPDATE SET available = excluded.available", rows).await?;
//! ```
//!
//! In PostgreSQL a statement that gives no rows goes out with the next one that does, or with the
//! commit, and so its error comes then.
//!
//! Rows are looked up by `IN (SELECT column FROM input)`, in these words, and written by
//! `INSERT … ON CONFLICT`: both go by an index, whatever the database believes of the table. A join
//! with `input` does not: planned when the table was empty, it reads all of it when it is large.
//!
//! Rules that keep SQL portable: `now_ms()` is the database's time; types are `TEXT`, `BIGINT`, `UUID`, `BYTEA`; times are `BIGINT`
//! milliseconds; an `INSERT … SELECT … ON CONFLICT` needs `WHERE true` before `ON CONFLICT`;
//! `FOR UPDATE [SKIP LOCKED]` stands at the end of a statement or of a sub-select: SQLite has no
//! such clause and needs none, as its transactions are `BEGIN IMMEDIATE`, so it is taken out there.

mod fault;
mod input;
mod migrate;
mod postgres;
mod row;
mod sqlite;

use std::marker::PhantomData;

use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

pub use fault::{Conflict, DbFault, DbResult};
pub use input::Input;
pub use migrate::Migration;
pub(crate) use postgres::is_away;
pub use postgres::{PgDatabase, PgTransaction};
pub use row::{Column, FromPgRow, Row};

/// A database of one service.
#[derive(Clone)]
pub enum Database {
    /// In production.
    Postgres(PgDatabase),
    /// For a first look and for tests.
    Sqlite(SqlitePool),
}

/// They serve HTTP and what runs beside the loop.
const CONNECTIONS_MAX: u32 = 6;

impl Database {
    /// Connects. `url` is `postgres://…` or `sqlite://FILE`; the file is made if it is not there.
    ///
    /// # Errors
    /// The URL is neither, or the database does not answer.
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "postgres" | "postgresql" => {
                Ok(Self::Postgres(PgDatabase::connect(url, CONNECTIONS_MAX as usize).await?))
            }
            "sqlite" => Ok(Self::Sqlite(sqlite::connect(url, CONNECTIONS_MAX).await?)),
            other => anyhow::bail!(
                "DATABASE_URL must start with postgres:// or sqlite://, not with {other:?}"
            ),
        }
    }

    /// Connects to a database that is there, to read only: its transactions can change nothing, and
    /// each shows one picture of all tables. `url` is as for [`connect`](Self::connect).
    ///
    /// # Errors
    /// The URL is neither, the file is not there, or the database does not answer.
    pub async fn connect_to_read(url: &str) -> anyhow::Result<Self> {
        match url.split(':').next().unwrap_or_default() {
            "postgres" | "postgresql" => {
                Ok(Self::Postgres(PgDatabase::connect_to_read(url).await?))
            }
            "sqlite" => Ok(Self::Sqlite(sqlite::connect_to_read(url).await?)),
            _ => anyhow::bail!("the URL of a database starts with postgres:// or sqlite://"),
        }
    }

    /// The same database with a connection that nobody else uses. In PostgreSQL it belongs to the
    /// runtime that uses it first: whoever waits for an answer there reads it from the socket himself,
    /// and no other thread has to wake him.
    pub(crate) fn apart(&self) -> anyhow::Result<Self> {
        Ok(match self {
            Self::Postgres(database) => Self::Postgres(database.apart()?),
            Self::Sqlite(pool) => Self::Sqlite(pool.clone()),
        })
    }

    /// Brings the tables up to date. Several instances may do it at once.
    ///
    /// # Errors
    /// A released migration was edited, or the database refuses one. Nothing is changed then.
    pub async fn migrate(&self, migrations: &[Migration]) -> anyhow::Result<()> {
        migrate::run(self, migrations).await
    }

    /// Begins a transaction: READ COMMITTED in PostgreSQL, `BEGIN IMMEDIATE` in SQLite.
    ///
    /// # Errors
    /// No connection is free or the database does not answer.
    pub async fn begin(&self) -> DbResult<Transaction> {
        Ok(match self {
            Self::Postgres(database) => {
                Transaction::Postgres(Box::new(PgTransaction::begin(database).await?))
            }
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
        })
    }

    /// Begins a transaction that only reads: in SQLite it waits for nobody.
    ///
    /// # Errors
    /// No connection is free or the database does not answer.
    pub async fn begin_read(&self) -> DbResult<Transaction> {
        Ok(match self {
            Self::Postgres(database) => {
                Transaction::Postgres(Box::new(PgTransaction::begin(database).await?))
            }
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin().await?),
        })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Postgres(database) => database.close(),
            Self::Sqlite(pool) => pool.close().await,
        }
    }
}

/// A transaction. Dropped without [`Transaction::commit`] it is rolled back.
pub enum Transaction {
    /// In PostgreSQL.
    Postgres(Box<PgTransaction>),
    /// In SQLite.
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
}

/// A statement whose rows are wanted later.
pub struct Asked<T>(Answer, PhantomData<T>);

enum Answer {
    /// It is still to come.
    At(usize),
    /// It is here.
    Is(Vec<SqliteRow>),
}

impl Transaction {
    /// Runs a statement that reads the table `input`.
    ///
    /// # Errors
    /// As the database says; PostgreSQL says it with the next statement, see the module.
    pub async fn execute(&mut self, sql: &str, input: Input) -> DbResult<()> {
        input.check()?;
        match self {
            Self::Postgres(tx) => tx.queue(sql, input).await.map(|_| ()),
            Self::Sqlite(tx) => sqlite::execute(tx, sql, input).await,
        }
    }

    /// Runs a statement that reads the table `input`. Out: its rows.
    ///
    /// # Errors
    /// As the database says.
    pub async fn fetch<T: Row>(&mut self, sql: &str, input: Input) -> DbResult<Vec<T>> {
        let asked = self.ask(sql, input).await?;
        self.answer(asked).await
    }

    /// Runs a statement that reads the table `input`, and whose rows are wanted only after further
    /// statements: PostgreSQL gets all of them in one go.
    ///
    /// # Errors
    /// As the database says; PostgreSQL says it with the first answer, see the module.
    pub async fn ask<T: Row>(&mut self, sql: &str, input: Input) -> DbResult<Asked<T>> {
        input.check()?;
        let asked = match self {
            Self::Postgres(tx) => Answer::At(tx.queue(sql, input).await?),
            Self::Sqlite(tx) => Answer::Is(sqlite::rows(tx, sql, input).await?),
        };
        Ok(Asked(asked, PhantomData))
    }

    /// The rows of a statement of this transaction that was asked.
    ///
    /// # Errors
    /// As the database says of this statement or of one before it.
    pub async fn answer<T: Row>(&mut self, asked: Asked<T>) -> DbResult<Vec<T>> {
        match (self, asked.0) {
            (Self::Postgres(tx), Answer::At(place)) => {
                let rows = tx.rows(place).await?;
                Ok(rows.iter().map(T::from_pg_row).collect::<Result<_, _>>()?)
            }
            (_, Answer::Is(rows)) => Ok(rows.iter().map(T::from_row).collect::<Result<_, _>>()?),
            (Self::Sqlite(_), Answer::At(_)) => Ok(vec![]),
        }
    }

    /// Runs several statements, separated by semicolons, that need no input.
    async fn script(&mut self, sql: &'static str) -> DbResult<()> {
        match self {
            Self::Postgres(tx) => tx.script(sql).await,
            Self::Sqlite(tx) => sqlite::script(tx, sql).await,
        }
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// After an error it is unknown whether it was committed.
    pub async fn commit(self) -> DbResult<()> {
        match self {
            Self::Postgres(tx) => tx.end("COMMIT").await?,
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
            Self::Postgres(tx) => tx.end("ROLLBACK").await?,
            Self::Sqlite(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}
