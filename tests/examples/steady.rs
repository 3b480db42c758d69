//! What an order costs, and how long it takes, at a steady rate: orders are placed at the times that
//! the rate gives, whether the services keep up or not. On a Kafka and a PostgreSQL of its own.
//!
//! ```text
//! cargo run --release -p tests --features real --example steady -- --rate 200
//! ```

use std::collections::{BTreeMap, BTreeSet};

use clap::Parser;
use shared_events::amounts::Timestamp;
use shared_events::event::Event;
use shared_events::orders::{OrderCompleted, OrderConfirmed, OrderPlaced};
use tests::check::{Evidence, Expected, check};
use tests::cpu::Meter;
use tests::databases::Storage;
use tests::local::LocalParts;
use tests::log::Log;
use tests::world::World;
use tests::{orders, wait};

/// Measures what an order costs and how long it takes at a steady rate.
#[derive(Parser)]
struct Options {
    /// Orders a second
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Measure for so many seconds
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// After so many seconds at the same rate, which do not count
    #[arg(long, default_value_t = 20)]
    warm_up_seconds: u32,
    /// Keep state in SQLite, not in PostgreSQL
    #[arg(long)]
    sqlite: bool,
    /// Send this share of all traces to --otlp
    #[arg(long, requires = "otlp")]
    sampled: Option<f64>,
    /// Where a collector listens, such as http://127.0.0.1:4318
    #[arg(long)]
    otlp: Option<String>,
    /// A property of librdkafka for all services; repeatable
    #[arg(short = 'X', long, value_name = "KEY=VALUE")]
    property: Vec<String>,
    /// A further variable for all services; repeatable
    #[arg(short, long, value_name = "KEY=VALUE")]
    environment: Vec<String>,
}

fn main() {
    let options = Options::parse();
    let parts = LocalParts::start("steady");
    let storage = if options.sqlite { Storage::Sqlite } else { Storage::Postgres };
    let mut world = World::on_own(&parts.addresses(), "steady", storage, "example steady");
    world.environment = environment(&options);
    let instances = world.start_all();

    let count = |seconds: u32| usize::try_from(options.rate * seconds).expect("a count");
    let (warm_up, measured) = (count(options.warm_up_seconds), count(options.seconds));
    let orders = orders::good(7, warm_up + measured);
    world.load.place(&orders[..warm_up], options.rate);
    let services = instances
        .iter()
        .map(|(service, instance)| (service.name().to_owned(), world.processes.id(*instance)));
    let meter = Meter::start(parts.processes().into_iter().chain(services));
    world.load.place(&orders[warm_up..], options.rate);
    let costs = meter.table(measured);

    world.wait_at_rest(orders.len(), wait::LIMIT);
    world.processes.stop_all();
    let evidence = world.evidence();
    // A run that is not right has no figure.
    check(&evidence, &Expected { orders: &orders, dead: BTreeSet::new() });
    let Options { rate, seconds, .. } = options;
    let mut lines = vec![
        format!("{rate} orders/s for {seconds} s on {storage:?}, sampled {:?}", options.sampled),
        format!("{:28} {:>8} {:>8} {:>8}", "ms from OrderPlaced to", "p50", "p99", "max"),
    ];
    let Evidence { log, .. } = &evidence;
    let later: BTreeSet<&str> =
        orders[warm_up..].iter().map(|order| order.placed.order_id.as_str()).collect();
    lines.push(latencies::<OrderConfirmed>(log, &later));
    lines.push(latencies::<OrderCompleted>(log, &later));
    lines.extend(costs);
    world.processes.finish();
    tell(&lines);
}

fn environment(options: &Options) -> Vec<(String, String)> {
    let mut all = vec![("KAFKA_PROPERTIES".to_owned(), options.property.join("\n"))];
    for variable in &options.environment {
        let (name, value) = variable.split_once('=').expect("KEY=VALUE");
        all.push((name.to_owned(), value.to_owned()));
    }
    if let Some(endpoint) = &options.otlp {
        let share = options.sampled.unwrap_or(1.0).to_string();
        all.push(("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint.clone()));
        // By the trace's id alone, so that all services take the same ones.
        all.push(("OTEL_TRACES_SAMPLER".to_owned(), "traceidratio".to_owned()));
        all.push(("OTEL_TRACES_SAMPLER_ARG".to_owned(), share));
    }
    all
}

/// How long after the order was appended to its topic the event was appended to its own: both are
/// the broker's times.
fn latencies<E: Event>(log: &Log, orders: &BTreeSet<&str>) -> String {
    let placed: BTreeMap<String, Timestamp> = log
        .events::<OrderPlaced>()
        .map(|(record, event)| (event.key().to_owned(), record.append_time))
        .collect();
    let mut times: Vec<i64> = log
        .events::<E>()
        .filter(|(_, event)| orders.contains(event.key()))
        .map(|(record, event)| record.append_time.0 - placed[event.key()].0)
        .collect();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    format!("{:28} {:8} {:8} {:8}", E::NAME, at(0.5), at(0.99), at(1.0))
}

#[expect(clippy::print_stdout, reason = "it is a command, and this is its result")]
fn tell(lines: &[String]) {
    println!("{}", lines.join("\n"));
}
