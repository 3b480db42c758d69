//! Two instances of each service. One of each is killed with SIGKILL in the middle of its work and
//! started again, then the other one. Nothing is lost, and nothing has its effect twice.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::time::Duration;

use tests::check::Expected;
use tests::databases::{Databases, Storage};
use tests::orders;
use tests::service::Service;
use tests::wait;
use tests::world::World;

/// In each of two rounds: so many orders at once, then more at a steady rate until all are killed.
const AT_ONCE: usize = 500;
const RATE: u32 = 50;
/// More than can be placed in a round before one of its waits has failed.
const STEADILY_MAX: usize = RATE as usize * Service::ALL.len() * wait::LIMIT.as_secs() as usize;
const SEED: u64 = 3;

/// A service is killed when it has handled so many events of a round: before it has handled what
/// was placed at once.
const MIDDLE: i64 = 200;

/// A killed instance counts as a member of its group for ten seconds more.
const LIMIT: Duration = Duration::from_secs(120);

fn nothing_is_lost_by_sigkill(storage: Storage) {
    let mut world = World::new("killed_instances", storage);
    let rounds = [world.start_all(), world.start_all()];
    let all = orders::mix(SEED, rounds.len() * (AT_ONCE + STEADILY_MAX));
    let mut orders = vec![];
    for (victims, all) in rounds.iter().zip(all.chunks(AT_ONCE + STEADILY_MAX)) {
        let before = Service::ALL.map(|service| (service, handled(&world.databases, service)));
        let (at_once, steadily) = all.split_at(AT_ONCE);
        let placed = std::thread::scope(|scope| {
            let load = &world.load;
            // It goes when a wait fails, too, and the load ends with it.
            let (stop, stopped) = mpsc::channel();
            let placing = scope.spawn(move || {
                load.place(at_once, 0);
                load.place_until(steadily, RATE, &stopped)
            });
            for (service, before) in before {
                wait_at_work(&world.databases, service, before + MIDDLE);
                world.processes.kill(victims[&service]);
                world.processes.start_again(victims[&service]);
            }
            drop(stop);
            placing.join().expect("orders are placed")
        });
        orders.extend_from_slice(&all[..AT_ONCE + placed]);
        world.wait_at_rest(orders.len(), LIMIT);
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
