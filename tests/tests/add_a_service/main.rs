//! What `docs/add-a-service.md` shows builds in a copy of the project, changes no file that was
//! there, and works beside the four services.

mod guide;
mod project;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use choreography::db::{Database, Input};
use project::Project;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use shared_events::codec::{Schemas, writer_id};
use shared_events::topics::PARTITIONS;
use tests::check::Expected;
use tests::http::Answer;
use tests::orders::{self, Order};
use tests::processes::Instance;
use tests::service::Service;
use tests::wait::{self, LIMIT, block_on};
use tests::world::World;

const SEED: u64 = 5;

/// So many orders are placed before the service is there, so many while it hears, and so many once
/// it says something.
const EACH: usize = 40;

const NAME: &str = "points-svc";

/// The service of the guide in a world.
struct Points<'w> {
    world: &'w mut World,
    url: String,
}

#[test]
fn the_service_of_the_guide_works() {
    let [hears, says] = guide::parts();
    let mut world = World::embedded_with("add_a_service", &guide::topics());
    let project = Project::copy(&world.processes.folder().join("project"));
    world.start_all();
    let orders = orders::mix(SEED, 3 * EACH);
    let place = |world: &mut World, which: usize| {
        world.load.place(&orders[which * EACH..][..EACH], 0);
        world.wait_at_rest((which + 1) * EACH, LIMIT);
    };

    place(&mut world, 0);
    project.write(&hears);
    let binary = project.test(NAME);
    let url = format!("sqlite://{}/{NAME}.db", world.processes.folder().display());
    let mut points = Points { world: &mut world, url };
    let instance = points.start(binary);
    points.wait_right(instance, &orders);
    place(points.world, 1);
    points.wait_right(instance, &orders);
    points.world.processes.stop(instance);
    let counted = points.completed();

    project.write(&says);
    let instance = points.start(project.test(NAME));
    place(points.world, 2);
    points.wait_right(instance, &orders);
    let mut later = points.completed();
    later.retain(|order| !counted.contains(order));
    assert_eq!(points.said(), sellers(&orders, &later).into_iter().collect());

    check_files(&project, hears.iter().chain(&says).map(|file| file.path).collect());
    world.finish(&Expected { orders: &orders, dead: BTreeSet::new() });
}

fn schema_id() -> u32 {
    let [_, says] = guide::parts();
    let schema = says.iter().find(|file| file.path == "schemas/points/PointsAwarded.avsc");
    Schemas::parse(&[&schema.expect("a schema").text]).newest_id()
}

/// The copy has the files of the guide and no others, and only cargo has changed one.
fn check_files(project: &Project, shown: BTreeSet<&str>) {
    let [new, changed] = project.differences();
    assert_eq!(new.iter().map(String::as_str).collect::<BTreeSet<_>>(), shown);
    assert_eq!(changed, ["Cargo.lock"]);
}

/// Each order of `completed` with each of its sellers once.
fn sellers(orders: &[Order], completed: &BTreeSet<String>) -> Vec<(String, String)> {
    let placed: BTreeMap<_, _> =
        orders.iter().map(|order| (order.placed.order_id.as_str(), &order.placed)).collect();
    let pairs = completed.iter().flat_map(|order| {
        let sellers: BTreeSet<_> =
            placed[order.as_str()].lines.iter().map(|line| line.seller_id.to_string()).collect();
        sellers.into_iter().map(move |seller| (order.clone(), seller))
    });
    pairs.collect()
}

