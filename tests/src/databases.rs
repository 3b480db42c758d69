//! The services' databases: made for one test, read by it, and gone with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use choreography::db::{Database, Input, Row};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool, SqlitePool};

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
    server: Option<(PgConnectOptions, Vec<String>)>,
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
        let server = PgConnectOptions::from_str(postgres).expect("POSTGRES_URL");
        let names = by_service(|service| format!("test_{test}_{service:?}").to_lowercase());
        let urls = names.iter().map(|(service, name)| {
            let url = server.clone().database(name).to_url_lossy();
            (*service, url.to_string())
        });
        let urls = urls.collect();
        let names: Vec<String> = names.into_values().collect();
        drop_all(&server, &names);
        each(&server, names.iter().map(|name| format!("CREATE DATABASE {name}")));
        Self { urls, server: Some((server, names)) }
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
        block_on(async {
            let db = self.connect(service).await;
            let mut tx = db.begin_read().await.expect("a transaction");
            let rows = tx.fetch(sql, Input::new()).await;
            tx.rollback().await.expect("its end");
            db.close().await;
            rows.unwrap_or_else(|fault| panic!("{}: {sql}: {fault}", service.name()))
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

    /// All rows of all tables of `service` as text, by table, in an order of their own.
    ///
    /// # Panics
    /// They cannot be read.
    #[must_use]
    pub fn dump(&self, service: Service) -> BTreeMap<String, Vec<String>> {
        block_on(async {
            let db = self.connect(service).await;
            let dump = match &db {
                Database::Postgres(pool) => dump_postgres(pool).await,
                Database::Sqlite(pool) => dump_sqlite(pool).await,
            };
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

fn drop_all(server: &PgConnectOptions, names: &[String]) {
    each(server, names.iter().map(|name| format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
}

fn each(server: &PgConnectOptions, statements: impl Iterator<Item = String>) {
    block_on(async {
        let connected = PgConnection::connect_with(server).await;
        let mut server = connected.expect("PostgreSQL at POSTGRES_URL; is it running?");
        for sql in statements {
            let done = sqlx::query(AssertSqlSafe(sql.clone())).execute(&mut server).await;
            done.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        server.close().await.expect("the end of the connection");
    });
}

type Dump = Result<BTreeMap<String, Vec<String>>, sqlx::Error>;

async fn dump_postgres(pool: &PgPool) -> Dump {
    const TABLES: &str = "SELECT tablename::text FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'";
    let mut dump = BTreeMap::new();
    for table in sqlx::query_scalar::<_, String>(TABLES).fetch_all(pool).await? {
        let sql = format!("SELECT t::text FROM {table} t ORDER BY 1");
        let rows = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await?;
        dump.insert(table, rows);
    }
    Ok(dump)
}

async fn dump_sqlite(pool: &SqlitePool) -> Dump {
    const COLUMNS: &str = "SELECT t.name, group_concat('quote(' || c.name || ')', '||'',''||')
        FROM sqlite_master t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name <> '_sqlx_migrations' GROUP BY t.name";
    let mut dump = BTreeMap::new();
    for (table, row) in sqlx::query_as::<_, (String, String)>(COLUMNS).fetch_all(pool).await? {
        let sql = format!("SELECT {row} FROM {table} ORDER BY 1");
        let rows = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await?;
        dump.insert(table, rows);
    }
    Ok(dump)
}
