//! What is saved is what is loaded again, in both databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use choreography::db::{Database, Input};
use choreography::service::{Heard, Service};
use seller_svc::state::Notice;
use seller_svc::{Hears, Options, Sellers};
use shared_events::ids::{EventId, OrderId};
use shared_events::orders::OrderCancelled;
use uuid::Uuid;

#[tokio::test]
async fn round_trip_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sellers.db");
    round_trip(&format!("sqlite://{}", file.display())).await;
}

#[tokio::test]
async fn round_trip_on_postgresql_only_if_test_postgres_url_is_set() {
    #[expect(clippy::disallowed_methods, reason = "a test has no command line")]
    let Ok(url) = std::env::var("TEST_POSTGRES_URL") else {
        eprintln!("NOT TESTED on PostgreSQL: TEST_POSTGRES_URL is not set");
        return;
    };
    let db = Database::connect(&url).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    for sql in [
        "DROP SCHEMA IF EXISTS seller_svc_round_trip CASCADE",
        "CREATE SCHEMA seller_svc_round_trip",
    ] {
        tx.execute(sql, Input::new()).await.unwrap();
    }
    tx.commit().await.unwrap();
    db.close().await;
    let and = if url.contains('?') { '&' } else { '?' };
    round_trip(&format!("{url}{and}options=-c%20search_path%3Dseller_svc_round_trip")).await;
}

async fn round_trip(url: &str) {
    let options = Options { sellers_file: None };
    let service = Sellers::new(&options).unwrap();
    let db = Database::connect(url).await.unwrap();
    db.migrate(&service.migrations()).await.unwrap();
    let sellers = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect();
    let states = [
        Notice::CancelledUnheard,
        Notice::Notified(sellers(&["borealis", "an id with spaces", "acme"])),
        Notice::Notified(sellers(&[])),
        Notice::Closed,
    ];
    let orders: Vec<OrderId> =
        (0..states.len()).map(|n| format!("order-{n}").parse().unwrap()).collect();
    let heard: Vec<_> = orders.iter().map(heard).collect();

    // Each order goes through all states, so each is inserted once and updated by each other.
    for shift in 0..states.len() {
        let mut tx = db.begin().await.unwrap();
        let mut notices = service.load(&mut tx, &heard).await.unwrap();
        assert_eq!(notices.orders.len(), if shift == 0 { 0 } else { orders.len() });
        for (order, state) in orders.iter().zip(states.iter().cycle().skip(shift)) {
            notices.set(order, state.clone());
        }
        let saved = notices.orders.clone();
        service.save(&mut tx, notices).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = db.begin().await.unwrap();
        let loaded = service.load(&mut tx, &heard).await.unwrap();
        assert_eq!(loaded.orders, saved);
        // One order is loaded alone, and nothing changed is nothing saved.
        let one = service.load(&mut tx, &heard[..1]).await.unwrap();
        assert_eq!(one.orders.len(), 1);
        service.save(&mut tx, one).await.unwrap();
        tx.commit().await.unwrap();
    }
    db.close().await;
}

fn heard(order: &OrderId) -> Heard<Hears> {
    let cancelled = OrderCancelled { order_id: order.clone(), reasons: vec![] };
    Heard::new(EventId(Uuid::nil()), None, cancelled.into())
}
