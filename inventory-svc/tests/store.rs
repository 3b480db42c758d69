//! The stock in the database: what is saved is what is loaded, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use choreography::db::{Database, Input, Transaction};
use choreography::service::{Heard, Said, Service};
use inventory_svc::opening::Opening;
use inventory_svc::state::{LastWord, Pieces, Stock};
use inventory_svc::{Hears, Inventory, Options, store};
use shared_events::amounts::{Grams, MinorUnits, Quantity, Timestamp};
use shared_events::deliveries::StockReceived;
use shared_events::ids::EventId;
use shared_events::orders::{Address, OrderCancelled, OrderLine, OrderPlaced};
use uuid::Uuid;

fn heard(event: impl Into<Hears>) -> Heard<Hears> {
    Heard::new(EventId(Uuid::nil()), None, event.into())
}

fn placed(id: &str, lines: &[(&str, i64)]) -> Heard<Hears> {
    let line = |&(sku, quantity): &(&str, i64)| OrderLine {
        sku: sku.parse().unwrap(),
        seller_id: "acme".parse().unwrap(),
        quantity: Quantity::new(quantity).unwrap(),
        unit_price: MinorUnits::new(1).unwrap(),
        unit_weight: Grams::new(1).unwrap(),
    };
    let text = || "'\"\\ \u{1f600}".to_owned();
    heard(OrderPlaced {
        order_id: id.parse().unwrap(),
        currency: "EUR".into(),
        lines: lines.iter().map(line).collect(),
        ship_to: Address {
            name: text(),
            street: text(),
            postal_code: text(),
            city: text(),
            country: text(),
        },
    })
}

fn cancelled(id: &str) -> Heard<Hears> {
    heard(OrderCancelled { order_id: id.parse().unwrap(), reasons: vec![] })
}

fn received(sku: &str, quantity: i64) -> Heard<Hears> {
    let quantity = Quantity::new(quantity).unwrap();
    heard(StockReceived { sku: sku.parse().unwrap(), quantity })
}

/// The service on a database.
struct World {
    db: Database,
    inventory: Inventory,
}

impl World {
    async fn new(db: Database) -> Self {
        let inventory = Inventory::new(&Options { stock_file: None }).unwrap();
        db.migrate(&inventory.migrations()).await.unwrap();
        let world = Self { db, inventory };
        world.open(&[("teapot", 10), ("print", 1)]).await;
        world
    }

