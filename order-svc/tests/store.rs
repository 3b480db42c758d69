//! The orders in the database: what is saved is what is loaded, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use choreography::db::{Database, Input};
use choreography::service::{Heard, Service};
use common::*;
use order_svc::state::{Order, OrderBook};
use order_svc::{Hears, Options, Orders};
use shared_events::amounts::Timestamp;
use shared_events::ids::OrderId;
use shared_events::orders::OrderPlaced;

/// The service on a database.
struct World {
    db: Database,
    orders: Orders,
}

impl World {
    async fn new(db: Database) -> Self {
        let orders = Orders::new(&Options { deadline: Duration::from_secs(30) }).unwrap();
        db.migrate(&orders.migrations()).await.unwrap();
        Self { db, orders }
    }

    async fn load(&self, batch: &[Heard<Hears>]) -> OrderBook {
        let mut tx = self.db.begin().await.unwrap();
        self.orders.load(&mut tx, batch).await.unwrap()
    }

    /// Handles a batch as the runtime does, and looks whether what was saved is what is loaded.
    async fn hear(&self, batch: &[Heard<Hears>]) {
        let mut tx = self.db.begin().await.unwrap();
        let mut book = self.orders.load(&mut tx, batch).await.unwrap();
        for (time, heard) in (1_000..).zip(batch) {
            self.orders.react(&mut book, heard, Timestamp(time));
        }
        let expected = without_bodies(&book);
        self.orders.save(&mut tx, book).await.unwrap();
        tx.commit().await.unwrap();
        let loaded = self.load(batch).await;
        assert_eq!(loaded.changed(), vec![]);
        assert_eq!(loaded.orders, expected);
    }

    async fn fetch<T: choreography::db::Row>(&self, sql: &'static str) -> Vec<T> {
        let mut tx = self.db.begin().await.unwrap();
        tx.fetch(sql, Input::new()).await.unwrap()
    }
}

/// Decisions do not read bodies, so they are not loaded.
fn without_bodies(book: &OrderBook) -> BTreeMap<OrderId, Order> {
    let mut orders = book.orders.clone();
    for order in orders.values_mut() {
        if let Some(placed) = &mut order.placed {
            placed.body = None;
        }
    }
    orders
}

/// A story about `order-1`, told about another order.
fn about(order: &str, story: &[Heard<Hears>]) -> Vec<Heard<Hears>> {
    let order_id = || order.parse().unwrap();
    story
        .iter()
        .cloned()
        .map(|mut heard| {
            match &mut heard.event {
                Hears::OrderPlaced(event) => event.order_id = order_id(),
                Hears::CancellationRequested(event) => event.order_id = order_id(),
                Hears::StockReserved(event) => event.order_id = order_id(),
                Hears::StockRejected(event) => event.order_id = order_id(),
                Hears::ShipmentPlanned(event) => event.order_id = order_id(),
                Hears::ShipmentRejected(event) => event.order_id = order_id(),
                Hears::SellerNotified(event) => event.order_id = order_id(),
                Hears::SellerDeclined(event) => event.order_id = order_id(),
                Hears::ShipmentDelivered(event) => event.order_id = order_id(),
                Hears::OrderDeadlinePassed(event) => event.order_id = order_id(),
            }
            heard
        })
        .collect()
}

fn stories() -> Vec<Vec<Heard<Hears>>> {
    let agree = [
        placed(1),
        reserved(2, 1),
        planned(3, 1),
        notified(4, 1, "acme"),
        notified(5, 1, "globex"),
    ];
    let backwards: Vec<_> = agree.iter().rev().cloned().collect();
    vec![
        [agree.to_vec(), vec![delivered(8, 77)]].concat(),
        [backwards, vec![delivered(8, 77)]].concat(),
        vec![placed(1), short(2, 1), not_served(3, 1), declined(4, 1, "acme")],
        vec![short(12, 9), reserved(2, 1), declined(14, 9, "acme"), placed(1), deadline(7)],
        vec![requested(6, "'; DROP TABLE orders; -- \u{0} \\ \""), placed(1), reserved(2, 1)],
        vec![event(1, order_placed(&["acme"; 101])), placed(9), reserved(2, 1)],
        vec![delivered(8, 77), planned(3, 1)],
        vec![deadline(7), requested(6, "")],
    ]
}

/// Each story event by event, all of them side by side.
async fn event_by_event(db: Database) {
    let world = World::new(db).await;
    let stories = stories();
    let length = stories.iter().map(Vec::len).max().unwrap();
    for step in 0..length {
        let steps = stories.iter().enumerate().filter_map(|(n, story)| {
            Some(about(&format!("order-{n}"), std::slice::from_ref(story.get(step)?)))
        });
        world.hear(&steps.flatten().collect::<Vec<_>>()).await;
    }
    check_stories(&world).await;
}

