//! The broker is killed, stands still for longer than a session of a group lasts, or what it answers
//! is lost, while orders come in: none is lost, and nothing has its effect twice. What order-svc
//! answers over HTTP meanwhile is in its own tests: `order-svc/tests/http/placing.rs`.

use std::thread::sleep;
use std::time::Duration;

use tests::local::Part;
use tests::orders;
use tests::proxy::{Fault, Way};
use tests::service::Service;
use tests::trial::{ORDERS_MAX, Trial};

const SEED: u64 = 31;

#[test]
fn killed_and_started_again() {
    let trial = Trial::start("broker_faults", "killed_and_started_again");
    trial.survives(SEED, &orders::mix(SEED, ORDERS_MAX), |trial| {
        trial.kill_and_start_again(Part::Kafka);
    });
}

/// A member of a group that is not heard for ten seconds counts as dead: when the broker goes on it
/// has to find out who is there.
#[test]
fn frozen_for_longer_than_a_session() {
    let trial = Trial::start("broker_faults", "frozen_for_longer_than_a_session");
    trial.survives(SEED, &orders::mix(SEED, ORDERS_MAX), |trial| {
        trial.parts().signal(Part::Kafka, "STOP");
        // Each service ends the batch that it has begun, and then waits for acknowledgements.
        sleep(Duration::from_secs(10));
        let ended = trial.world().ended();
        sleep(Duration::from_secs(10));
        assert_eq!(trial.world().ended(), ended, "nothing goes on without a broker");
        trial.parts().signal(Part::Kafka, "CONT");
    });
}

/// What is said arrives, its acknowledgement is lost, and it is said again; what is fetched is lost,
/// and so are answers to those who commit offsets.
#[test]
fn acknowledgements_are_lost() {
    const ROUNDS: usize = 6;
    let (trial, proxy) =
        Trial::start_by_proxy(Part::Kafka, "broker_faults", "acknowledgements_are_lost");
    trial.survives(SEED, &orders::mix(SEED, ORDERS_MAX), |_| {
        for _ in 0..ROUNDS {
            proxy.set(Fault::Stall(Way::Answers));
            sleep(Duration::from_secs(2));
            proxy.set(Fault::Cut);
            proxy.set(Fault::None);
            sleep(Duration::from_secs(2));
        }
        let met = proxy.met();
        assert!(Service::ALL.len() * ROUNDS <= met.cut.min(met.held), "{met:?}");
    });
}
