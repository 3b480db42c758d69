//! Each service is killed with SIGKILL at each named point of its work, under load, and started again;
//! and two instances of order-svc stand still between the commit and the saying of what was decided.
//! Nothing is lost, nothing has its effect twice, and what is said stands in order.
//!
//! `CHOREO_TIMES=20` walks over all points twenty times; without it, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use choreography::clock;
use shared_events::ids::EventId;
use shared_events::orders::CancellationCode;
use tests::binaries::Build;
use tests::check::Expected;
use tests::crash::{STALL_AT, points_of, walk};
use tests::customer::Customer;
use tests::databases::Storage;
use tests::load::{self, Put};
use tests::local::LocalParts;
use tests::log::{self, Log};
use tests::orders::{self, Fate, Order, Twist};
use tests::service::Service;
use tests::told;
use tests::trial::{RECOVERY_MAX, Setup, Trial};
use tests::wait;
use tests::world::World;

const SEED: u64 = 51;
const RATE: u32 = 30;

/// How often each point is walked over.
#[expect(clippy::disallowed_methods, reason = "tests have no command line of their own")]
fn times() -> usize {
    let times = std::env::var("CHOREO_TIMES").unwrap_or_else(|_| "1".to_owned());
    times.parse().expect("CHOREO_TIMES is a number")
}

/// More orders than are placed before a point was not reached in time.
fn orders_max() -> usize {
    RATE as usize * 300 * times()
}

fn each_point(storage: Storage, case: &str, is_walked: fn(Service, &str) -> bool) {
    let setup = Setup { rate: RATE, storage, build: Build::CrashPoints, named: true };
    let trial = Trial::start_as(setup, "crash_points", case);
    trial.survives(SEED, &orders::mix(SEED, orders_max()), |trial| {
        let order_svc = trial.instance(Service::Order);
        let customer = Customer::start(trial.processes().address(order_svc), SEED);
        let walks = Service::ALL.map(|service| {
            let mut points = points_of(service);
            points.retain(|point| is_walked(service, point));
            (trial.instance(service), points.repeat(times()))
        });
        let began = Instant::now();
        let deaths = walk(trial.processes(), &walks);
        let walked: Vec<usize> = walks.iter().map(|(_, points)| points.len()).collect();
        assert_eq!(deaths, walked.iter().sum::<usize>(), "{walked:?}");
        let ordered = customer.stop();
        told::figure(&format!(
            "{storage:?}: killed {deaths} times at named points, {walked:?} by service, in {:.0} s; \
             over HTTP {} orders, {} repeats",
            began.elapsed().as_secs_f64(),
            ordered.orders.len(),
            ordered.repeats
        ));
        trial.has_placed(ordered.orders);
    });
}

/// No deadline passes here: see `at_each_point_of_a_deadline`.
fn without_deadlines(service: Service, point: &str) -> bool {
    service != Service::Order || !point.starts_with("timer-")
}

#[test]
fn at_each_point_on_postgres() {
    each_point(Storage::Postgres, "at_each_point_on_postgres", without_deadlines);
}

#[test]
fn at_each_point_on_sqlite() {
    each_point(Storage::Sqlite, "at_each_point_on_sqlite", without_deadlines);
}

