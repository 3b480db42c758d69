//! The services of this project, as the harness sees them.

use choreography::manifest::Manifest;

/// One of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// order-svc
    Order,
    /// inventory-svc
    Inventory,
    /// logistics-svc
    Logistics,
    /// seller-svc
    Seller,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Order, Self::Inventory, Self::Logistics, Self::Seller];

    /// Its name: also of its binary, its package and its consumer group.
    pub fn name(self) -> &'static str {
        self.manifest().service
    }

    /// What it hears and says.
    pub fn manifest(self) -> Manifest {
        match self {
            Self::Order => order_svc::manifest(),
            Self::Inventory => inventory_svc::manifest(),
            Self::Logistics => logistics_svc::manifest(),
            Self::Seller => seller_svc::manifest(),
        }
    }

    /// What the harness starts it with, unless a test says otherwise: no order meets its deadline,
    /// and no parcel takes long.
    pub fn usual_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Order => &["--deadline", "1h"],
            Self::Logistics => &["--deliver-after", "100ms"],
            Self::Inventory | Self::Seller => &[],
        }
    }
}
