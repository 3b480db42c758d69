//! Two instances of each service. One of each is killed with SIGKILL in the middle of its work and
//! started again, then the other one. Nothing is lost, and nothing has its effect twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tests::check::Expected;
use tests::databases::Storage;
use tests::orders;
use tests::processes::Instance;
use tests::service::Service;
use tests::wait;
use tests::world::World;

/// In each of two rounds.
const ORDERS: usize = 1_000;
const SEED: u64 = 3;

/// A service is killed when it has handled so many events of a round.
const MIDDLE: i64 = 200;

/// A killed instance counts as a member of its group for ten seconds more.
const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn nothing_is_lost_by_sigkill() {
    let mut world = World::new("killed_instances", Storage::Postgres);
    let rounds = [world.start_all(), world.start_all()];
    let orders = orders::mix(SEED, rounds.len() * ORDERS);
    for (round, victims) in (1..).zip(&rounds) {
        let before = Service::ALL.map(|service| (service, handled(&world, service))).into();
        world.load.place(&orders[(round - 1) * ORDERS..round * ORDERS], 0);
        kill(&mut world, victims, &before);
        world.wait_at_rest(round * ORDERS, LIMIT);
    }
    world.finish(&Expected { orders: &orders, dead: BTreeSet::new() });
}

/// Kills each service's instance as soon as the service is in the middle of its work.
fn kill(world: &mut World, victims: &BTreeMap<Service, Instance>, before: &BTreeMap<Service, i64>) {
    for (service, victim) in victims {
        let enough = before[service] + MIDDLE;
        wait::until(&format!("{} is at work", service.name()), wait::LIMIT, || {
            let handled = handled(world, *service);
            if enough <= handled { Ok(()) } else { Err(format!("{handled} events handled")) }
        });
        world.processes.kill(*victim);
        world.processes.start_again(*victim);
    }
    let order = handled(world, Service::Order);
    // Each order that goes well has more than three answers.
    let all = before[&Service::Order] + i64::try_from(3 * ORDERS).expect("a count");
    assert!(order < all, "the work was over before all were killed: {order} events are handled");
}

fn handled(world: &World, service: Service) -> i64 {
    world.databases.number(service, "SELECT COUNT(*) FROM handled")
}