/// While nobody answers, each order is cancelled at its deadline; the others come when that is done.
#[test]
fn at_each_point_of_a_deadline() {
    const CASE: &str = "at_each_point_of_a_deadline";
    const LATE: Fate = Fate::Cancelled(CancellationCode::NotAnswered);
    let parts = LocalParts::start(&format!("crash_points_{CASE}"));
    let again = format!("cargo test -p tests --features real --test crash_points {CASE}");
    let mut world = World::on_own(&parts.addresses(), CASE, Storage::Postgres, &again);
    world.processes.set_build(Build::CrashPoints);
    let named = |service: Service| {
        let member = format!("group.instance.id={}", service.name());
        vec![("KAFKA_PROPERTIES".to_owned(), member)]
    };
    world.environment = named(Service::Order);
    let order_svc = world.start_with(Service::Order, &["--deadline", "300ms"]);
    world.processes.wait_ready(order_svc);

    let late = |order: Order| Order { fate: LATE, ..order };
    let all: Vec<Order> = orders::good(SEED, orders_max()).into_iter().map(late).collect();
    let mut timers = points_of(Service::Order);
    timers.retain(|point| point.starts_with("timer-"));
    let walks = [(order_svc, timers.repeat(times()))];
    let mut deaths = 0;
    let load = Arc::clone(&world.load);
    let placed = load.place_while(&all, RATE, || deaths = walk(&mut world.processes, &walks));
    assert_eq!(deaths, walks[0].1.len());
    told::figure(&format!("killed {deaths} times at named points of timers, {placed} orders"));

    wait::until("all deadlines have passed", wait::LIMIT, || {
        let ended = world.ended();
        if ended == placed as i64 { Ok(()) } else { Err(format!("{ended} of {placed}")) }
    });
    for service in [Service::Inventory, Service::Logistics, Service::Seller] {
        world.environment = named(service);
        world.start(service);
    }
    world.wait_at_rest(placed, wait::LIMIT);
    world.finish(&Expected { orders: &all[..placed], dead: BTreeSet::new() });
}

/// Who hears of a key says first what another instance owes about it, which then says it once more:
/// so here each order is placed again a moment later, and on `orders` its key may be the other one's.
#[test]
fn stalled_instances() {
    const CASE: &str = "stalled_instances";
    const STALLED: Duration = Duration::from_secs(40);
    let setup = Setup { rate: RATE, build: Build::CrashPoints, ..Setup::USUAL };
    let mut trial = Trial::start_as(setup, "crash_points", CASE);
    let both = [trial.instance(Service::Order), trial.start_another(Service::Order)];
    for (seed, instance) in (SEED..).zip(both) {
        trial.processes().wait_ready(instance);
        trial.processes().stop(instance);
        let stall = format!("committed:0..1500:{seed}");
        trial.processes().start_again_with(instance, &[(STALL_AT, &stall)]);
    }
    both.iter().for_each(|instance| trial.processes().wait_ready(*instance));

    let all = orders::good(SEED, orders_max());
    let endured = trial.endure(&all, RECOVERY_MAX, |trial| {
        let load = Arc::clone(&trial.world().load);
        let began = Instant::now();
        let mut repeated = 0;
        while began.elapsed() < STALLED {
            // What has been placed for a second.
            let old = load.placed().saturating_sub(RATE as usize);
            let late = &all[repeated..old.max(repeated)];
            load.put(&late.iter().map(placed_again).collect::<Vec<_>>());
            repeated = old.max(repeated);
            sleep(Duration::from_millis(100));
        }
    });
    let said_twice = said_twice(&log::read(&trial.world().kafka), "/order-svc");
    told::figure(&format!(
        "{} orders, at rest {:.1} s after the last repeat; order-svc has said {said_twice} events twice",
        endured.placed,
        endured.recovered.as_secs_f64()
    ));
    assert_ne!(said_twice, 0, "no instance has said what another one owed");
    // Each may stand there twice: that is what was done to them.
    let twice = |order: &Order| Order { twist: Twist::Another, ..order.clone() };
    let placed: Vec<_> = all[..endured.placed].iter().map(twice).collect();
    trial.end(&placed, &mut vec![]);
}

/// Another OrderPlaced about the same order: it does not count, but it is heard.
fn placed_again(order: &Order) -> Put {
    let placed = &order.placed;
    let id = clock::new_event_id();
    load::put(placed, id, Some(placed.order_id.as_str()), &order.traceparent)
}

/// How many events of a service stand on the topics more than once.
fn said_twice(log: &Log, source: &str) -> usize {
    let mut counts: BTreeMap<EventId, usize> = BTreeMap::new();
    for record in log.0.iter().filter(|record| record.source.as_deref() == Some(source)) {
        *counts.entry(record.id).or_default() += 1;
    }
    counts.values().filter(|count| 1 < **count).count()
}
