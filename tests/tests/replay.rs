//! Everything is heard again, from the first record of each topic: no row of state changes, and no
//! record is written.

use std::collections::BTreeSet;
use std::time::Duration;

use tests::check::Expected;
use tests::databases::Storage;
use tests::kafka::all_topics;
use tests::orders;
use tests::service::Service;
use tests::wait;
use tests::world::World;

const ORDERS: usize = 500;
const SEED: u64 = 4;
const LIMIT: Duration = Duration::from_secs(120);

fn a_replay_changes_nothing(storage: Storage) {
    let mut world = World::new("replay", storage);
    let instances = world.start_all();
    let orders = orders::mix(SEED, ORDERS);
    world.load.put(&[tests::load::received("teapot", 7)]);
    world.load.place(&orders, 0);
    world.wait_at_rest(ORDERS, LIMIT);
    world.processes.stop_all();

    let topics = all_topics();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let rows = || Service::ALL.map(|service| (service, world.databases.dump(service)));
    let (rows_before, ends_before) = (rows(), world.kafka.ends(&topics));
    for service in Service::ALL {
        world.kafka.rewind(service);
        let lag = world.kafka.lag(service).expect("a lag");
        assert!(!lag.is_empty(), "{} is to hear everything again", service.name());
    }
    for instance in instances.into_values() {
        world.processes.start_again(instance);
    }
    for service in Service::ALL {
        wait::until("all is heard again", LIMIT, || world.is_at_rest(service));
    }
    world.processes.stop_all();
    assert_eq!(world.kafka.ends(&topics), ends_before, "records were written");
    let rows = Service::ALL.map(|service| (service, world.databases.dump(service)));
    for ((service, before), (_, after)) in rows_before.into_iter().zip(rows) {
        for (table, before) in before {
            assert!(!before.is_empty() || table != "handled", "{}: {table}", service.name());
            assert_eq!(after[&table], before, "{}: rows of {table}", service.name());
        }
    }
    world.finish(&Expected { orders: &orders, dead: BTreeSet::new() });
}

#[test]
fn on_postgres() {
    a_replay_changes_nothing(Storage::Postgres);
}

#[test]
fn on_sqlite() {
    a_replay_changes_nothing(Storage::Sqlite);
}
