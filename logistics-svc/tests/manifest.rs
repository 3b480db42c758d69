//! What the service declares and what it decides about are the same.

#[test]
fn the_manifest_is_that_of_the_service() {
    logistics_svc::manifest().check::<logistics_svc::Logistics>().unwrap();
}
