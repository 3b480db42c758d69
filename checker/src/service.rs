//! The services of this project, as their evidence is told apart.

use choreography::manifest::Manifest;
use serde::{Serialize, Serializer};

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
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order-svc",
            Self::Inventory => "inventory-svc",
            Self::Logistics => "logistics-svc",
            Self::Seller => "seller-svc",
        }
    }

    /// What it calls itself in headers.
    #[must_use]
    pub fn source(self) -> String {
        format!("/{}", self.name())
    }

    /// What it hears and says.
    #[must_use]
    pub fn manifest(self) -> Manifest {
        match self {
            Self::Order => order_svc::manifest(),
            Self::Inventory => inventory_svc::manifest(),
            Self::Logistics => logistics_svc::manifest(),
            Self::Seller => seller_svc::manifest(),
        }
    }
}

impl Serialize for Service {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
