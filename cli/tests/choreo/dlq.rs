//! `choreo dlq`: dead letters as the runtime writes them, told and replayed.

use std::time::Duration;

use choreography::embedded::EmbeddedBroker;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::Value;
use shared_events::topics::{event_topics, group_topics};

use crate::world::world;
use crate::{Run, choreo};

const INVENTORY: &str = "orders.inventory-svc.dlq";
const SELLERS: &str = "orders.seller-svc.dlq";
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The id of the n-th event.
fn id(n: u8) -> String {
    format!("01a2097f-6c79-73a8-8282-6ac13ad961{n:02x}")
}

fn broker() -> EmbeddedBroker {
    let groups = ["inventory-svc", "seller-svc"];
    let groups = groups.iter().flat_map(|group| group_topics(group, &["orders"]));
    EmbeddedBroker::start(&event_topics().into_iter().chain(groups).collect::<Vec<_>>()).unwrap()
}

/// A dead letter of event `n` of orders/2.
fn headers(n: u8, group: &str, attempt: u32, class: &str) -> Vec<(String, String)> {
    let (id, attempt, n) = (id(n), attempt.to_string(), n.to_string());
    let order = format!("order-{n}");
    let headers = [
        ("ce_id", id.as_str()),
        ("ce_type", "OrderPlaced"),
        ("ce_correlationid", &order),
        ("dlq-id", &id),
        ("dlq-group", group),
        ("dlq-topic", "orders"),
        ("dlq-partition", "2"),
        ("dlq-offset", &n),
        ("dlq-timestamp", "1795536000000"),
        ("dlq-error-class", class),
        ("dlq-error", "it says \u{1b}[31mno"),
        ("dlq-attempt", &attempt),
        ("traceparent", TRACE),
    ];
    headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn put(brokers: &str, topic: &str, value: &[u8], headers: &[(String, String)], days_ago: i64) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    let producer: BaseProducer = config.create().unwrap();
    let all = headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
        all.insert(Header { key, value: Some(value) })
    });
    let time = choreography::clock::now().0 - days_ago * 24 * 60 * 60 * 1000;
    let record = BaseRecord::to(topic).key("key-1").payload(value).headers(all).partition(2);
    let record = record.timestamp(time);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(Duration::from_secs(10)).unwrap();
}

/// Event 1 is dead in both groups, event 2 and what is no dead letter in one.
fn put_some(brokers: &str) {
    put(brokers, INVENTORY, b"\x00\x01", &headers(1, "inventory-svc", 1, "undecodable"), 0);
    put(brokers, INVENTORY, b"{}", &headers(2, "inventory-svc", 1, "panic"), 0);
    put(brokers, INVENTORY, b"text", &[], 0);
    put(brokers, SELLERS, b"\x00\x01", &headers(1, "seller-svc", 1, "undecodable"), 0);
}

fn dlq(brokers: &str, args: &[&str]) -> Run {
    choreo(&[&["dlq"], args, &["-b", brokers]].concat())
}

