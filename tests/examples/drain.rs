//! What an order costs: how many orders a second the services end that were all placed before they
//! started, and the CPU time of each part. On a Kafka and a PostgreSQL of its own, which it starts.
//!
//! ```text
//! cargo run --release -p tests --features real --example drain
//! ```
//!
//! It is a first figure, not a benchmark: a backlog flatters whoever works in batches.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use choreography::clock;
use clap::Parser;
use shared_events::amounts::Timestamp;
use shared_events::orders::OrderCompleted;
use tests::binaries::{self, Build};
use tests::check::{Expected, check};
use tests::cpu::Meter;
use tests::databases::Storage;
use tests::local::LocalParts;
use tests::log::Log;
use tests::service::Service;
use tests::world::World;
use tests::{orders, wait};

/// Measures how fast a backlog of orders is drained, and what that costs.
#[derive(Parser)]
struct Options {
    /// How many orders
    #[arg(long, default_value_t = 20_000)]
    orders: usize,
    /// Keep state in SQLite, not in PostgreSQL
    #[arg(long)]
    sqlite: bool,
    /// Give up after so many seconds
    #[arg(long, default_value_t = 1_200)]
    limit_seconds: u64,
}

/// Whatever the backlog, no order is cancelled for lateness.
const DEADLINE: [&str; 2] = ["--deadline", "24h"];

fn main() {
    let options = Options::parse();
    let parts = LocalParts::start("drain");
    let storage = if options.sqlite { Storage::Sqlite } else { Storage::Postgres };
    let mut world = World::on_own(&parts.addresses(), "drain", storage, "example drain");
    let orders = orders::good(7, options.orders);
    world.load.place(&orders, 0);
    binaries::path(Build::Ordinary, Service::Order);

    let began = Instant::now();
    let placed = since_1970(clock::now());
    let instances = Service::ALL.map(|service| match service {
        Service::Order => (service, world.start_with(service, &DEADLINE)),
        Service::Inventory | Service::Logistics | Service::Seller => {
            (service, world.start(service))
        }
    });
    let services = instances
        .map(|(service, instance)| (service.name().to_owned(), world.processes.id(instance)));
    let meter = Meter::start(parts.processes().into_iter().chain(services));
    instances.iter().for_each(|(_, instance)| world.processes.wait_ready(*instance));
    let ready = began.elapsed();
    let all = i64::try_from(orders.len()).expect("a count");
    let limit = Duration::from_secs(options.limit_seconds);
    // Counting reads the whole table.
    wait::until_at(Duration::from_secs(2), "all orders have ended", limit, || {
        world.processes.check_running();
        let ended = world.ended();
        if ended == all { Ok(()) } else { Err(format!("{ended} have ended")) }
    });
    let costs = meter.table(options.orders);

    world.wait_at_rest(orders.len(), wait::LIMIT);
    world.processes.stop_all();
    // A run that is not right has no figure.
    let evidence = world.evidence();
    check(&evidence, &Expected { orders: &orders, dead: BTreeSet::new() });
    world.processes.finish();

    let took = last(&evidence.log).saturating_sub(placed);
    let rate = |time: Duration| options.orders as f64 / time.as_secs_f64();
    let mut lines = vec![
        format!("{} orders on {storage:?}, ended in {:.1} s", options.orders, took.as_secs_f64()),
        format!("orders/s                     {:8.0}", rate(took)),
        format!("orders/s, start-up left out  {:8.0}", rate(took.saturating_sub(ready))),
    ];
    lines.extend(costs);
    tell(&lines);
}

/// When Kafka has taken the last completion.
fn last(log: &Log) -> Duration {
    let ends = log.events::<OrderCompleted>().map(|(record, _)| record.append_time);
    since_1970(ends.max().expect("orders that have ended"))
}

fn since_1970(time: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(time.0).expect("a time after 1970"))
}

#[expect(clippy::print_stdout, reason = "it is a command, and this is its result")]
fn tell(lines: &[String]) {
    println!("{}", lines.join("\n"));
}
