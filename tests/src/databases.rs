//! The services' databases: made for one test, read by it, and gone with it.

use std::collections::BTreeMap;
use std::path::Path;

use choreography::db::{Database, DbResult, Input, Row, Transaction};
use tokio_postgres::NoTls;

use crate::service::Service;
use crate::wait::block_on;

/// In what the services keep their state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// A database each on the server of `POSTGRES_URL`.
    Postgres,
    /// A file each.
    Sqlite,
}

/// The databases of all services, for one test.
pub struct Databases {
    urls: BTreeMap<Service, String>,
    /// How to reach the server, and the names of the databases on it.
    server: Option<(String, Vec<String>)>,
}

impl Databases {
    /// Makes empty ones: for PostgreSQL on the server at `postgres`, named after `test`; for SQLite
    /// in `folder`.
    ///
    /// # Panics
    /// They cannot be made.
    #[must_use]
    pub fn new(storage: Storage, test: &str, postgres: &str, folder: &Path) -> Self {
        match storage {
            Storage::Postgres => Self::on_server(test, postgres),
            Storage::Sqlite => Self {
                urls: by_service(|service| {
                    format!("sqlite://{}/{}.db", folder.display(), service.name())
                }),
                server: None,
            },
        }
    }

    fn on_server(test: &str, postgres: &str) -> Self {
        let (server, _) = postgres.rsplit_once('/').expect("POSTGRES_URL names a database");
        let names = by_service(|service| format!("test_{test}_{service:?}").to_lowercase());
        let urls = by_service(|service| format!("{server}/{}", names[&service]));
        let names: Vec<String> = names.into_values().collect();
        drop_all(postgres, &names);
        each(postgres, names.iter().map(|name| format!("CREATE DATABASE {name}")));
        Self { urls, server: Some((postgres.to_owned(), names)) }
    }

    /// The value of `DATABASE_URL` for `service`.
    #[must_use]
    pub fn url(&self, service: Service) -> &str {
        &self.urls[&service]
    }

    /// Reads rows of the database of `service`, as the service itself does.
    ///
    /// # Panics
    /// The statement fails.
    #[must_use]
    pub fn rows<T: Row>(&self, service: Service, sql: &'static str) -> Vec<T> {
        self.read(service, async |tx| tx.fetch(sql, Input::new()).await)
    }

    /// Reads in a transaction on the database of `service`.
    ///
    /// # Panics
    /// It fails.
    pub fn read<T>(
        &self,
        service: Service,
        reading: impl AsyncFnOnce(&mut Transaction) -> DbResult<T>,
    ) -> T {
        block_on(async {
            let db = self.connect(service).await;
            let mut tx = db.begin_read().await.expect("a transaction");
            let read = reading(&mut tx).await;
            tx.rollback().await.expect("its end");
            db.close().await;
            read.unwrap_or_else(|fault| panic!("{}: {fault}", service.name()))
        })
    }

    /// The one number that a statement gives.
    ///
    /// # Panics
    /// It gives none.
    #[must_use]
    pub fn number(&self, service: Service, sql: &'static str) -> i64 {
        self.rows::<(i64,)>(service, sql).first().expect("a row").0
    }

    /// Changes the PostgreSQL database of `service` behind its back.
    ///
    /// # Panics
    /// The statement fails.
    pub fn change(&self, service: Service, sql: &str) {
        each(self.url(service), std::iter::once(sql.to_owned()));
    }

    /// All rows of all tables of `service` as text, by table, in an order of their own.
    ///
    /// # Panics
    /// They cannot be read.
    #[must_use]
    pub fn dump(&self, service: Service) -> BTreeMap<String, Vec<String>> {
        block_on(async {
            let db = self.connect(service).await;
            let dump = dump(&db).await;
            db.close().await;
            dump.expect("all rows")
        })
    }

    async fn connect(&self, service: Service) -> Database {
        Database::connect(self.url(service)).await.expect("a database")
    }
}

impl Drop for Databases {
    /// After a failure they are kept, for whoever wants to look; the next run deletes them.
    fn drop(&mut self) {
        if let Some((server, names)) = &self.server
            && !std::thread::panicking()
        {
            drop_all(server, names);
        }
    }
}

fn by_service(value: impl Fn(Service) -> String) -> BTreeMap<Service, String> {
    Service::ALL.into_iter().map(|service| (service, value(service))).collect()
}

/// Whoever is still connected goes first. Not by `WITH (FORCE)`: where the server's own cleaning is at
/// work in the database, that needs a superuser, and a plain DROP waits for it.
fn drop_all(server: &str, names: &[String]) {
    let statements = names.iter().flat_map(|name| {
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = '{name}' AND usename = current_user"
        );
        [end, format!("DROP DATABASE IF EXISTS {name}")]
    });
    each(server, statements);
}

/// Outside of any transaction: in one no database can be made.
fn each(server: &str, statements: impl Iterator<Item = String>) {
    block_on(async {
        let connected = tokio_postgres::connect(server, NoTls).await;
        let (client, connection) = connected.expect("PostgreSQL at POSTGRES_URL; is it running?");
        let all = async {
            for sql in statements {
                let done = client.batch_execute(&sql).await;
                done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            }
        };
        tokio::select! {
            () = all => {}
            ended = connection => panic!("the connection has ended: {ended:?}"),
        }
    });
}

async fn dump(db: &Database) -> DbResult<BTreeMap<String, Vec<String>>> {
    const POSTGRES: &str = "SELECT tablename::text, 't::text' FROM pg_tables t
        WHERE schemaname = 'public' AND tablename <> 'migrations'";
    const SQLITE: &str = "SELECT t.name, group_concat('quote(' || c.name || ')', '||'',''||')
        FROM sqlite_master t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name <> 'migrations' GROUP BY t.name";
    let tables = match db {
        Database::Postgres(_) => POSTGRES,
        Database::Sqlite(_) => SQLITE,
    };
    let mut tx = db.begin_read().await?;
    let mut dump = BTreeMap::new();
    for (table, row) in tx.fetch::<(String, String)>(tables, Input::new()).await? {
        let sql = format!("SELECT {row} FROM {table} t ORDER BY 1");
        let rows = tx.fetch::<(String,)>(&sql, Input::new()).await?;
        dump.insert(table, rows.into_iter().map(|(row,)| row).collect());
    }
    tx.rollback().await?;
    Ok(dump)
}