fn json_lines(run: &Run) -> Vec<Value> {
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Place and state of each, sorted.
fn states(brokers: &str, args: &[&str]) -> Vec<String> {
    let run = dlq(brokers, &[&["list", "-o", "json"], args].concat()).well();
    let state = |line: &Value| {
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        format!("{}/{} {}", text("topic"), line["offset"], text("state"))
    };
    let mut states: Vec<String> = json_lines(&run).iter().map(state).collect();
    states.sort();
    states
}

#[test]
fn each_is_listed_on_a_line_that_steers_no_terminal() {
    let broker = broker();
    let brokers = broker.brokers();
    let empty = dlq(&brokers, &["list"]).well();
    assert_eq!(empty.out, "no dead letters\n");
    put_some(&brokers);
    let run = dlq(&brokers, &["list"]).well();
    let mut lines: Vec<&str> = run.out.lines().collect();
    let summary = lines.pop().unwrap();
    assert_eq!(summary, "4 dead letters: 3 waiting, 1 no dead letter");
    assert_eq!(lines.len(), 4, "{}", run.out);
    assert!(!run.out.contains('\u{1b}'), "{:?}", run.out);
    let first = format!(
        "  orders.inventory-svc.dlq/2/0  inventory-svc  orders/2/1  OrderPlaced  order-1  {}  \
         undecodable  attempt 1  waiting  it says \\u{{1b}}[31mno",
        id(1)
    );
    assert!(lines.iter().any(|line| line.ends_with(&first)), "{}", run.out);
    let none = "orders.inventory-svc.dlq/2/2  -  no dead letter  its header dlq-id is missing";
    assert!(lines.iter().any(|line| line.ends_with(none)), "{}", run.out);
}

#[test]
fn filters_choose() {
    let broker = broker();
    let brokers = broker.brokers();
    put_some(&brokers);
    let (one, two) = (format!("{INVENTORY}/0 waiting"), format!("{INVENTORY}/1 waiting"));
    let (none, other) = (format!("{INVENTORY}/2 no_dead_letter"), format!("{SELLERS}/0 waiting"));
    let all = [&one, &two, &none, &other].map(String::as_str);
    let table: &[(&[&str], &[&str])] = &[
        (&[], &all),
        (&["--group", "seller-svc"], &[&other]),
        (&["-g", "inventory-svc"], &[&one, &two, &none]),
        (&["--topic", "orders"], &all),
        (&["--order", "order-1"], &[&one, &other]),
        (&["--order", "r-2"], &[&two]),
        (&["--order", "key-1"], &all),
        (&["--error", "panic"], &[&two]),
        (&["--error", "refused"], &[]),
        (&["--from", "1"], &[&two, &none]),
        (&["--from", "-1"], &[&none, &other]),
        (&["--group", "inventory-svc", "--error", "undecodable"], &[&one]),
    ];
    for (args, expected) in table {
        assert_eq!(states(&brokers, args), *expected, "{args:?}");
    }
}

#[test]
fn all_that_is_known_is_shown() {
    let broker = broker();
    let brokers = broker.brokers();
    put_some(&brokers);
    let run = dlq(&brokers, &["show", "orders.inventory-svc.dlq/2/0"]).well();
    let parts = [
        "OrderPlaced  orders.inventory-svc.dlq/2/0  waiting\n",
        "in inventory-svc, attempt 1\n",
        "undecodable: it says \\u{1b}[31mno\n",
        "orders/2/1  since 2026-11-24T16:00:00.000Z\n",
        "trace      0af7651916cd43dd8448eb211c80319c\n",
        "replays    none\n",
        "header     dlq-offset: 1\n",
        "00000000  00 01 ",
    ];
    for part in parts {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
    let both = dlq(&brokers, &["show", &id(1)[20..], "-o", "json"]).well();
    let groups: Vec<Value> =
        json_lines(&both).iter().map(|line| line["dead_letter"]["group"].clone()).collect();
    assert_eq!(groups.len(), 2, "{}", both.out);
    assert_eq!(json_lines(&both)[0]["payload_hex"], "0001");
    let by_origin = dlq(&brokers, &["show", "orders/2/2"]).well();
    assert!(by_origin.out.ends_with("{}\n"), "{}", by_origin.out);
}

#[test]
fn a_replay_is_the_letter_as_it_is_and_happens_once() {
    let broker = broker();
    let brokers = broker.brokers();
    put_some(&brokers);
    let replays = || {
        let topic = ["-t", "orders.inventory-svc.replay"];
        let args = ["tail", "-b", &brokers, "-e", "-o", "json"];
        json_lines(&choreo(&[&args[..], &topic].concat()).well())
    };
    let replay = ["replay", "--group", "inventory-svc"];
    let dry = dlq(&brokers, &replay).well();
    let summary = "2 would be replayed, 0 skipped, 1 refused; nothing was done: --yes does it\n";
    assert!(dry.out.ends_with(summary), "{}", dry.out);
    assert_eq!(replays(), [] as [Value; 0]);

    let one = dlq(&brokers, &[&replay[..], &["--yes", "--limit", "1"]].concat()).well();
    let summary = "1 replayed, 0 skipped, 1 refused, 1 left for the next run by --limit\n";
    assert!(one.out.ends_with(summary), "{}", one.out);
    let rest = dlq(&brokers, &[&replay[..], &["--yes", "--rate", "100"]].concat()).well();
    assert!(rest.out.ends_with("1 replayed, 1 skipped, 1 refused\n"), "{}", rest.out);
    let none = dlq(&brokers, &[&replay[..], &["--yes"]].concat()).well();
    assert!(none.out.ends_with("0 replayed, 2 skipped, 1 refused\n"), "{}", none.out);

    let letters = ["tail", "-b", &brokers, "-e", "-o", "json", "-t", INVENTORY];
    let letters = json_lines(&choreo(&letters).well());
    let seen = replays();
    assert_eq!(seen.len(), 2);
    for (replay, letter) in seen.iter().zip(&letters) {
        for part in ["key", "headers", "payload", "payload_hex", "partition"] {
            assert_eq!(replay[part], letter[part], "{part}");
        }
    }
    let states = states(&brokers, &[]);
    assert_eq!(states.iter().filter(|state| state.ends_with(" replayed")).count(), 2, "{states:?}");
    let shown = dlq(&brokers, &["show", &format!("{INVENTORY}/2/0")]).well().out;
    let stands = "replay     orders.inventory-svc.replay/2/0  not taken yet\n";
    assert!(shown.contains(stands), "{shown}");

    let again = dlq(&brokers, &["replay", "orders.inventory-svc.dlq/2/0", "--again", "-y"]).well();
    assert!(again.out.ends_with("1 replayed, 0 skipped, 0 refused\n"), "{}", again.out);
    assert_eq!(replays().len(), 3);
}

#[test]
fn the_newest_letter_counts_and_what_is_too_old_is_refused() {
    let broker = broker();
    let brokers = broker.brokers();
    let letter = |attempt| headers(7, "inventory-svc", attempt, "panic");
    put(&brokers, INVENTORY, b"{}", &letter(1), 0);
    put(&brokers, INVENTORY, b"{}", &letter(1), 0);
    let expected = |states: &[&str]| -> Vec<String> {
        states.iter().enumerate().map(|(n, state)| format!("{INVENTORY}/{n} {state}")).collect()
    };
    assert_eq!(states(&brokers, &[]), expected(&["waiting", "repeat"]));
    dlq(&brokers, &["replay", &id(7), "--yes"]).well();
    put(&brokers, INVENTORY, b"{}", &letter(2), 0);
    put(&brokers, INVENTORY, b"{}", &headers(8, "inventory-svc", 1, "panic"), 46);
    let newest = expected(&["died_again", "died_again", "waiting", "waiting"]);
    assert_eq!(states(&brokers, &[]), newest);
    let run = dlq(&brokers, &["replay", "--yes"]).well();
    assert!(run.out.ends_with("1 replayed, 2 skipped, 1 refused\n"), "{}", run.out);
    assert!(
        run.out.contains("it is too old: a group knows what is dead for 45 days"),
        "{}",
        run.out
    );
}

/// The services themselves: what is no event dies, and once more when it is replayed.
#[test]
fn a_group_hears_its_replay() {
    let world = world();
    let placed = [("ce_type", "OrderPlaced"), ("ce_id", &id(9)), ("ce_source", "/test")];
    let placed = placed.map(|(name, value)| (name.to_owned(), value.to_owned()));
    put(&world.brokers, "orders", b"no event", &placed, 0);
    let which = ["--group", "inventory-svc", "--error", "undecodable"];
    let wait = |expected: &[&str]| {
        let began = std::time::Instant::now();
        loop {
            let states = states(&world.brokers, &which);
            let ends: Vec<&str> = states.iter().map(|s| s.split_once(' ').unwrap().1).collect();
            if ends == expected {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{states:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    wait(&["waiting"]);
    dlq(&world.brokers, &[&["replay"], &which[..]].concat()).well();
    wait(&["waiting"]);
    dlq(&world.brokers, &[&["replay", "--yes"], &which[..]].concat()).well();
    wait(&["died_again", "waiting"]);
}

#[test]
fn what_is_not_there_is_said() {
    let broker = broker();
    let brokers = broker.brokers();
    put_some(&brokers);
    let bare = EmbeddedBroker::start(&event_topics()).unwrap();
    let table = [
        (&brokers, &["list", "--group", "nobody"][..], 1, "there are orders.inventory-svc.dlq, "),
        (&bare.brokers(), &["list"], 1, "there is no topic of dead letters (TOPIC.GROUP.dlq)"),
        (&brokers, &["show", "orders/0/5"], 1, "there is no dead letter orders/0/5"),
        (&brokers, &["show", "01a2"], 2, "the id of an event or its end of at least 8"),
        (&brokers, &["show", "orders/x/5"], 2, "a place is TOPIC/PARTITION/OFFSET"),
        (&brokers, &["replay", "01a2097f-0"], 1, "there is no dead letter 01a2097f-0"),
        (&brokers, &["replay", "--limit", "0"], 2, "0 is not in 1.."),
        (&brokers, &["list", "--error", "odd"], 2, "[possible values: undecodable, panic,"),
        (&brokers, &["drop", "orders/2/0"], 2, "its topic does not end in .dlq"),
        (&brokers, &["drop", "orders.inventory-svc.dlq/2/9"], 1, "there is no dead letter"),
        (&brokers, &["drop", "a.b.dlq/2/9"], 1, "there is no such topic of dead letters"),
    ];
    for (brokers, args, code, expected) in table {
        let run = dlq(brokers, args);
        assert_eq!((run.code, run.out.as_str()), (Some(code), ""), "{args:?}: {}", run.err);
        assert!(run.err.contains(expected), "{args:?}: {}", run.err);
    }
    let dry = dlq(&brokers, &["drop", "orders.inventory-svc.dlq/2/1"]).well();
    let summary = "2 dead letters would be deleted, of which 2 not replayed; nothing was done: --yes does it\n";
    assert!(dry.out.ends_with(summary), "{}", dry.out);
    assert_eq!(states(&brokers, &[]).len(), 4);
}
