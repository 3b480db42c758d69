//! What the services have in their databases, as far as it has to fit to the topics.

use std::collections::{BTreeMap, BTreeSet};

use choreography::db::Row;
use shared_events::ids::EventId;
use uuid::Uuid;

use crate::databases::Databases;
use crate::service::Service;

/// The state of all services, at rest.
#[derive(Clone, Debug)]
pub struct Books {
    /// order-svc: how far each order is; none before its OrderPlaced was heard.
    pub orders: BTreeMap<String, Option<String>>,
    /// inventory-svc: the pieces of each SKU.
    pub stock: BTreeMap<String, Pieces>,
    /// inventory-svc: what is reserved, by order and SKU.
    pub reservations: BTreeMap<String, BTreeMap<String, i64>>,
    /// inventory-svc: its last word on each order.
    pub last_words: BTreeMap<String, String>,
    /// logistics-svc: the status of each shipment.
    pub shipments: BTreeMap<String, String>,
    /// seller-svc: the status of each notice, and who was notified.
    pub notices: BTreeMap<String, (String, BTreeSet<String>)>,
    /// What the runtime keeps for each service.
    pub runtime: BTreeMap<Service, Runtime>,
}

/// The pieces of one SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// At first.
    pub initial: i64,
    /// Since.
    pub received: i64,
    /// Free for orders.
    pub available: i64,
}

/// The runtime's tables.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// The ids of events that had their effect, and whether they are dead (1) or were (2).
    pub handled: BTreeMap<EventId, i64>,
    /// The sequence of the last answer about each key.
    pub spoken: BTreeMap<String, i64>,
    /// What is not known to be on Kafka, by id, with its topic.
    pub owed: BTreeMap<EventId, String>,
}

impl Books {
    /// Reads all databases.
    #[must_use]
    pub fn read(databases: &Databases) -> Self {
        Self {
            orders: map(databases, Service::Order, "SELECT order_id, status FROM orders"),
            stock: stock(databases),
            reservations: reservations(databases),
            last_words: map(databases, Service::Inventory, "SELECT order_id, word FROM last_words"),
            shipments: map(databases, Service::Logistics, "SELECT order_id, status FROM shipments"),
            notices: notices(databases),
            runtime: Service::ALL.map(|service| (service, runtime(databases, service))).into(),
        }
    }
}

fn map<K, V>(databases: &Databases, service: Service, sql: &'static str) -> BTreeMap<K, V>
where
    K: Ord,
    (K, V): Row,
{
    databases.rows::<(K, V)>(service, sql).into_iter().collect()
}

fn stock(databases: &Databases) -> BTreeMap<String, Pieces> {
    const STOCK: &str = "SELECT sku, initial, received, available FROM stock";
    let rows = databases.rows::<(String, i64, i64, i64)>(Service::Inventory, STOCK);
    let pieces =
        |(sku, initial, received, available)| (sku, Pieces { initial, received, available });
    rows.into_iter().map(pieces).collect()
}

fn reservations(databases: &Databases) -> BTreeMap<String, BTreeMap<String, i64>> {
    const RESERVED: &str = "SELECT order_id, sku, quantity FROM reservations";
    let mut all: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for (order, sku, pieces) in
        databases.rows::<(String, String, i64)>(Service::Inventory, RESERVED)
    {
        all.entry(order).or_default().insert(sku, pieces);
    }
    all
}

fn notices(databases: &Databases) -> BTreeMap<String, (String, BTreeSet<String>)> {
    const NOTICES: &str = "SELECT order_id, status, sellers FROM notices";
    let rows = databases.rows::<(String, String, String)>(Service::Seller, NOTICES);
    let notice = |(order, status, sellers): (String, String, String)| {
        (order, (status, sellers.lines().map(str::to_owned).collect()))
    };
    rows.into_iter().map(notice).collect()
}

fn runtime(databases: &Databases, service: Service) -> Runtime {
    let handled: BTreeMap<Uuid, i64> = map(databases, service, "SELECT id, dead FROM handled");
    let owed: BTreeMap<Uuid, String> = map(databases, service, "SELECT id, topic FROM owed");
    Runtime {
        handled: handled.into_iter().map(|(id, dead)| (EventId(id), dead)).collect(),
        spoken: map(databases, service, "SELECT key, sequence FROM spoken"),
        owed: owed.into_iter().map(|(id, topic)| (EventId(id), topic)).collect(),
    }
}
