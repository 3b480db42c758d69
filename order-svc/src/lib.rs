//! order-svc: keeps each order and ends it. All have agreed: it is confirmed. One does not agree,
//! somebody wants it cancelled, or not all have answered in time: it is cancelled.
//!
//! | hears | answers |
//! |---|---|
//! | OrderPlaced | nothing; keeps the order, and sets its deadline. But an order that is bad, or that is decided by what was heard before it, ends at once |
//! | CancellationRequested | OrderCancelled, if the order is not confirmed yet |
//! | StockReserved, ShipmentPlanned, SellerNotified | OrderConfirmed, with the last of them |
//! | StockRejected, ShipmentRejected, SellerDeclined | OrderCancelled, with the first of them |
//! | OrderDeadlinePassed (its timer) | OrderDeadlinePassed and OrderCancelled, if not all have answered |
//! | ShipmentDelivered | OrderCompleted |

// A new variant must break the build where it matters, and in a service it always does.
#![warn(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use choreography::app::Access;
use choreography::db::{DbResult, Migration, Transaction};
use choreography::manifest::{Answers, Manifest};
use choreography::service::{Heard, Said, Service, Trace};
use shared_events::amounts::Timestamp;
use shared_events::inventory::{StockRejected, StockReserved};
use shared_events::logistics::{ShipmentDelivered, ShipmentPlanned, ShipmentRejected};
use shared_events::orders::{
    CancellationRequested, OrderCancelled, OrderCompleted, OrderConfirmed, OrderDeadlinePassed,
    OrderPlaced,
};
use shared_events::sellers::{SellerDeclined, SellerNotified};

pub mod react;

pub mod reasons;

pub mod state;

pub mod store;

pub mod http;

use state::OrderBook;

choreography::events! {
    /// What order-svc decides about. It sets OrderDeadlinePassed for itself.
    pub enum Hears {
        OrderPlaced, CancellationRequested, StockReserved, StockRejected, ShipmentPlanned,
        ShipmentRejected, SellerNotified, SellerDeclined, ShipmentDelivered, OrderDeadlinePassed,
    }
}

choreography::events! {
    /// What order-svc says.
    pub enum Says { OrderDeadlinePassed, OrderConfirmed, OrderCancelled, OrderCompleted }
}

/// What order-svc hears and says, as data.
pub fn manifest() -> Manifest {
    Manifest::new("order-svc", 1)
        .hears::<OrderPlaced>(Answers::Sometimes)
        .hears::<CancellationRequested>(Answers::Sometimes)
        .hears::<StockReserved>(Answers::Sometimes)
        .hears::<StockRejected>(Answers::Sometimes)
        .hears::<ShipmentPlanned>(Answers::Sometimes)
        .hears::<ShipmentRejected>(Answers::Sometimes)
        .hears::<SellerNotified>(Answers::Sometimes)
        .hears::<SellerDeclined>(Answers::Sometimes)
        .hears::<ShipmentDelivered>(Answers::Sometimes)
        .timer::<OrderDeadlinePassed>()
        .says::<OrderDeadlinePassed>()
        .says::<OrderConfirmed>()
        .says::<OrderCancelled>()
        .says::<OrderCompleted>()
}

/// What can be configured of order-svc.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// How long the services may take to answer an order before it is cancelled
    #[arg(
        long,
        env = "ORDER_DEADLINE",
        value_name = "DURATION",
        default_value = "30s",
        value_parser = humantime::parse_duration
    )]
    pub deadline: Duration,
}

/// The longest deadline. Topics keep their events for as long; a later answer may be gone.
const DEADLINE_MAX: Duration = Duration::from_hours(7 * 24);

/// The service.
pub struct Orders {
    deadline: Duration,
    http: http::Options,
}

impl Orders {
    /// Checks the options.
    ///
    /// # Errors
    /// The deadline is not more than nothing, or more than a week.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        let deadline = options.deadline;
        anyhow::ensure!(
            !deadline.is_zero() && deadline <= DEADLINE_MAX,
            "--deadline (ORDER_DEADLINE) must be more than 0s and at most {}, such as 30s, not {}",
            humantime::format_duration(DEADLINE_MAX),
            humantime::format_duration(deadline)
        );
        Ok(Self { deadline, http: http::Options::DEFAULT })
    }

    /// Sets the limits and the trust of its pages.
    #[must_use]
    pub fn with_http(self, http: http::Options) -> Self {
        Self { http, ..self }
    }
}

/// Its tables.
fn migrations() -> Vec<Migration> {
    let orders = include_str!("../migrations/1000_orders.sql");
    let requests = include_str!("../migrations/1001_requests.sql");
    let by_time = include_str!("../migrations/1002_orders_by_time.sql");
    vec![
        Migration { version: 1000, name: "orders", sql: orders },
        Migration { version: 1001, name: "requests", sql: requests },
        Migration { version: 1002, name: "orders by time", sql: by_time },
    ]
}

impl Service for Orders {
    type Hears = Hears;
    type Says = Says;
    type State = OrderBook;

    fn manifest(&self) -> Manifest {
        manifest()
    }

    fn migrations(&self) -> Vec<Migration> {
        migrations()
    }

    fn routes(&self, access: Access) -> axum::Router {
        http::routes(access, &self.http)
    }

    async fn load(&self, db: &mut Transaction, heard: &[Heard<Hears>]) -> DbResult<OrderBook> {
        Ok(OrderBook::stored(self.deadline, store::load(db, heard).await?))
    }

    fn react(&self, book: &mut OrderBook, heard: &Heard<Hears>, now: Timestamp) -> Vec<Said<Says>> {
        react::react(book, heard, now)
    }

    fn rests_on(&self, book: &OrderBook, said: &Says) -> Vec<Trace> {
        match said {
            Says::OrderConfirmed(confirmed) => book.traces_of_answers(&confirmed.order_id),
            Says::OrderDeadlinePassed(_) | Says::OrderCancelled(_) | Says::OrderCompleted(_) => {
                vec![]
            }
        }
    }

    async fn save(&self, db: &mut Transaction, book: OrderBook) -> DbResult<()> {
        store::save(db, &book).await
    }
}
