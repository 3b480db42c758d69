//! Reading the rows of a database: all of them at rest, of a live system those of given orders and
//! events.

use std::collections::{BTreeMap, BTreeSet};

use choreography::db::{DbResult, Input, Row, Transaction};
use shared_events::amounts::Timestamp;
use shared_events::identity;
use shared_events::ids::EventId;
use uuid::Uuid;

use super::{Books, Owed, Pieces, Runtime};
use crate::log::Log;
use crate::service::Service;

/// So many answers to one event may have an id of their own as a timer; a service sets one.
const TIMERS_MAX: u32 = 3;

/// Which rows are read.
pub enum Rows<'a> {
    /// All: of a system at rest, where none may be without its record.
    All,
    /// Those of some orders and events.
    Of(&'a Wanted),
}

/// The orders and events whose rows are looked at.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    keys: Vec<String>,
    ids: BTreeMap<Service, Vec<Uuid>>,
}

impl Wanted {
    /// Those that records tell of.
    #[must_use]
    pub fn by(log: &Log) -> Self {
        let keys: BTreeSet<String> = log.events_of_all().map(|record| record.key_text()).collect();
        let ids_of = |service: Service| {
            let ids: BTreeSet<Uuid> = log
                .0
                .iter()
                .flat_map(|record| {
                    let damaged = identity::of_damaged(record.id, &record.value);
                    let timers = timers_of(record.id, service);
                    [record.id, damaged].into_iter().chain(timers).map(|id| id.0)
                })
                .collect();
            ids.into_iter().collect()
        };
        let ids = Service::ALL.map(|service| (service, ids_of(service))).into();
        Self { keys: keys.into_iter().collect(), ids }
    }
}

/// The ids that timers which `cause` has set may have.
pub(crate) fn timers_of(cause: EventId, service: Service) -> impl Iterator<Item = EventId> {
    (0..TIMERS_MAX).map(move |index| identity::of_answer(cause, service.name(), index))
}

impl Books {
    /// Reads the database of `service` in a transaction of the caller's, which needs to give one
    /// picture of all tables: `REPEATABLE READ` in PostgreSQL.
    ///
    /// # Errors
    /// As the database says.
    pub async fn add(
        &mut self,
        service: Service,
        tx: &mut Transaction,
        rows: &Rows<'_>,
    ) -> DbResult<()> {
        let mut reader = Reader { service, tx, rows };
        match service {
            Service::Order => {
                let orders = reader.of_orders("SELECT order_id, status FROM orders").await?;
                self.orders = orders.into_iter().collect();
            }
            Service::Inventory => self.inventory(&mut reader).await?,
            Service::Logistics => {
                let all = reader.of_orders("SELECT order_id, status FROM shipments").await?;
                self.shipments = all.into_iter().collect();
            }
            Service::Seller => self.notices(&mut reader).await?,
        }
        let runtime = reader.runtime().await?;
        self.runtime.insert(service, runtime);
        Ok(())
    }

    async fn inventory(&mut self, reader: &mut Reader<'_>) -> DbResult<()> {
        const STOCK: &str = "SELECT sku, initial, received, available FROM stock";
        const SUMS: &str =
            "SELECT sku, CAST(SUM(quantity) AS BIGINT) FROM reservations GROUP BY sku";
        let sums: Vec<(String, i64)> = reader.all(SUMS).await?;
        let mut sums: BTreeMap<String, i64> = sums.into_iter().collect();
        let stock: Vec<(String, i64, i64, i64)> = reader.all(STOCK).await?;
        for (sku, initial, received, available) in stock {
            let reserved = sums.remove(&sku).unwrap_or_default();
            self.stock.insert(sku, Pieces { initial, received, available, reserved });
        }
        // What is reserved of a SKU that is not in stock does not add up, and shall be seen.
        for (sku, reserved) in sums {
            let nothing = Pieces { initial: 0, received: 0, available: 0, reserved };
            self.stock.insert(sku, nothing);
        }
        let reserved: Vec<(String, String, i64)> =
            reader.of_orders("SELECT order_id, sku, quantity FROM reservations").await?;
        for (order, sku, pieces) in reserved {
            self.reservations.entry(order).or_default().insert(sku, pieces);
        }
        let words = reader.of_orders("SELECT order_id, word FROM last_words").await?;
        self.last_words = words.into_iter().collect();
        Ok(())
    }

    async fn notices(&mut self, reader: &mut Reader<'_>) -> DbResult<()> {
        let rows: Vec<(String, String, String)> =
            reader.of_orders("SELECT order_id, status, sellers FROM notices").await?;
        let notice = |(order, status, sellers): (String, String, String)| {
            (order, (status, sellers.lines().map(str::to_owned).collect()))
        };
        self.notices = rows.into_iter().map(notice).collect();
        Ok(())
    }
}

/// One database.
struct Reader<'a> {
    service: Service,
    tx: &'a mut Transaction,
    rows: &'a Rows<'a>,
}

impl Reader<'_> {
    async fn all<T: Row>(&mut self, sql: &str) -> DbResult<Vec<T>> {
        self.tx.fetch(sql, Input::new()).await
    }

    async fn of_orders<T: Row>(&mut self, sql: &str) -> DbResult<Vec<T>> {
        self.of_keys(sql, "order_id").await
    }

    async fn of_keys<T: Row>(&mut self, sql: &str, column: &'static str) -> DbResult<Vec<T>> {
        let Rows::Of(wanted) = self.rows else { return self.all(sql).await };
        let input = Input::new().text(column, wanted.keys.iter().cloned());
        let sql = format!("{sql} WHERE {column} IN (SELECT {column} FROM input)");
        self.tx.fetch(&sql, input).await
    }

    async fn of_ids<T: Row>(&mut self, sql: &str) -> DbResult<Vec<T>> {
        let Rows::Of(wanted) = self.rows else { return self.all(sql).await };
        let ids = wanted.ids.get(&self.service).cloned().unwrap_or_default();
        let input = Input::new().id("id", ids);
        self.tx.fetch(&format!("{sql} WHERE id IN (SELECT id FROM input)"), input).await
    }

    async fn runtime(&mut self) -> DbResult<Runtime> {
        // A handful at any time: what is acknowledged is forgotten.
        let owed: Vec<(Uuid, Uuid, String, i64)> =
            self.all("SELECT id, cause, topic, since FROM owed").await?;
        let owed = owed.into_iter().map(|(id, cause, topic, since)| {
            (EventId(id), Owed { cause: EventId(cause), topic, since: Timestamp(since) })
        });
        let timers: Vec<(Uuid, i64)> = self.of_ids("SELECT id, due FROM timers").await?;
        let handled: Vec<(Uuid, i64)> = self.of_ids("SELECT id, dead FROM handled").await?;
        let spoken = self.of_keys("SELECT key, sequence FROM spoken", "key").await?;
        Ok(Runtime {
            handled: handled.into_iter().map(|(id, dead)| (EventId(id), dead)).collect(),
            spoken: spoken.into_iter().collect(),
            owed: owed.collect(),
            timers: timers.into_iter().map(|(id, due)| (EventId(id), Timestamp(due))).collect(),
        })
    }
}
