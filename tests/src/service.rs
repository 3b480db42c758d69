//! The services of this project, as the harness starts them.

pub use checker::Service;

/// What the harness starts a service with, unless a test says otherwise: no order meets its deadline,
/// and no parcel takes long.
#[must_use]
pub fn usual_arguments(service: Service) -> &'static [&'static str] {
    match service {
        Service::Order => &["--deadline", "1h"],
        Service::Logistics => &["--deliver-after", "100ms"],
        Service::Inventory | Service::Seller => &[],
    }
}
