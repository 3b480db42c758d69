//! Two thousand orders, one instance of each service: all of them end, each as it has to, and what
//! the services keep fits to what they have said.

use std::collections::BTreeSet;
use std::time::Duration;

use tests::check::Expected;
use tests::databases::Storage;
use tests::load::received;
use tests::orders;
use tests::world::World;

const ORDERS: usize = 2_000;
const SEED: u64 = 1;

fn all_orders_end(storage: Storage) {
    let mut world = World::new("all_orders_end", storage);
    world.start_all();
    let orders = orders::mix(SEED, ORDERS);
    let deliveries = [received("teapot", 7), received("a-new-sku", 3), received("a-new-sku", 4)];
    world.load.put(&deliveries);
    world.load.place(&orders, 0);
    world.wait_at_rest(ORDERS, Duration::from_secs(180));
    world.finish(&Expected { orders: &orders, dead: BTreeSet::new() });
}

#[test]
fn on_postgres() {
    all_orders_end(Storage::Postgres);
}

#[test]
fn on_sqlite() {
    all_orders_end(Storage::Sqlite);
}
