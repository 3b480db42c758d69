//! Two instances of each service. One of each is killed with SIGKILL in the middle of its work and
//! started again, then the other one. Nothing is lost, and nothing has its effect twice.

use std::collections::BTreeSet;
use std::time::Duration;

use tests::check::Expected;
use tests::databases::{Databases, Storage};
use tests::orders;
use tests::service::Service;
use tests::wait;
use tests::world::World;

/// In each of two rounds: half of them at once, the others at a steady rate.
const ORDERS: usize = 1_000;
const RATE: u32 = 50;
const SEED: u64 = 3;

/// A service is killed when it has handled so many events of a round: before it has handled what
/// was placed at once.
const MIDDLE: i64 = 200;

/// A killed instance counts as a member of its group for ten seconds more.
const LIMIT: Duration = Duration::from_secs(120);

fn nothing_is_lost_by_sigkill(storage: Storage) {
    let mut world = World::new("killed_instances", storage);
    let rounds = [world.start_all(), world.start_all()];
    let orders = orders::mix(SEED, rounds.len() * ORDERS);
    for (round, victims) in (1..).zip(&rounds) {
        let before = Service::ALL.map(|service| (service, handled(&world.databases, service)));
        let (at_once, steadily) = orders[(round - 1) * ORDERS..round * ORDERS].split_at(ORDERS / 2);
        std::thread::scope(|scope| {
            let load = &world.load;
            let placing = scope.spawn(|| {
                load.place(at_once, 0);
                load.place(steadily, RATE);
            });
            for (service, before) in before {
                wait_at_work(&world.databases, service, before + MIDDLE);
                world.processes.kill(victims[&service]);
                world.processes.start_again(victims[&service]);
            }
            assert!(!placing.is_finished(), "the load was over before all were killed");
        });
        world.wait_at_rest(round * ORDERS, LIMIT);
    }
    world.finish(&Expected { orders: &orders, dead: BTreeSet::new() });
}

fn wait_at_work(databases: &Databases, service: Service, enough: i64) {
    wait::until(&format!("{} is at work", service.name()), wait::LIMIT, || {
        let handled = handled(databases, service);
        if enough <= handled { Ok(()) } else { Err(format!("{handled} events handled")) }
    });
}

fn handled(databases: &Databases, service: Service) -> i64 {
    databases.number(service, "SELECT COUNT(*) FROM handled")
}

#[test]
fn on_postgres() {
    nothing_is_lost_by_sigkill(Storage::Postgres);
}

#[test]
fn on_sqlite() {
    nothing_is_lost_by_sigkill(Storage::Sqlite);
}
