//! The disk of PostgreSQL or of the broker is full for a while: whoever places orders over HTTP is
//! answered 503 or accepted for good, no service ends, nothing becomes a dead letter, and with room
//! again everything goes on.
//!
//! The disk is a file system of its own in memory, which only root may mount.

use std::thread::sleep;
use std::time::Duration;

use tests::local::Part;
use tests::trial::{ORDERS_MAX, Trial};
use tests::{customer, orders, told};

const SEED: u64 = 81;

/// For so many seconds there is no room.
const FULL_SECONDS: usize = 15;

fn is_full(part: Part, case: &str) {
    let Some(trial) = Trial::start_on_small_disk(part, "full_disk", case) else {
        told::not_run("full_disk", case, "mounting a small disk asks for the rights of root");
        return;
    };
    trial.survives(SEED, &orders::mix(SEED, ORDERS_MAX), |trial| {
        let disk = trial.parts().disk().expect("a small disk");
        let ordered = customer::order_while(trial.order_svc(), SEED, || {
            for _ in 0..FULL_SECONDS {
                disk.fill();
                sleep(Duration::from_secs(1));
            }
            disk.clear();
            // Kafka ends when it cannot write, and PostgreSQL may do so: somebody has to start it.
            trial.parts().restart(part);
        });
        told::figure(&ordered.figures());
        assert!(!ordered.refusals.is_empty(), "the disk was not full for anybody");
        ordered.demand_retry_after();
        trial.has_placed(ordered.orders);
    });
}

#[test]
fn of_postgresql() {
    is_full(Part::Postgres, "of_postgresql");
}

#[test]
fn of_the_broker() {
    is_full(Part::Kafka, "of_the_broker");
}
