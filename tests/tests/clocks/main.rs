//! Clocks that differ: inventory-svc is an hour ahead, logistics-svc an hour behind, and the clock of
//! order-svc is set back by an hour while orders come in, over HTTP, too; then all are set back while
//! nothing happens. No order is lost or cancelled for lateness, and no id is drawn twice.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use shared_events::headers::Received;
use tests::check::{Expected, check};
use tests::databases::Storage;
use tests::service::{Service, usual_arguments};
use tests::world::World;
use tests::{customer, orders};

const SEED: u64 = 91;
const RATE: u32 = 50;
const ORDERS_MAX: usize = RATE as usize * 240;
/// So many orders come after the last clock was set.
const MORE: usize = 200;
const HOUR_SECONDS: i64 = 3600;
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn an_hour_ahead_an_hour_behind_and_set_back() {
    let mut world = World::new("clocks", Storage::Postgres);
    let library = compile(world.processes.folder());
    let clock = |service: Service| library.with_file_name(format!("clock-{}", service.name()));
    let instances = Service::ALL.map(|service| {
        set(&clock(service), ahead(service));
        let path = |path: &Path| path.to_str().expect("a path that is text").to_owned();
        world.environment = vec![
            ("LD_PRELOAD".to_owned(), path(&library)),
            ("CLOCK_OFFSET_FILE".to_owned(), path(&clock(service))),
        ];
        world.start_with(service, arguments(service))
    });
    instances.iter().for_each(|instance| world.processes.wait_ready(*instance));

    let all = orders::mix(SEED, ORDERS_MAX);
    let order_svc = world.processes.address(instances[0]);
    let mut ordered = customer::Ordered::default();
    let placed = world.load.place_while(&all, RATE, || {
        ordered = customer::order_while(order_svc, SEED, || {
            sleep(Duration::from_secs(8));
            set(&clock(Service::Order), -HOUR_SECONDS);
            sleep(Duration::from_secs(12));
        });
    });
    assert!(ordered.refusals.is_empty(), "{:?}", ordered.refusals);
    let ids: BTreeSet<_> = ordered.orders.iter().map(|order| &order.placed.order_id).collect();
    assert_eq!(ids.len(), ordered.orders.len(), "an id was drawn twice");

    let orders = [&all[..placed], &ordered.orders].concat();
    world.wait_at_rest(orders.len(), LIMIT);
    for service in Service::ALL {
        set(&clock(service), ahead(service) - 2 * HOUR_SECONDS);
    }
    // Longer than the session of a group lasts.
    sleep(Duration::from_secs(12));
    let more = orders::mix(SEED + 10, MORE);
    world.load.place(&more, RATE);
    let orders = [orders, more].concat();
    world.wait_at_rest(orders.len(), LIMIT);
    world.processes.stop_all();
    let evidence = world.evidence();
    check(&evidence, &Expected { orders: &orders, dead: BTreeSet::new() });
    for service in Service::ALL {
        let seen: BTreeSet<i64> =
            evidence.log.0.iter().filter_map(|said| hours_ahead(said, service)).collect();
        let before = ahead(service) / HOUR_SECONDS;
        let between = if service == Service::Order { vec![before - 1] } else { vec![] };
        let should_be = [vec![before - 2], between, vec![before]].concat();
        assert!(seen.iter().eq(&should_be), "{}: hours ahead {seen:?}", service.name());
    }
    world.processes.finish();
}

/// By how many seconds the clock of a service is ahead at first.
fn ahead(service: Service) -> i64 {
    match service {
        Service::Inventory => HOUR_SECONDS,
        Service::Logistics => -HOUR_SECONDS,
        Service::Order | Service::Seller => 0,
    }
}

/// A deadline that each order would miss by an hour's difference, if it were counted by two clocks.
fn arguments(service: Service) -> &'static [&'static str] {
    match service {
        Service::Order => &["--deadline", "30m"],
        Service::Inventory | Service::Logistics | Service::Seller => usual_arguments(service),
    }
}

/// What a service's clock says of an answer, beside the broker's, in whole hours.
fn hours_ahead(said: &tests::log::Record, service: Service) -> Option<i64> {
    (said.source.as_deref() == Some(&format!("/{}", service.name()))).then_some(())?;
    said.causation?;
    let ahead_ms = Received::read(&said.headers).time?.0 - said.append_time.0;
    Some((ahead_ms as f64 / (HOUR_SECONDS * 1000) as f64).round() as i64)
}

/// Sets a clock, also that of a process that runs: the file stays the same.
fn set(clock: &Path, seconds: i64) {
    use std::io::Write;
    let file = fs::File::options().create(true).write(true).truncate(false).open(clock);
    file.and_then(|mut file| file.write_all(&seconds.to_ne_bytes())).expect("the file of a clock");
}

fn compile(folder: &Path) -> PathBuf {
    let library = folder.join("clock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clocks/clock.c");
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source);
    assert!(cc.status().expect("a C compiler").success(), "{cc:?}");
    library
}
