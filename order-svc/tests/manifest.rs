//! The manifest says what the service does, and its options are checked.

use std::time::Duration;

use order_svc::{Options, Orders, manifest};

#[test]
fn manifest_fits_the_event_sets() {
    manifest().check::<Orders>().unwrap();
}

#[test]
fn deadline_has_limits() {
    let refusal = |deadline| Orders::new(&Options { deadline }).err().map(|e| e.to_string());
    assert_eq!(refusal(Duration::from_millis(1)), None);
    assert_eq!(refusal(Duration::from_hours(168)), None);
    let expected =
        "--deadline (ORDER_DEADLINE) must be more than 0s and at most 7days, such as 30s, not ";
    assert_eq!(refusal(Duration::ZERO), Some(format!("{expected}0s")));
    assert_eq!(refusal(Duration::from_hours(169)), Some(format!("{expected}7days 1h")));
}
