//! Where a test has its tables.

use choreography::db::{Database, DbResult, Input, Row, Transaction};

pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) is_postgres: bool,
    _folder: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Self { url, is_postgres: false, _folder: Some(folder) }
    }

    /// A schema of its own, empty, in the database of `TEST_POSTGRES_URL`. Without that nothing is
    /// tested, and the test says so.
    pub(crate) async fn postgres(schema: &str, make: [&'static str; 2]) -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            clippy::print_stderr,
            reason = "a test has no command line, and says what it has not done"
        )]
        let Ok(url) = std::env::var("TEST_POSTGRES_URL") else {
            eprintln!("NOT TESTED on PostgreSQL: TEST_POSTGRES_URL is not set");
            return None;
        };
        let db = Database::connect(&url).await.expect("database");
        for sql in make {
            run(&db, sql).await.expect("a schema");
        }
        db.close().await;
        let and = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{and}options=-c%20search_path%3D{schema}");
        Some(Self { url, is_postgres: true, _folder: None })
    }

    pub(crate) async fn connect(&self) -> Database {
        Database::connect(&self.url).await.expect("database")
    }

    /// Connects, and makes a table.
    pub(crate) async fn with_table(&self, sql: &'static str) -> Database {
        let db = self.connect().await;
        run(&db, sql).await.expect("a table");
        db
    }
}

/// One statement in a transaction of its own.
pub(crate) async fn run(db: &Database, sql: &'static str) -> DbResult<()> {
    run_with(db, sql, Input::new()).await
}

pub(crate) async fn run_with(db: &Database, sql: &'static str, input: Input) -> DbResult<()> {
    let mut tx = db.begin().await?;
    tx.execute(sql, input).await?;
    tx.commit().await
}

/// How many rows a statement changes, in a transaction of its own.
pub(crate) async fn changed(db: &Database, sql: &str, input: Input) -> DbResult<usize> {
    let mut tx = db.begin().await?;
    let sql = format!("{sql} RETURNING CAST(1 AS BIGINT)");
    let rows: Vec<(i64,)> = tx.fetch(&sql, input).await?;
    tx.commit().await?;
    Ok(rows.len())
}

pub(crate) async fn rows<T: Row>(db: &Database, sql: &'static str) -> Vec<T> {
    let mut tx: Transaction = db.begin_read().await.expect("begun");
    let rows = tx.fetch(sql, Input::new()).await.expect("rows");
    tx.rollback().await.expect("ended");
    rows
}