impl Points<'_> {
    fn start(&mut self, binary: PathBuf) -> Instance {
        let arguments = ["-b", self.world.kafka.brokers(), "--database-url", &self.url];
        let instance = self.world.processes.start_binary(binary, &arguments, &[]);
        self.world.processes.wait_ready(instance);
        instance
    }

    /// The orders that have arrived.
    fn completed(&self) -> BTreeSet<String> {
        const COMPLETED: &str = "SELECT order_id FROM orders WHERE status = 'completed'";
        let rows = self.world.databases.rows::<(String,)>(Service::Order, COMPLETED);
        rows.into_iter().map(|(order,)| order).collect()
    }

    /// Waits until the service has taken all that is there; then each seller has the right points.
    fn wait_right(&mut self, instance: Instance, orders: &[Order]) {
        wait::until("points-svc has taken everything", LIMIT, || {
            self.world.processes.check_running();
            at_rest(&self.world.processes.get(instance, "/metrics"))
        });
        let completed = self.completed();
        assert!(!completed.is_empty() && completed.len() < orders.len());
        let mut expected = BTreeMap::new();
        for (_, seller) in sellers(orders, &completed) {
            *expected.entry(seller).or_insert(0) += 1;
        }
        assert_eq!(self.points(), expected);
    }

    fn points(&self) -> BTreeMap<String, i64> {
        block_on(async {
            let db = Database::connect(&self.url).await.expect("a database");
            let mut tx = db.begin_read().await.expect("a transaction");
            let rows = tx.fetch("SELECT seller_id, points FROM points", Input::new()).await;
            tx.rollback().await.expect("its end");
            db.close().await;
            rows.expect("rows").into_iter().collect()
        })
    }

    /// The order and the seller of each PointsAwarded, and that none is there twice.
    fn said(&self) -> BTreeSet<(String, String)> {
        let consumer: BaseConsumer =
            tests::kafka::client(self.world.kafka.brokers()).create().expect("a consumer");
        let mut all = TopicPartitionList::new();
        let mut left = 0;
        for partition in 0..PARTITIONS {
            let (_, high) =
                consumer.fetch_watermarks("points", partition, LIMIT).expect("watermarks");
            left += high;
            all.add_partition_offset("points", partition, Offset::Beginning).expect("an offset");
        }
        consumer.assign(&all).expect("assigned");
        let mut said = BTreeSet::new();
        for _ in 0..left {
            let record = consumer.poll(LIMIT).expect("a record in time").expect("a record");
            let pair = read(&record);
            assert!(said.insert(pair.clone()), "{pair:?} is said twice");
        }
        said
    }
}

/// The order and the seller of a PointsAwarded.
fn read(record: &impl Message) -> (String, String) {
    let header = |name| {
        let mut headers = record.headers().expect("headers").iter();
        let header = headers.find(|header| header.key == name).and_then(|header| header.value);
        String::from_utf8(header.expect("a value").to_owned()).expect("a text")
    };
    assert_eq!(header("ce_type"), "PointsAwarded");
    assert_eq!(header("ce_source"), format!("/{NAME}"));
    let value = record.payload().expect("a value");
    assert_eq!(writer_id(value), Ok(schema_id()));
    let key = String::from_utf8(record.key().expect("a key").to_owned()).expect("a text");
    let (order, rest) = text(&value[5..]);
    let (seller, rest) = text(rest);
    // One, as Avro writes it.
    assert_eq!((&order, rest), (&key, &[2][..]));
    (order, seller)
}

/// A text as Avro writes it, of less than 64 bytes, and what follows.
fn text(bytes: &[u8]) -> (String, &[u8]) {
    let (text, rest) = bytes[1..].split_at(usize::from(bytes[0] / 2));
    (String::from_utf8(text.to_owned()).expect("a text"), rest)
}

/// What the guide says is good to see among the metrics.
fn at_rest(answer: &std::io::Result<Answer>) -> Result<(), String> {
    let metrics = answer.as_ref().map_err(ToString::to_string)?.body.as_str();
    let of = |name: &str| -> Vec<&str> {
        metrics.lines().filter(|line| line.starts_with(&format!("{name}{{"))).collect()
    };
    let lag = of("choreography_lag");
    assert_eq!(of("choreography_dead_letters_total"), [""; 0]);
    if lag.is_empty() || lag.iter().any(|line| !line.ends_with(" 0")) {
        return Err(format!("{lag:?}"));
    }
    if of("messaging_process_duration_seconds_count").is_empty() {
        return Err("it has handled nothing".to_owned());
    }
    if of("choreography_skipped_total").is_empty() {
        return Err("it has skipped nothing".to_owned());
    }
    Ok(())
}
