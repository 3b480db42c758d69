//! What can be set, and what cannot.

use std::time::Duration;

use choreography::config::{AcceptedGap, Config, Property, Window};
use clap::Parser;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    config: Config,
}

fn parse(arguments: &[&str]) -> Result<Config, String> {
    let all = ["service"].iter().chain(arguments);
    Arguments::try_parse_from(all).map(|a| a.config).map_err(|error| error.to_string())
}

#[test]
fn the_promise_rests_on_properties_that_cannot_be_set() {
    // One for each sentence of the promise that a property could break.
    for (key, value) in [
        ("enable.auto.commit", "true"),
        ("enable.auto.offset.store", "true"),
        ("auto.offset.reset", "latest"),
        ("group.id", "another"),
        ("group.protocol", "consumer"),
        ("partition.assignment.strategy", "range"),
        ("max.poll.interval.ms", "1"),
        ("session.timeout.ms", "1"),
        ("isolation.level", "read_uncommitted"),
        ("enable.idempotence", "false"),
        ("acks", "1"),
        ("request.required.acks", "1"),
        ("retries", "0"),
        ("message.timeout.ms", "1"),
        ("delivery.timeout.ms", "1"),
        ("delivery.report.only.error", "true"),
        ("enable.gapless.guarantee", "false"),
        ("partitioner", "random"),
        ("transactional.id", "x"),
        ("bootstrap.servers", "elsewhere"),
        ("metadata.broker.list", "elsewhere"),
    ] {
        let error = parse(&["-X", &format!(" {key} ={value}")]).expect_err(key);
        assert!(error.contains(&format!("{key} cannot be set")), "{error}");
    }
}

#[test]
fn other_properties_can_be_set() {
    let config = parse(&["-X", "client.rack=a", "-X", "sasl.password=a=b;c,d e"]);
    let config = config.expect("valid");
    let properties: Vec<_> = config.properties().cloned().collect();
    let property = |key: &str, value: &str| Property { key: key.into(), value: value.into() };
    let expected = [property("client.rack", "a"), property("sasl.password", "a=b;c,d e")];
    assert_eq!(properties, expected, "a value may have any character but a line break");
    let error = parse(&["-X", "acks"]).expect_err("no value");
    assert!(error.contains("KEY=VALUE"), "{error}");
}

#[test]
fn gaps_are_accepted_one_by_one() {
    let config = parse(&["--accept-gap", "orders/3@1200,a.b/c/0@0"]).expect("valid");
    let gap =
        |topic: &str, partition, offset| AcceptedGap { topic: topic.into(), partition, offset };
    assert_eq!(config.accept_gap, [gap("orders", 3, 1200), gap("a.b/c", 0, 0)]);
    for wrong in ["orders", "orders/3", "orders@3", "orders/-1@3", "orders/1@-3", "orders/x@1"] {
        let error = parse(&["--accept-gap", wrong]).expect_err(wrong);
        assert!(error.contains("orders/3@1200"), "{error}");
    }
}

#[test]
fn a_window_is_a_duration_or_forever() {
    assert_eq!(parse(&[]).expect("valid").handled_window, Window::For(Duration::from_hours(360)));
    let forever = parse(&["--handled-window", "forever"]).expect("valid").handled_window;
    assert_eq!(forever, Window::Forever);
    assert!(Window::For(Duration::MAX) < Window::Forever, "nothing is longer");
    assert!(parse(&["--handled-window", "-1"]).is_err());
}
