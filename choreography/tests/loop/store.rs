//! The database as a test sees it.

use std::sync::{Arc, OnceLock};

use choreography::db::{Database, Input, Migration, Row, Transaction};
use choreography::service::Service;
use tokio::runtime::Runtime;

use super::counter::Counter;
use super::harness::World;

/// A database, and what runs its clients. All worlds on one database share it.
pub(crate) struct Store {
    pub(crate) runtime: Runtime,
    pub(crate) url: String,
    /// The same for the test itself, whose connections are told from those of the instances.
    own_url: String,
    /// Of SQLite.
    _folder: Option<tempfile::TempDir>,
    db: OnceLock<Database>,
}

impl Store {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let url = format!("sqlite://{}", folder.path().join("counter.db").display());
        let own_url = url.clone();
        Self { runtime: runtime(), url, own_url, _folder: Some(folder), db: OnceLock::new() }
    }

    /// A schema of its own, empty, in the database of `TEST_POSTGRES_URL`. Without that nothing is
    /// tested, and the test says so.
    pub(crate) fn postgres(schema: &'static str, make: [&'static str; 2]) -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            clippy::print_stderr,
            reason = "a test has no command line, and says what it has not done"
        )]
        let Ok(url) = std::env::var("TEST_POSTGRES_URL") else {
            eprintln!("NOT TESTED on PostgreSQL: TEST_POSTGRES_URL is not set");
            return None;
        };
        let runtime = runtime();
        runtime.block_on(async {
            let db = Database::connect(&url).await.expect("database");
            let mut tx = db.begin().await.expect("begun");
            for sql in make {
                tx.execute(sql, Input::new()).await.expect("executed");
            }
            tx.commit().await.expect("committed");
            db.close().await;
        });
        let and = if url.contains('?') { '&' } else { '?' };
        let own_url = format!("{url}{and}options=-c%20search_path%3D{schema}");
        let url = format!("{own_url}&application_name={schema}");
        Some(Self { runtime, url, own_url, _folder: None, db: OnceLock::new() })
    }

    fn db(&self) -> &Database {
        let connect = || {
            self.runtime
                .block_on(async { Database::connect(&self.own_url).await })
                .expect("database")
        };
        self.db.get_or_init(connect)
    }
}

fn runtime() -> Runtime {
    Runtime::new().expect("runtime")
}

/// Another process that writes to the database and does not end its transaction until it is
/// unlocked.
pub(crate) struct Lock {
    store: Arc<Store>,
    held: Option<Transaction>,
}

impl Lock {
    pub(crate) fn unlock(self) {
        drop(self);
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _context = self.store.runtime.enter();
        drop(self.held.take());
    }
}

impl World {
    /// Makes the tables, so that a test can fill them before the first instance starts.
    pub(crate) fn migrate(&self) {
        let sql = include_str!("../../migrations/0001_choreography.sql");
        let mut migrations = vec![Migration { version: 1, name: "choreography", sql }];
        migrations.extend(Counter.migrations());
        let db = self.store.db();
        self.store.runtime.block_on(db.migrate(&migrations)).expect("tables");
    }

    pub(crate) fn execute(&self, sql: &'static str) {
        let db = self.store.db();
        self.store.runtime.block_on(async {
            let mut tx = db.begin().await.expect("begun");
            tx.execute(sql, Input::new()).await.expect("executed");
            tx.commit().await.expect("committed");
        });
    }

    /// Rows of one column from the database.
    pub(crate) fn rows<T>(&self, sql: &'static str) -> Vec<T>
    where
        (T,): Row,
    {
        let db = self.store.db();
        self.store.runtime.block_on(async {
            let mut tx = db.begin_read().await.expect("begun");
            let rows = tx.fetch::<(T,)>(sql, Input::new()).await.expect("rows");
            tx.rollback().await.expect("ended");
            rows.into_iter().map(|(row,)| row).collect()
        })
    }

    /// One number from the database.
    pub(crate) fn number(&self, sql: &'static str) -> i64 {
        self.rows(sql)[0]
    }

    /// Waits until nothing is owed.
    pub(crate) fn wait_until_forgotten(&self) {
        let owed = || self.number("SELECT COUNT(*) FROM owed");
        super::harness::wait("forgetting", || (owed() == 0).then_some(()));
    }

    pub(crate) fn lock(&self) -> Lock {
        let held = self.store.runtime.block_on(self.store.db().begin()).expect("locked");
        Lock { store: Arc::clone(&self.store), held: Some(held) }
    }
}
