//! A running order-svc.

use std::ops::Deref;
use std::time::{Duration, Instant};

use choreography::db::{Database, Input, Row};
use choreography::embedded::EmbeddedBroker;
use choreography::service::{Heard, Service as _};
use choreography::{Config, Stop, topics};
use clap::Parser;
use order_svc::{Hears, Options, Orders, http};
use serde_json::{Value, json};
use shared_events::amounts::Timestamp;

use crate::client::Client;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    http: http::Options,
}

/// The service, its broker and its database.
pub(crate) struct Service {
    pub(crate) broker: EmbeddedBroker,
    client: Client,
    database_url: String,
    options: Options,
    stop: Stop,
    task: Option<tokio::task::JoinHandle<anyhow::Result<()>>>,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Service {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(more: &[&str]) -> Self {
        let broker =
            EmbeddedBroker::start(&topics::needed_by(&[order_svc::manifest()])).expect("broker");
        let folder = tempfile::tempdir().expect("folder");
        let database_url = format!("sqlite://{}/orders.db", folder.path().display());
        let brokers = broker.brokers();
        let mut arguments = vec!["order-svc", "-b", &brokers, "--database-url", &database_url];
        arguments.extend(more);
        let mut cli = Cli::try_parse_from(arguments).expect("arguments");
        cli.config.embedded = true;
        let stop = Stop::new(Duration::from_secs(5));
        let runtime = tokio::runtime::Runtime::new().expect("runtime");
        let listener =
            runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("port");
        let client = Client { address: listener.local_addr().expect("address").to_string() };
        let orders = Orders::new(&cli.options).expect("options").with_http(cli.http);
        let options = cli.options;
        let task =
            runtime.spawn(choreography::serve(cli.config, orders, stop.clone(), Some(listener)));
        let task = Some(task);
        Self { broker, client, database_url, options, stop, task, runtime, _folder: folder }
    }

    /// Waits until there is a database to write to.
    pub(crate) fn up(self) -> Self {
        self.get_until("/orders", |answer| answer.status == 200);
        self
    }

    /// Handles events as another instance on the same database does, at the time `now`.
    pub(crate) fn elsewhere(&self, now: i64, heard: &[Heard<Hears>]) {
        let orders = Orders::new(&self.options).expect("options");
        self.runtime.block_on(async {
            let db = Database::connect(&self.database_url).await.expect("the database");
            let mut tx = db.begin().await.expect("a transaction");
            let mut book = orders.load(&mut tx, heard).await.expect("loaded");
            for event in heard {
                orders.react(&mut book, event, Timestamp(now));
            }
            orders.save(&mut tx, book).await.expect("saved");
            tx.commit().await.expect("committed");
            db.close().await;
        });
    }

    pub(crate) fn fetch<T: Row>(&self, sql: &'static str) -> Vec<T> {
        self.runtime.block_on(async {
            let db = Database::connect(&self.database_url).await.expect("the database");
            let mut tx = db.begin_read().await.expect("a transaction");
            let rows = tx.fetch(sql, Input::new()).await.expect("rows");
            drop(tx);
            db.close().await;
            rows
        })
    }

    /// Stops it. Out: how long that took.
    pub(crate) fn stop(&mut self) -> Duration {
        let began = Instant::now();
        self.stop.stop();
        if let Some(task) = self.task.take() {
            self.runtime.block_on(task).expect("no panic").expect("a good end");
        }
        began.elapsed()
    }
}

impl Deref for Service {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

/// An order that is right.
pub(crate) fn order() -> Value {
    json!({
        "currency": "EUR",
        "lines": [{"sku": "teapot", "seller_id": "acme", "quantity": 2, "unit_price": 1250, "unit_weight": 800}],
        "ship_to": {"name": "Ada", "street": "Main Street 1", "postal_code": "10115", "city": "Berlin", "country": "DE"},
    })
}
