//! `choreo tail`: what it shows of records that other producers wrote, and of a whole story.

use choreography::embedded::EmbeddedBroker;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::{Value, json};
use shared_events::topics::event_topics;

use crate::world::world;
use crate::{choreo, choreo_interrupted};

/// Puts values on partition 2 of topic orders, each under its own key.
fn put(broker: &EmbeddedBroker, records: &[(&[u8], Option<&[u8]>)]) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.brokers());
    let producer: BaseProducer = config.create().unwrap();
    for (key, value) in records {
        let mut record = BaseRecord::to("orders").key(*key).partition(2);
        record.payload = *value;
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(std::time::Duration::from_secs(10)).unwrap();
    }
}

fn lines(args: &[&str]) -> Vec<String> {
    let run = choreo(&[&["tail"], args].concat()).well();
    run.out.lines().map(str::to_owned).collect()
}

fn json_lines(args: &[&str]) -> Vec<Value> {
    let lines = lines(&[args, &["-o", "json"]].concat());
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_cannot_be_decoded_is_shown_and_the_rest_follows() {
    let broker = EmbeddedBroker::start(&event_topics()).unwrap();
    let brokers = broker.brokers();
    put(
        &broker,
        &[
            (b"a", Some(b"\x00\x00\x00\x00\x01zz")),
            (b"b\x1b[2J", Some(b"hello \x1b[31mred\xc2\x9b")),
            (b"c", Some(b"{\"any\": [1]}")),
            (b"\xff\x00", None),
            (b"e", Some(b"\xff\xfe")),
        ],
    );
    let emit = ["emit", "OrderPlaced", "-b", &brokers, "-p", "2", "--set", "order_id=order-17"];
    choreo(&emit).well();

    let lines = lines(&["-b", &brokers, "-e"]);
    assert_eq!(lines.len(), 6, "{lines:#?}");
    let expected = [
        ("  orders/2@0  a  ", "cannot be read: no schema with id 1 is known: 00000000017a7a"),
        ("  orders/2@1  b\\u{1b}[2J  ", r#""hello \u{1b}[31mred\u{9b}""#),
        ("  orders/2@2  c  ", r#"{"any":[1]}"#),
        ("  orders/2@3  0xff00  ", "no value"),
        ("  orders/2@4  e  ", "cannot be read: neither Avro with a schema id nor text: fffe"),
        ("  orders/2@5  order-17  OrderPlaced  choreo  ", "to DE: 1 teapot from acme"),
    ];
    for (line, (start, end)) in lines.iter().zip(expected) {
        assert!(line[24..].starts_with(start) && line.ends_with(end), "{line}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }

    let json = json_lines(&["-b", &brokers, "-e"]);
    assert_eq!(json[0]["payload_hex"], "00000000017a7a");
    assert_eq!(json[0]["value_schema_id"], 1);
    assert!(json[0]["payload_error"].as_str().unwrap().contains("no schema with id 1"));
    assert_eq!(json[1]["payload"], "hello \u{1b}[31mred\u{9b}", "escapes keep the value");
    assert_eq!(json[2]["payload"], json!({"any": [1]}));
    assert_eq!((&json[3]["payload"], &json[3]["key"]), (&Value::Null, &"0xff00".into()));
    let order = &json[5];
    assert_eq!(order["payload"]["lines"][0]["sku"], "teapot");
    let place = (&order["topic"], &order["partition"], &order["offset"], &order["key"]);
    assert_eq!(place, (&"orders".into(), &2.into(), &5.into(), &"order-17".into()));
    assert!(order["ts"].is_i64() && order["tstype"].is_string(), "{order}");
    let headers = order["headers"].as_array().unwrap();
    let at = headers.iter().position(|name| name == "ce_type").unwrap();
    assert_eq!(headers[at + 1], "OrderPlaced");
}

#[test]
fn it_begins_where_it_is_told_and_shows_what_is_asked_for() {
    let broker = EmbeddedBroker::start(&event_topics()).unwrap();
    let brokers = broker.brokers();
    let value = Some(&b"text"[..]);
    put(&broker, &[(b"k-0", value), (b"k-1", value), (b"k-2", value), (b"k-3", value)]);
    let emit = ["emit", "OrderPlaced", "-b", &brokers, "-p", "2", "--set", "order_id=order-17"];
    choreo(&emit).well();
    let table: &[(&[&str], &[i64])] = &[
        (&["-e"], &[0, 1, 2, 3, 4]),
        (&["-e", "--from", "beginning"], &[0, 1, 2, 3, 4]),
        (&["-e", "--offset", "oldest", "-t", "orders"], &[0, 1, 2, 3, 4]),
        (&["-e", "--from", "end"], &[]),
        (&["-e", "--from", "3"], &[3, 4]),
        (&["-e", "--from", "77"], &[]),
        (&["-e", "--from", "-2"], &[3, 4]),
        (&["-e", "--from", "-77"], &[0, 1, 2, 3, 4]),
        (&["--from", "1", "-n", "2"], &[1, 2]),
        (&["--from", "1", "-c", "1"], &[1]),
        (&["-e", "-p", "2"], &[0, 1, 2, 3, 4]),
        (&["-e", "-p", "1"], &[]),
        (&["-e", "-t", "inventory", "-t", "sellers"], &[]),
        (&["-e", "--event", "OrderPlaced"], &[4]),
        (&["-e", "--event", "OrderPlaced", "--event", "Other"], &[4]),
        (&["-e", "--event", "Other"], &[]),
        (&["-e", "--order", "order-17"], &[4]),
        (&["-e", "--order", "er-17"], &[4]),
        (&["-e", "--order", "k-1"], &[1]),
        (&["-e", "--order", "17-"], &[]),
    ];
    for (args, expected) in table {
        let json = json_lines(&[&["-b", &brokers], *args].concat());
        let offsets: Vec<i64> = json.iter().map(|line| line["offset"].as_i64().unwrap()).collect();
        assert_eq!(&offsets, expected, "{args:?}");
    }
}

#[test]
fn a_story_of_many_topics_is_told_in_its_order() {
    let world = world();
    let placed = choreo(&["place", "--url", &world.url, "--wait", "-o", "json"]).well();
    let placed: Value = serde_json::from_str(&placed.out).unwrap();
    let order = placed["order_id"].as_str().unwrap();
    let args = ["-b", &world.brokers, "-e", "--from", "beginning", "--order", order];
    let lines = lines(&args);
    let told = lines.join("\n");
    assert_eq!(lines.len(), 8, "{told}");
    assert!(lines[0].contains("OrderPlaced  order-svc"), "{told}");
    assert!(lines[0].ends_with("to DE: 1 teapot from acme"), "{told}");
    assert!(lines[7].contains("OrderCompleted  order-svc  ← ShipmentDelivered"), "{told}");
    assert!(told.contains("StockReserved  inventory-svc  ← OrderPlaced  1 teapot"), "{told}");
    assert!(told.contains("OrderConfirmed  order-svc  ← "), "{told}");
}

#[test]
fn it_follows_until_it_is_interrupted() {
    let broker = EmbeddedBroker::start(&event_topics()).unwrap();
    let brokers = broker.brokers();
    let said = std::cell::Cell::new(0);
    let run = choreo_interrupted(&["tail", "-b", &brokers], || {
        // It has not reached the end before it was started for a while, so it is said more often.
        choreo(&["emit", "StockReceived", "-b", &brokers, "--set", "sku=a", "--set", "quantity=1"])
            .well();
        said.set(said.get() + 1);
        said.get() == 5
    });
    assert_eq!(run.code, Some(130), "{}", run.err);
    assert!(run.out.contains("StockReceived  choreo  quantity 1, sku a"), "{}{}", run.out, run.err);
}

#[test]
fn what_is_not_there_is_said() {
    let broker = EmbeddedBroker::start(&event_topics()).unwrap();
    let brokers = broker.brokers();
    let table = [
        (&["-t", "nowhere"][..], "there is no topic nowhere; `choreo topics create`"),
        (&["-p", "6"], "there is no partition 6"),
    ];
    for (args, expected) in table {
        let run = choreo(&[&["tail", "-b", &brokers], args].concat());
        assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{}", run.err);
        assert!(run.err.contains(expected), "{}", run.err);
    }
}

#[test]
fn a_broker_that_goes_away_does_not_hold_up_the_end() {
    let broker = EmbeddedBroker::start(&event_topics()).unwrap();
    let brokers = broker.brokers();
    // It answers no fetch any more: the end is never reached.
    broker.cluster().broker_round_trip_time(1, std::time::Duration::from_secs(3600)).unwrap();
    let began = std::time::Instant::now();
    let run = choreo(&["tail", "-b", &brokers, "-e"]);
    assert_eq!(run.code, Some(1), "{}{}", run.out, run.err);
    assert!(run.err.contains("no broker answers"), "{}", run.err);
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "{:?}", began.elapsed());
}
