//! A service for tests. What it does is in the order's currency, which it has no other use for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use choreography::db::{DbResult, Input, Migration, Transaction};
use choreography::manifest::{Answers, Manifest};
use choreography::service::{Heard, Said, Service};
use shared_events::amounts::Timestamp;
use shared_events::ids::OrderId;
use shared_events::inventory::{
    StockLine, StockRejected, StockRejection, StockReleased, StockReserved,
};
use shared_events::orders::{OrderCancelled, OrderPlaced};

choreography::events! {
    /// What it hears.
    pub(crate) enum Hears { OrderPlaced, OrderCancelled, StockReleased }
}

choreography::events! {
    /// What it says.
    #[expect(clippy::enum_variant_names, reason = "they are named like their events")]
    pub(crate) enum Says { StockReserved, StockRejected, StockReleased }
}

/// Counts the events of each order, in `counts`.
pub(crate) struct Counter;

/// While this is set, `load` blocks its thread on an order in the currency `HOLD`.
pub(crate) static HELD: AtomicBool = AtomicBool::new(false);

/// How many events of the orders `burst-…` were loaded for, in all transactions.
pub(crate) static BURST_LOADED: AtomicUsize = AtomicUsize::new(0);

#[derive(Default)]
pub(crate) struct Counts {
    /// How many events of an order were heard before.
    heard: HashMap<String, i64>,
    /// Orders to be counted, and what is noted with them.
    changed: Vec<(String, String)>,
}

impl Counts {
    fn count(&mut self, order: &OrderId, note: &str) {
        *self.heard.entry(order.to_string()).or_default() += 1;
        self.changed.push((order.to_string(), note.to_owned()));
    }
}

impl Service for Counter {
    type Hears = Hears;
    type Says = Says;
    type State = Counts;

    fn manifest(&self) -> Manifest {
        Manifest::new("counter-svc", 1)
            .hears::<OrderPlaced>(Answers::Always)
            .hears::<OrderCancelled>(Answers::Never)
            .timer::<StockReleased>()
            .says::<StockReserved>()
            .says::<StockRejected>()
            .says::<StockReleased>()
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = "CREATE TABLE counts (order_id TEXT NOT NULL PRIMARY KEY, heard BIGINT NOT NULL, note TEXT)";
        vec![Migration { version: 1000, name: "counts", sql }]
    }

    async fn load(&self, db: &mut Transaction, heard: &[Heard<Hears>]) -> DbResult<Counts> {
        const LOAD: &str = "SELECT order_id, heard FROM counts
            WHERE order_id IN (SELECT order_id FROM input) ORDER BY order_id FOR UPDATE";
        let in_currency = |code: &str| {
            let placed =
                |h: &Heard<Hears>| matches!(&h.event, Hears::OrderPlaced(p) if p.currency == code);
            heard.iter().any(placed)
        };
        assert!(!in_currency("LOAD"), "the order says that loading fails");
        while in_currency("HOLD") && HELD.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
        }
        if in_currency("SLOW") {
            std::thread::sleep(Duration::from_millis(300));
        }
        let burst = |h: &&Heard<Hears>| order_of(&h.event).as_str().starts_with("burst-");
        BURST_LOADED.fetch_add(heard.iter().filter(burst).count(), Ordering::Relaxed);
        let orders = heard.iter().map(|heard| order_of(&heard.event).to_string());
        let rows = db.fetch::<(String, i64)>(LOAD, Input::new().text("order_id", orders)).await?;
        Ok(Counts { heard: rows.into_iter().collect(), changed: vec![] })
    }

    fn react(&self, counts: &mut Counts, heard: &Heard<Hears>, _now: Timestamp) -> Vec<Said<Says>> {
        match &heard.event {
            Hears::OrderPlaced(placed) => {
                counts.count(&placed.order_id, &placed.ship_to.name);
                answers(placed)
            }
            Hears::OrderCancelled(cancelled) => {
                counts.count(&cancelled.order_id, "");
                vec![]
            }
            // As a deadline: it is said only if nothing came after the order.
            Hears::StockReleased(released) => {
                let order = &released.order_id;
                assert!(!order.as_str().contains("poison"), "the timer's order says so");
                counts.count(order, "");
                if counts.heard[order.as_str()] == 2 { vec![Said::Itself] } else { vec![] }
            }
        }
    }

    async fn save(&self, db: &mut Transaction, counts: Counts) -> DbResult<()> {
        const COUNT: &str = "INSERT INTO counts (order_id, heard, note)
            SELECT order_id, 1, note FROM input WHERE true
            ON CONFLICT (order_id) DO UPDATE SET heard = counts.heard + 1";
        // A mistake of the service: the row is there already.
        const TWICE: &str = "INSERT INTO counts (order_id, heard) VALUES ('x', 1), ('x', 2)";
        for (order_id, note) in counts.changed {
            if note == "twice" {
                db.execute(TWICE, Input::new()).await?;
            }
            db.execute(COUNT, Input::new().text("order_id", [order_id]).text("note", [note]))
                .await?;
        }
        Ok(())
    }
}

fn order_of(event: &Hears) -> &OrderId {
    match event {
        Hears::OrderPlaced(placed) => &placed.order_id,
        Hears::OrderCancelled(cancelled) => &cancelled.order_id,
        Hears::StockReleased(released) => &released.order_id,
    }
}

fn answers(placed: &OrderPlaced) -> Vec<Said<Says>> {
    let order_id = placed.order_id.clone();
    let reserved = StockReserved { order_id: order_id.clone(), lines: vec![] };
    let rejected = StockRejected {
        order_id: order_id.clone(),
        reason: StockRejection::Other,
        shortages: vec![],
    };
    let released = StockReleased { order_id, lines: vec![] };
    match placed.currency.as_str() {
        "PANIC" => panic!("the order says so"),
        "NAME" => panic!("nobody serves {}", placed.ship_to.name),
        "TWO" => vec![Said::now(reserved), Said::now(rejected)],
        "LATER" => {
            vec![Said::now(reserved), Said::after(Duration::from_millis(10), released)]
        }
        "ALARM" => vec![Said::now(reserved), Said::after(Duration::from_secs(3), released)],
        "OTHER" => {
            let other = "another".parse().expect("an id");
            vec![Said::now(StockReserved { order_id: other, lines: vec![] })]
        }
        "SECOND" => vec![Said::NOT_THE_FIRST],
        "BIG" => {
            let line = StockLine { sku: "x".repeat(100).parse().expect("a SKU"), quantity: 1 };
            vec![Said::now(StockReserved { lines: vec![line; 20], ..reserved })]
        }
        _ => vec![Said::now(reserved)],
    }
}
