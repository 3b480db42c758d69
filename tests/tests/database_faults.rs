//! PostgreSQL is killed, cuts its connections, or does not answer, while orders come in: each order
//! ends, nothing has its effect twice, and no healthy event becomes a dead letter.

use std::thread::sleep;
use std::time::Duration;

use tests::local::Part;
use tests::orders;
use tests::proxy::{Fault, Way};
use tests::service::Service;
use tests::trial::{ORDERS_MAX, Trial};

const SEED: u64 = 41;

#[test]
fn killed_and_started_again() {
    let trial = Trial::start("database_faults", "killed_and_started_again");
    trial.survives(SEED, &orders::mix(SEED, ORDERS_MAX), |trial| {
        trial.kill_and_start_again(Part::Postgres);
    });
}

#[test]
fn connections_end_every_second() {
    const ROUNDS: i64 = 10;
    const END: &str = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE usename = current_user AND pid <> pg_backend_pid()";
    let trial = Trial::start("database_faults", "connections_end_every_second");
    trial.survives(SEED, &orders::mix(SEED, ORDERS_MAX), |trial| {
        let rounds = (0..ROUNDS).map(|_| {
            let ended = trial.world().databases.number(Service::Order, END);
            sleep(Duration::from_secs(1));
            ended
        });
        let ended: i64 = rounds.sum();
        assert!(4 * ROUNDS <= ended, "only {ended} connections were there to be ended");
    });
}

/// When it goes on, PostgreSQL has given up the transactions in which nothing happened.
#[test]
fn nothing_passes_for_ten_seconds() {
    let (trial, proxy) =
        Trial::start_by_proxy(Part::Postgres, "database_faults", "nothing_passes_for_ten_seconds");
    trial.survives(SEED, &orders::mix(SEED, ORDERS_MAX), |_| {
        proxy.set(Fault::Stall(Way::Both));
        sleep(Duration::from_secs(10));
        proxy.set(Fault::None);
        let held = proxy.met().held;
        assert!(Service::ALL.len() <= held, "only {held} pieces were held");
    });
}

/// What is asked arrives, and what is answered is lost: of a COMMIT nobody knows then what has become
/// of it. That it has been done each service finds in `handled` when it takes the batch again.
#[test]
fn answers_are_lost() {
    const ROUNDS_MAX: usize = 60;
    let (trial, proxy) =
        Trial::start_by_proxy(Part::Postgres, "database_faults", "answers_are_lost");
    let lose = |time: Duration| {
        proxy.set(Fault::Stall(Way::Answers));
        sleep(time);
        proxy.set(Fault::Cut);
        proxy.set(Fault::None);
        sleep(Duration::from_millis(700));
    };
    // Here no producer repeats itself: whatever a service has handled before is of a lost answer.
    trial.survives(SEED, &orders::good(SEED, ORDERS_MAX), |trial| {
        assert_eq!(trial.repeats(), 0.0, "nothing has come twice before");
        lose(Duration::from_secs(10));
        let mut rounds = (0..ROUNDS_MAX).map(|_| lose(Duration::from_millis(300)));
        assert!(rounds.any(|()| 0.0 < trial.repeats()), "no COMMIT has lost its answer");
        let cut = proxy.met().cut;
        assert!(Service::ALL.len() <= cut, "only {cut} connections were cut");
    });
}
