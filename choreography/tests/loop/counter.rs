//! A service for tests. What it does is in the order's currency, which it has no other use for.

use std::time::Duration;

use choreography::db::{DbResult, Input, Migration, Transaction};
use choreography::manifest::{Answers, Manifest};
use choreography::service::{Heard, Said, Service};
use shared_events::amounts::Timestamp;
use shared_events::inventory::{StockRejected, StockRejection, StockReleased, StockReserved};
use shared_events::orders::{OrderCancelled, OrderPlaced};

choreography::events! {
    /// What it hears.
    pub enum Hears { OrderPlaced, OrderCancelled, StockReleased }
}

choreography::events! {
    /// What it says.
    pub enum Says { StockReserved, StockRejected, StockReleased }
}

/// Counts the events of each order, in `counts`.
pub struct Counter;

/// Counts that have changed: by order id, what is to be added, and what the database is given.
#[derive(Default)]
pub struct Counts(Vec<(String, String)>);

impl Service for Counter {
    type Hears = Hears;
    type Says = Says;
    type State = Counts;

    fn manifest(&self) -> Manifest {
        Manifest::new("counter-svc", 1)
            .hears::<OrderPlaced>(Answers::Always)
            .hears::<OrderCancelled>(Answers::Sometimes)
            .timer::<StockReleased>()
            .says::<StockReserved>()
            .says::<StockRejected>()
            .says::<StockReleased>()
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = "CREATE TABLE counts (order_id TEXT NOT NULL PRIMARY KEY, heard BIGINT NOT NULL, note TEXT)";
        vec![Migration { version: 1000, name: "counts", sql }]
    }

    async fn load(&self, _db: &mut Transaction, _heard: &[Heard<Hears>]) -> DbResult<Counts> {
        Ok(Counts::default())
    }

    fn react(&self, counts: &mut Counts, heard: &Heard<Hears>, _now: Timestamp) -> Vec<Said<Says>> {
        match &heard.event {
            Hears::OrderPlaced(placed) => {
                counts.0.push((placed.order_id.to_string(), placed.ship_to.name.clone()));
                answers(placed)
            }
            Hears::OrderCancelled(cancelled) => {
                counts.0.push((cancelled.order_id.to_string(), String::new()));
                vec![]
            }
            Hears::StockReleased(released) => {
                counts.0.push((released.order_id.to_string(), String::new()));
                vec![Said::Itself]
            }
        }
    }

    async fn save(&self, db: &mut Transaction, counts: Counts) -> DbResult<()> {
        const COUNT: &str = "INSERT INTO counts (order_id, heard, note)
            SELECT order_id, 1, note FROM input WHERE true
            ON CONFLICT (order_id) DO UPDATE SET heard = counts.heard + 1";
        for (order_id, note) in counts.0 {
            db.execute(COUNT, Input::new().text("order_id", [order_id]).text("note", [note]))
                .await?;
        }
        Ok(())
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
    match placed.currency.as_str() {
        "PANIC" => panic!("the order says so"),
        "TWO" => vec![Said::now(reserved), Said::now(rejected)],
        "LATER" => vec![
            Said::now(reserved),
            Said::after(Duration::from_millis(10), StockReleased { order_id, lines: vec![] }),
        ],
        "OTHER" => {
            let other = "another".parse().expect("an id");
            vec![Said::now(StockReserved { order_id: other, lines: vec![] })]
        }
        _ => vec![Said::now(reserved)],
    }
}
