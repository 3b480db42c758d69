//! One service of four loses its broker for twenty seconds, which is twice the session of a group: what
//! it asks does not arrive, or what it is answered, or both. All others reach the broker. A second
//! instance of the service takes over, and the one that was cut off comes back with what it has begun:
//! nothing is lost, and nothing has its effect twice.

use std::thread::sleep;
use std::time::Duration;

use tests::local::Part;
use tests::orders;
use tests::proxy::{Fault, Way};
use tests::service::Service;
use tests::trial::{ORDERS_MAX, Trial};

const SEED: u64 = 61;

const RECOVERY_MAX: Duration = Duration::from_secs(30);

/// A session of a group, ten seconds, and time for another to take over.
const TAKEN_OVER: Duration = Duration::from_secs(15);

fn nothing_passes(way: Way, case: &str) {
    let (trial, proxy) =
        Trial::start_some_by_proxy(&[Service::Inventory], Part::Kafka, "partitions", case);
    let mut trial = trial.recovering_within(RECOVERY_MAX);
    trial.start_beside(Service::Inventory);
    trial.survives(SEED, &orders::mix(SEED, ORDERS_MAX), |trial| {
        proxy.set(Fault::Stall(way));
        sleep(TAKEN_OVER);
        let ended = trial.world().ended();
        sleep(Duration::from_secs(5));
        assert!(ended < trial.world().ended(), "another instance has taken over");
        assert!(0 < proxy.met().held, "nothing was on its way");
        proxy.set(Fault::None);
    });
}

#[test]
fn nothing_that_it_asks_arrives() {
    nothing_passes(Way::Requests, "nothing_that_it_asks_arrives");
}

#[test]
fn nothing_that_it_is_answered_arrives() {
    nothing_passes(Way::Answers, "nothing_that_it_is_answered_arrives");
}

#[test]
fn nothing_passes_either_way() {
    nothing_passes(Way::Both, "nothing_passes_either_way");
}
