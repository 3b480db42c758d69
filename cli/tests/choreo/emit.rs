//! What `choreo emit` says is read back from a broker.

use std::time::{Duration, Instant};

use choreography::embedded::EmbeddedBroker;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message, OwnedMessage};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;
use shared_events::codec::decode;
use shared_events::headers::{RawHeaders, Received};
use shared_events::murmur2;
use shared_events::orders::OrderPlaced;
use shared_events::topics::{PARTITIONS, event_topics};

use crate::{choreo, choreo_with};

/// Reads so many records of a topic.
fn read(broker: &EmbeddedBroker, topic: &str, count: usize) -> Vec<OwnedMessage> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.brokers()).set("group.id", "test");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut partitions = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        partitions.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&partitions).unwrap();
    let began = Instant::now();
    let mut messages = vec![];
    while messages.len() < count && began.elapsed() < Duration::from_secs(20) {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            messages.push(message.detach());
        }
    }
    assert_eq!(messages.len(), count);
    messages
}

fn headers(message: &OwnedMessage) -> RawHeaders {
    let headers = message.headers().unwrap().iter();
    headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
}

#[test]
fn orders_are_said_as_any_service_would_say_them() {
    let broker = EmbeddedBroker::start(&event_topics()).unwrap();
    let args =
        ["emit", "OrderPlaced", "-b", &broker.brokers(), "-n", "3", "--rate", "100", "-o", "json"];
    let run = choreo(&args).well();
    let receipts: Vec<Value> =
        run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(receipts.len(), 3);
    for message in read(&broker, "orders", 3) {
        let order: OrderPlaced = decode(message.payload().unwrap()).unwrap();
        let key = order.order_id.as_str();
        assert_eq!(message.key(), Some(key.as_bytes()));
        assert_eq!(message.partition(), murmur2::partition(key.as_bytes(), PARTITIONS));
        let raw = headers(&message);
        let received = Received::read(&raw);
        assert_eq!(received.name, Some("OrderPlaced"));
        assert_eq!(received.source, Some("/choreo"));
        assert_eq!(received.subject, Some(key));
        assert_eq!(received.correlation, Some(key));
        let receipt = receipts.iter().find(|receipt| receipt["key"] == key).unwrap();
        assert_eq!(receipt["id"], received.id.unwrap());
        assert_eq!(receipt["partition"], message.partition());
        assert_eq!(receipt["offset"], message.offset());
        let trace_id = u128::from_be_bytes(received.trace_context().unwrap().trace_id);
        assert_eq!(receipt["trace_id"], format!("{trace_id:032x}"));
    }
}

#[test]
fn topic_key_partition_headers_and_trace_can_be_chosen() {
    let broker = EmbeddedBroker::start(&event_topics()).unwrap();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traceparent = format!("traceparent={parent}");
    let args = [
        "emit",
        "OrderPlaced",
        "-b",
        &broker.brokers(),
        "-t",
        "sellers",
        "-k",
        "a key",
        "-p",
        "4",
        "-H",
        "ce_id=17",
        "-H",
        "who:me",
        "-H",
        &traceparent,
        "--set",
        "order_id=o-1",
        "-X",
        "linger.ms=0",
    ];
    let run = choreo(&args).well();
    let expected =
        "OrderPlaced  sellers/4@0  key a key  id 17  trace 4bf92f3577b34da6a3ce929d0e0e4736\n";
    assert_eq!(run.out, expected);
    let messages = read(&broker, "sellers", 1);
    let raw = headers(&messages[0]);
    let received = Received::read(&raw);
    assert_eq!(messages[0].key(), Some(&b"a key"[..]));
    assert_eq!(messages[0].partition(), 4);
    assert_eq!(received.id, Some("17"));
    assert_eq!(received.correlation, Some("o-1"));
    assert!(raw.contains(&("who".to_owned(), Some(b"me".to_vec()))));
    assert_eq!(raw.iter().filter(|(name, _)| name == "ce_id" || name == "traceparent").count(), 2);
}

#[test]
fn lines_on_standard_input_are_said_until_one_is_wrong() {
    let broker = EmbeddedBroker::start(&event_topics()).unwrap();
    let input = "{\"sku\":\"a\",\"quantity\":1}\n{\"sku\":\"b\",\"quantity\":2}\n{\"sku\":\"c\",\"quantity\":0}\n";
    let run = choreo_with(&["emit", "StockReceived", "-", "-b", &broker.brokers()], Some(input));
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert_eq!(run.out.lines().count(), 2, "{}", run.out);
    let error = run.err.lines().last().unwrap();
    assert!(
        error.starts_with("error: after 2 events that were said: quantity: a quantity must be 1"),
        "{error}"
    );
    let raw = headers(&read(&broker, "deliveries", 2)[0]);
    assert_eq!(Received::read(&raw).correlation, None);
}

#[test]
fn a_topic_that_is_not_there_is_a_failure() {
    let broker = EmbeddedBroker::start(&[]).unwrap();
    let run = choreo(&["emit", "OrderPlaced", "-b", &broker.brokers(), "-t", "nowhere"]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{}", run.err);
    assert!(run.err.contains("there is no topic nowhere; `choreo topics create`"), "{}", run.err);
}
