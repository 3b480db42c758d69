//! logistics-svc: plans a shipment for each order, sends it off when the order is confirmed, and
//! calls it off when the order is cancelled.
//!
//! | hears | answers |
//! |---|---|
//! | OrderPlaced | ShipmentPlanned, or ShipmentRejected |
//! | OrderConfirmed | ShipmentDispatched; sets ShipmentDelivered for `--deliver-after` later |
//! | ShipmentDelivered (its timer) | ShipmentDelivered |
//! | OrderCancelled | ShipmentCancelled, if a shipment was planned |

// A new variant must break the build where it matters, and in a service it always does.
#![warn(clippy::wildcard_enum_match_arm)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use choreography::db::{DbResult, Migration, Transaction};
use choreography::manifest::{Answers, Manifest};
use choreography::service::{Heard, Said, Service};
use shared_events::amounts::Timestamp;
use shared_events::logistics::{
    ShipmentCancelled, ShipmentDelivered, ShipmentDispatched, ShipmentPlanned, ShipmentRejected,
};
use shared_events::orders::{OrderCancelled, OrderConfirmed, OrderPlaced};

pub mod react;

pub mod state;

pub mod carriers;

pub mod store;

use carriers::Carriers;
use state::Shipments;

choreography::events! {
    /// What logistics-svc decides about. It sets ShipmentDelivered for itself.
    pub enum Hears { OrderPlaced, OrderConfirmed, OrderCancelled, ShipmentDelivered }
}

choreography::events! {
    /// What logistics-svc says.
    pub enum Says {
        ShipmentPlanned, ShipmentRejected, ShipmentDispatched, ShipmentDelivered, ShipmentCancelled
    }
}

/// What logistics-svc hears and says, as data.
pub fn manifest() -> Manifest {
    Manifest::new("logistics-svc", 1)
        .hears::<OrderPlaced>(Answers::Always)
        .hears::<OrderConfirmed>(Answers::Always)
        .hears::<OrderCancelled>(Answers::Sometimes)
        .timer::<ShipmentDelivered>()
        .says::<ShipmentPlanned>()
        .says::<ShipmentRejected>()
        .says::<ShipmentDispatched>()
        .says::<ShipmentDelivered>()
        .says::<ShipmentCancelled>()
}

/// What can be configured of logistics-svc.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The carriers and where they go, instead of those that are built in
    #[arg(long, env = "LOGISTICS_CARRIERS_FILE", value_name = "PATH")]
    pub carriers_file: Option<PathBuf>,
    /// How long after its dispatch a parcel counts as delivered
    #[arg(
        long,
        env = "LOGISTICS_DELIVER_AFTER",
        value_name = "DURATION",
        default_value = "5s",
        value_parser = humantime::parse_duration
    )]
    pub deliver_after: Duration,
}

/// The service.
pub struct Logistics {
    carriers: Arc<Carriers>,
    deliver_after: Duration,
}

impl Logistics {
    /// Reads the table of carriers.
    ///
    /// # Errors
    /// The file cannot be read, or which line of it is wrong and what would be right.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        let carriers = Carriers::read(options.carriers_file.as_deref())?;
        Ok(Self { carriers: Arc::new(carriers), deliver_after: options.deliver_after })
    }
}

impl Service for Logistics {
    type Hears = Hears;
    type Says = Says;
    type State = Shipments;

    fn manifest(&self) -> Manifest {
        manifest()
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = include_str!("../migrations/1000_shipments.sql");
        vec![Migration { version: 1000, name: "shipments", sql }]
    }

    async fn load(&self, db: &mut Transaction, heard: &[Heard<Hears>]) -> DbResult<Shipments> {
        let orders = store::load(db, heard).await?;
        Ok(Shipments::new(Arc::clone(&self.carriers), self.deliver_after, orders))
    }

    fn react(
        &self,
        state: &mut Shipments,
        heard: &Heard<Hears>,
        now: Timestamp,
    ) -> Vec<Said<Says>> {
        react::react(state, heard, now)
    }

    async fn save(&self, db: &mut Transaction, state: Shipments) -> DbResult<()> {
        store::save(db, &state).await
    }
}