/// All stories in one batch.
async fn all_at_once(db: Database) {
    let world = World::new(db).await;
    let stories = stories();
    let batch = stories.iter().enumerate().map(|(n, story)| about(&format!("order-{n}"), story));
    world.hear(&batch.flatten().collect::<Vec<_>>()).await;
    check_stories(&world).await;
}

/// What a reader of the tables sees after the stories.
async fn check_stories(world: &World) {
    type Row = (String, Option<String>, Option<i64>, Option<i64>);
    let orders: Vec<Row> = world
        .fetch("SELECT order_id, status, placed_at, total FROM orders ORDER BY order_id")
        .await;
    let shown =
        orders.iter().map(|(id, status, _, total)| (id.as_str(), status.as_deref(), *total));
    let expected = [
        ("order-0", Some("completed"), Some(7_500)),
        ("order-1", Some("completed"), Some(7_500)),
        ("order-2", Some("cancelled"), Some(7_500)),
        ("order-3", Some("cancelled"), Some(7_500)),
        ("order-4", Some("cancelled"), Some(7_500)),
        ("order-5", Some("cancelled"), Some(250_000)),
        ("order-6", None, None),
        ("order-7", None, None),
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
    assert!(orders.iter().all(|(_, status, at, _)| status.is_some() == at.is_some()));

    // The body stays when the row is written again, and holds what was said.
    let bodies: Vec<(String, i64)> =
        world.fetch("SELECT body, placed_at FROM orders WHERE order_id = 'order-0'").await;
    let body: OrderPlaced = serde_json::from_str(&bodies[0].0).unwrap();
    let mut expected = order_placed(&["globex", "acme", "globex"]);
    expected.order_id = "order-0".parse().unwrap();
    assert_eq!(body, expected);

    // The state is what decisions saw: answers to another OrderPlaced are gone.
    let states: Vec<(String,)> =
        world.fetch("SELECT state FROM orders WHERE order_id = 'order-3'").await;
    let state: Order = serde_json::from_str(&states[0].0).unwrap();
    assert_eq!(state.answers.iter().map(|a| a.id).collect::<Vec<_>>(), [id(2)]);

    let newest: Vec<(String,)> = world
        .fetch(
            "SELECT order_id FROM orders WHERE status = 'completed'
             ORDER BY placed_at DESC, order_id DESC LIMIT 1",
        )
        .await;
    assert_eq!(newest, [("order-1".to_owned(),)]);
}

async fn sqlite() -> (Database, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    (Database::connect(&url).await.unwrap(), folder)
}

/// A schema of its own, empty, in the database of TEST_POSTGRES_URL. Without that nothing is
/// tested, and the test says so.
async fn postgres(schema: &str, make: [&'static str; 2]) -> Option<Database> {
    #[expect(
        clippy::disallowed_methods,
        clippy::print_stderr,
        reason = "a test has no command line and no log"
    )]
    let Ok(url) = std::env::var("TEST_POSTGRES_URL") else {
        eprintln!("NOT TESTED on PostgreSQL: TEST_POSTGRES_URL is not set");
        return None;
    };
    let db = Database::connect(&url).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    for sql in make {
        tx.execute(sql, Input::new()).await.unwrap();
    }
    tx.commit().await.unwrap();
    db.close().await;
    let and = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{and}options=-c%20search_path%3D{schema}");
    Some(Database::connect(&url).await.unwrap())
}

macro_rules! on_both {
    ($($test:ident: $on_sqlite:ident, $on_postgres:ident, $schema:literal;)+) => {$(
        #[tokio::test]
        async fn $on_sqlite() {
            let (db, _folder) = sqlite().await;
            $test(db).await;
        }

        #[tokio::test]
        async fn $on_postgres() {
            let make = [
                concat!("DROP SCHEMA IF EXISTS ", $schema, " CASCADE"),
                concat!("CREATE SCHEMA ", $schema),
            ];
            if let Some(db) = postgres($schema, make).await {
                $test(db).await;
            }
        }
    )+};
}

on_both! {
    event_by_event:
        event_by_event_on_sqlite,
        event_by_event_on_postgres_only_if_test_postgres_url_is_set,
        "order_svc_event_by_event";
    all_at_once:
        all_at_once_on_sqlite,
        all_at_once_on_postgres_only_if_test_postgres_url_is_set,
        "order_svc_all_at_once";
}
