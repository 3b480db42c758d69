//! The same loop on PostgreSQL, if `TEST_POSTGRES_URL` is set: each of the runtime's statements runs
//! at least once, and two instances really meet in the database.

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::harness::{World, wait};
use super::records::{check, order};
use super::store::Store;

fn world(schema: &'static str, make: [&'static str; 2]) -> Option<World> {
    Store::postgres(schema, make).map(World::on)
}

#[test]
fn two_instances_share_on_postgres_only_if_test_postgres_url_is_set() {
    let make = ["DROP SCHEMA IF EXISTS loop_share CASCADE", "CREATE SCHEMA loop_share"];
    if let Some(world) = world("loop_share", make) {
        super::group::share(&world);
    }
}

/// Wherever a transaction is when its connection is cut, also in its commit, of which nobody knows
/// then what has become.
#[test]
fn cut_connections_lose_nothing_on_postgres_only_if_test_postgres_url_is_set() {
    let make = ["DROP SCHEMA IF EXISTS loop_cut CASCADE", "CREATE SCHEMA loop_cut"];
    let Some(world) = world("loop_cut", make) else { return };
    let instance = world.start_ready(&["--batch-records", "5"]);
    let mut placed = 0;
    let began = std::time::Instant::now();
    while began.elapsed().as_secs() < 5 {
        for n in 0..5 {
            world.place(&order(&format!("o-{n}"), "TWO"));
            placed += 1;
        }
        world.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'loop_cut' AND pid <> pg_backend_pid()",
        );
    }
    wait("all answers", || (check(&world.read("inventory")) == 2 * placed).then_some(()));
    let heard: Vec<i64> = world.rows("SELECT heard FROM counts");
    assert_eq!(heard.iter().sum::<i64>(), i64::try_from(placed).expect("few"));
    assert_eq!(world.read("orders.counter-svc.dlq").len(), 0);
    world.wait_until_forgotten();
    wait("health", || (world.page(&instance, "/healthz").0 == 200).then_some(()));
    world.stop(instance);
}

#[test]
fn all_statements_run_on_postgres_only_if_test_postgres_url_is_set() {
    let make = ["DROP SCHEMA IF EXISTS loop_all CASCADE", "CREATE SCHEMA loop_all"];
    let Some(world) = world("loop_all", make) else { return };
    world.migrate();
    world.execute(
        "INSERT INTO handled SELECT md5(n::text)::uuid, n, 0 FROM generate_series(1, 3000) n",
    );
    for currency in ["EUR", "PANIC", "TWO", "LATER"] {
        world.place(&order("o-1", currency));
    }
    world.place(&order("o-poison", "LATER"));
    let mut refused = order("o-2", "EUR");
    refused.ship_to.name = "nul \0 byte".to_owned();
    world.place(&refused);
    let mut twice = order("o-4", "EUR");
    twice.ship_to.name = "twice".to_owned();
    world.place(&twice);
    let instance = world.start(&["--batch-wait", "500ms", "--drain-time", "1s"]);
    let letters = world.wait_for("orders.counter-svc.dlq", 3);
    let class = |n: usize| letters[n].header("dlq-error-class");
    let mut classes = [class(0), class(1), class(2)];
    classes.sort();
    assert_eq!(classes.map(Option::unwrap_or_default), ["panic", "refused", "refused"]);
    world.wait_for("inventory.counter-svc.dlq", 1);
    wait("answers", || (check(&world.read("inventory")) == 5).then_some(()));
    let dead = letters.iter().find(|l| l.received().subject == Some("o-1")).expect("a letter");
    let mended = choreography::encode(&order("o-1", "EUR")).expect("encoded");
    world.put("orders.counter-svc.replay", Some("o-1"), &mended, &dead.headers);
    wait("the replay", || (check(&world.read("inventory")) == 6).then_some(()));
    world.wait_until_forgotten();
    wait("pruning", || (world.number("SELECT COUNT(*) FROM handled") == 9).then_some(()));
    assert_eq!(world.number("SELECT COUNT(*) FROM timers"), 0);

    // More than two pages that no record brings back, and something without a key.
    let lock = world.lock();
    world.place(&order("o-3", "TWO"));
    world.fail(RDKafkaApiKey::Produce, RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
    lock.unlock();
    wait("answers", || (world.number("SELECT COUNT(*) FROM owed") == 2).then_some(()));
    world.stop(instance);
    world.execute(
        "INSERT INTO owed SELECT md5(n::text)::uuid, cause, key, n, topic, record, since
         FROM owed, generate_series(3, 1300) n WHERE sequence = 2",
    );
    world.execute(
        "INSERT INTO owed SELECT md5('dead')::uuid, cause, NULL, NULL, topic, record, since
         FROM owed WHERE sequence = 2",
    );
    let world = world.with_new_topics();
    let instance = world.start(&[]);
    world.wait_until_forgotten();
    assert_eq!(world.read("inventory").len(), 1301);
    world.stop(instance);
}

#[test]
fn no_name_is_logged_on_postgres_only_if_test_postgres_url_is_set() {
    let make = ["DROP SCHEMA IF EXISTS loop_names CASCADE", "CREATE SCHEMA loop_names"];
    if let Some(world) = world("loop_names", make) {
        super::process::names_stay_inside(&world);
    }
}
