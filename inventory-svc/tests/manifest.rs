//! The manifest says what the service does.

use inventory_svc::{Inventory, manifest};

#[test]
fn manifest_fits_the_event_sets() {
    manifest().check::<Inventory>().unwrap();
}
