//! A service is stopped: its orders are cancelled at the deadline, with its name as the reason.
//! Started again it catches up, and lets go what it then reserves or plans for cancelled orders.

use std::collections::BTreeSet;
use std::time::Duration;

use shared_events::inventory::StockReleased;
use shared_events::logistics::ShipmentCancelled;
use shared_events::orders::{CancellationCode, OrderCancelled};
use shared_events::sellers::SellerCancellationNotified;
use tests::check::Expected;
use tests::databases::Storage;
use tests::log;
use tests::orders::{self, Fate};
use tests::service::Service;
use tests::wait;
use tests::world::World;

/// Those who answer orders.
const OTHERS: [Service; 3] = [Service::Inventory, Service::Logistics, Service::Seller];

const ORDERS: usize = 100;
const SEED: u64 = 5;
const LIMIT: Duration = Duration::from_secs(120);

fn the_others_go_on(stopped: Service) {
    let mut world = World::new("stopped_service", Storage::Postgres);
    let started = OTHERS.map(|service| (service, world.start(service)));
    started.iter().for_each(|(_, instance)| world.processes.wait_ready(*instance));
    let (_, instance) = started[OTHERS.iter().position(|s| *s == stopped).expect("one of them")];
    world.processes.stop(instance);

    let mut orders = orders::good(SEED, ORDERS);
    for order in &mut orders {
        order.fate = Fate::Cancelled(CancellationCode::NotAnswered);
    }
    world.load.place(&orders, 0);
    // However slow the machine is: who answers has answered before the time of the deadline begins.
    wait::until("the others have answered", LIMIT, || {
        OTHERS.into_iter().filter(|s| *s != stopped).try_for_each(|s| world.is_at_rest(s))
    });
    let order_svc = world.start_with(Service::Order, &["--deadline", "1s"]);
    world.processes.wait_ready(order_svc);
    wait::until("all orders have ended", LIMIT, || {
        let ended = world.ended();
        if ended == ORDERS as i64 { Ok(()) } else { Err(format!("{ended} have")) }
    });
    check_reasons(&world, stopped);
    assert_eq!(let_go(&world, stopped), 0, "{} is stopped", stopped.name());

    world.processes.start_again(instance);
    world.wait_at_rest(ORDERS, LIMIT);
    assert_eq!(let_go(&world, stopped), ORDERS, "{} has let go", stopped.name());
    world.finish(&Expected { orders: &orders, dead: BTreeSet::new() });
}

/// Each order was cancelled, for one reason: `stopped` has not answered.
fn check_reasons(world: &World, stopped: Service) {
    let log = log::read(&world.kafka);
    let cancelled: Vec<_> = log.events::<OrderCancelled>().collect();
    assert_eq!(cancelled.len(), ORDERS);
    for (record, event) in cancelled {
        let [reason] = event.reasons.as_slice() else { panic!("{record}: {event:?}") };
        assert_eq!(reason.code, CancellationCode::NotAnswered, "{record}");
        let name = reason.detail.split(':').next();
        assert_eq!(name, Some(stopped.name()), "{record}: {}", reason.detail);
    }
}

/// For how many orders the service has said that it lets go what it held for them.
fn let_go(world: &World, service: Service) -> usize {
    let log = log::read(&world.kafka);
    match service {
        Service::Inventory => log.count::<StockReleased>().len(),
        Service::Logistics => log.count::<ShipmentCancelled>().len(),
        Service::Seller => log.count::<SellerCancellationNotified>().len(),
        Service::Order => 0,
    }
}

#[test]
fn inventory() {
    the_others_go_on(Service::Inventory);
}

#[test]
fn logistics() {
    the_others_go_on(Service::Logistics);
}

#[test]
fn seller() {
    the_others_go_on(Service::Seller);
}