    async fn open(&self, pieces: &[(&str, i64)]) {
        let pieces = pieces.iter().map(|(sku, pieces)| (sku.parse().unwrap(), *pieces));
        let mut tx = self.db.begin().await.unwrap();
        store::open(&mut tx, &Opening(pieces.collect())).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Handles a batch as the runtime does. Out: how many events were said.
    async fn hear(&self, batch: &[Heard<Hears>]) -> usize {
        let mut tx = self.db.begin().await.unwrap();
        let mut stock = self.inventory.load(&mut tx, batch).await.unwrap();
        let said = batch.iter().flat_map(|h| self.inventory.react(&mut stock, h, Timestamp(0)));
        let said = said.filter(|said| matches!(said, Said::Now(_))).count();
        let saved = stock.clone();
        self.inventory.save(&mut tx, stock).await.unwrap();
        let loaded = self.inventory.load(&mut tx, batch).await.unwrap();
        assert_eq!(loaded.orders, saved.orders);
        // Fewer SKUs are needed when nothing is reserved any more.
        assert!(loaded.skus.iter().all(|(sku, pieces)| saved.skus[sku] == *pieces));
        assert!(loaded.changed_skus().is_empty() && loaded.changed_orders().is_empty());
        tx.commit().await.unwrap();
        said
    }

    async fn load(&self, batch: &[Heard<Hears>]) -> Stock {
        let mut tx = self.db.begin().await.unwrap();
        self.inventory.load(&mut tx, batch).await.unwrap()
    }

    /// The SKUs that the query in the migration's comment finds.
    async fn not_conserved(&self) -> Vec<(String,)> {
        let mut tx = self.db.begin().await.unwrap();
        let sql = "SELECT s.sku FROM stock s LEFT JOIN reservations r ON r.sku = s.sku
            GROUP BY s.sku, s.initial, s.received, s.available
            HAVING s.initial + s.received <> s.available + COALESCE(SUM(r.quantity), 0)";
        tx.fetch(sql, Input::new()).await.unwrap()
    }
}

async fn whole_life_of_some_orders(db: Database) {
    let world = World::new(db).await;
    let first = [
        placed("1", &[("teapot", 2), ("print", 1), ("teapot", 2)]),
        placed("2", &[("print", 1)]),
        cancelled("3"),
        received("unicorn", 7),
        placed("4", &[("unicorn", 7)]),
        placed("5", &[("teapot", 1)]),
        cancelled("5"),
        placed("6", &vec![("teapot", 1); 101]),
    ];
    assert_eq!(world.hear(&first).await, 6);
    assert_eq!(world.not_conserved().await, vec![]);
    let second = [
        cancelled("1"),
        placed("2", &[("teapot", 1)]),
        placed("3", &[("teapot", 1)]),
        received("unicorn", 1),
        placed("'; DROP TABLE stock; --", &[("teapot", 10)]),
    ];
    assert_eq!(world.hear(&second).await, 3);
    assert_eq!(world.not_conserved().await, vec![]);
    let all = world.load(&[&first[..], &second[..]].concat()).await;
    let word = |id: &str| all.orders[&id.parse().unwrap()].clone();
    let pieces = |sku: &str| all.skus[&sku.parse().unwrap()];
    assert_eq!(word("1"), LastWord::Released);
    assert_eq!(word("2"), LastWord::Rejected);
    assert_eq!(word("3"), LastWord::Rejected);
    assert_eq!(word("4"), LastWord::Reserved([("unicorn".parse().unwrap(), 7)].into()));
    assert_eq!(word("5"), LastWord::Released);
    assert_eq!(word("6"), LastWord::Rejected);
    assert_eq!(pieces("teapot"), Pieces { initial: 10, received: 0, available: 0 });
    assert_eq!(pieces("print"), Pieces { initial: 1, received: 0, available: 1 });
    assert_eq!(pieces("unicorn"), Pieces { initial: 0, received: 8, available: 1 });
}

async fn prepare_never_overwrites(db: Database) {
    let world = World::new(db).await;
    world.hear(&[placed("1", &[("teapot", 4)])]).await;
    world.open(&[("teapot", 500), ("kettle", 3)]).await;
    let stock = world.load(&[received("teapot", 1), received("kettle", 1)]).await;
    let pieces = |sku: &str| stock.skus[&sku.parse().unwrap()];
    assert_eq!(pieces("teapot"), Pieces { initial: 10, received: 0, available: 6 });
    assert_eq!(pieces("kettle"), Pieces::opening(3));
}

/// Two instances want the last print: the second waits for the first, and sees what it took.
async fn hot_sku_under_contention(db: Database) {
    let world = World::new(db).await;
    let first = placed("1", &[("print", 1)]);
    let second = placed("2", &[("teapot", 1), ("print", 1)]);

    let mut tx = world.db.begin().await.unwrap();
    let mut stock = world.inventory.load(&mut tx, std::slice::from_ref(&first)).await.unwrap();
    world.inventory.react(&mut stock, &first, Timestamp(0));
    let mut waiting = std::pin::pin!(world.hear(std::slice::from_ref(&second)));
    let patience = Duration::from_millis(300);
    assert!(tokio::time::timeout(patience, &mut waiting).await.is_err(), "it did not wait");
    world.inventory.save(&mut tx, stock).await.unwrap();
    tx.commit().await.unwrap();
    waiting.await;

    let orders = world.load(&[first, second.clone()]).await.orders;
    assert!(orders[&"1".parse().unwrap()].reserved().is_some());
    assert_eq!(orders[&"2".parse().unwrap()], LastWord::Rejected);
    assert_eq!(world.not_conserved().await, vec![]);
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
    let mut tx: Transaction = db.begin().await.unwrap();
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
    whole_life_of_some_orders:
        round_trip_on_sqlite,
        round_trip_on_postgres_only_if_test_postgres_url_is_set,
        "inventory_svc_round_trip";
    prepare_never_overwrites:
        prepare_never_overwrites_on_sqlite,
        prepare_never_overwrites_on_postgres_only_if_test_postgres_url_is_set,
        "inventory_svc_prepare";
    hot_sku_under_contention:
        contention_on_sqlite,
        contention_on_postgres_only_if_test_postgres_url_is_set,
        "inventory_svc_contention";
}
