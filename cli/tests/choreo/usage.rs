//! Wrong usage ends with 2, and says what would be right.

use choreography::embedded::EmbeddedBroker;
use shared_events::topics::event_topics;

use crate::{choreo, choreo_where};

#[test]
fn wrong_usage_ends_with_2() {
    let full = tempfile::tempdir().unwrap();
    std::fs::write(full.path().join("a file"), "").unwrap();
    let full = full.path().to_str().unwrap().to_owned();
    let table: &[(&[&str], &str)] = &[
        (&[], "Usage: choreo"),
        (&["frobnicate"], "unrecognized subcommand"),
        (&["demo", "--orders", "0"], "0 is not in 1.."),
        (&["demo", "--orders", "100000"], "at most 3072 fit, as the embedded broker keeps 5 MiB"),
        (&["demo", "--deadline", "0s"], "--deadline (ORDER_DEADLINE) must be more than 0s"),
        (&["demo", "--deadline", "soon"], "invalid value 'soon'"),
        (&["demo", "--keep", "/dev/null/folder"], "--keep /dev/null/folder"),
        (&["emit"], "<EVENT>"),
        (&["emit", "OrderPlacd"], "a similar value exists: 'OrderPlaced'"),
        (&["emit", "Nothing"], "[possible values: OrderPlaced, CancellationRequested,"),
        (&["emit", "OrderPlaced", "--set", "sku"], "PATH=VALUE, such as lines.0.sku=teapot"),
        (&["emit", "OrderPlaced", "-H", "header"], "NAME=VALUE or NAME:VALUE"),
        (&["emit", "OrderPlaced", "-H", "traceparent=1"], "a traceparent is 00-TRACE-SPAN-FLAGS"),
        (&["emit", "OrderPlaced", "-X", "acks=0"], "acks cannot be set"),
        (&["emit", "OrderPlaced", "-X", "acks"], "KEY=VALUE"),
        (&["emit", "OrderPlaced", "-n", "0"], "0 is not in 1.."),
        (&["emit", "OrderPlaced", "-", "-n", "2"], "cannot be used with"),
        (&["emit", "OrderPlaced", "-f", "-", "-n", "2"], "--count is not for standard input"),
        (&["emit", "OrderPlaced", "-f", "/no/such.json"], "/no/such.json: No such file"),
        (&["place", "--url", "https://orders"], "only http:// is built in"),
        (&["place", "--url", "orders"], "a URL is needed, such as http://127.0.0.1:8080"),
        (&["place", "--set", "order_id=1"], "order_id: order-svc draws it itself"),
        (&["place", "--set", "lines.0.quantity=0"], "lines.0.quantity: a quantity must be 1 to"),
        (&["place", "-H", "a b: c"], "-H a b: HTTP has no such header"),
        (&["place", "--idempotency-key", "a\nb"], "--idempotency-key: HTTP has no such header"),
        (&["place", "-f", "/no/such.json"], "/no/such.json: No such file"),
        (&["tail", "--from", "soon"], "beginning, end, an offset, -NUMBER or @TIME is needed"),
        (&["tail", "--from", "@soon"], "a time is @2026-11-23, @2026-11-23T16:00:00 (UTC)"),
        (&["tail", "-n", "0"], "0 is not in 1.."),
        (&["tail", "-o", "yaml"], "[possible values: text, json]"),
        (&["load", "--rate", "0"], "0 is not in 1.."),
        (&["load", "-n", "5", "--duration", "1s"], "cannot be used with"),
        (&["load", "--rate", "1000", "--duration", "1h"], "3600000 orders; at most 1000000 are"),
        (&["load", "--rate", "1", "--duration", "1ms"], "that is no order"),
        (&["load", "--hot-sku", "1.5"], "a number from 0 to 1 is needed, such as 0.5"),
        (&["load", "--mix", "bad"], "[possible values: demo, good]"),
        (&["completions", "cmd"], "[possible values: bash, elvish, fish, powershell, zsh]"),
        (&["topics"], "Usage: choreo topics"),
        (&["topics", "create", "--replication-factor", "0"], "0 is not in 1.."),
        (&["topics", "create", "--min-insync-replicas", "2"], "is more than the 1 copies"),
        (&["topics", "create", "--group", "fraud-svc"], "--hears <TOPIC,…>"),
        (&["topics", "create", "--hears", "orders"], "--group <NAME>"),
        (&["topics", "create", "--group", "a", "--hears", "ordres"], "add --topic ordres"),
    ];
    for (args, expected) in table {
        let run = choreo(args);
        assert_eq!(run.code, Some(2), "{args:?}: {}{}", run.out, run.err);
        assert!(run.err.contains(expected), "{args:?} said {}", run.err);
        assert_eq!(run.out, "", "{args:?}: data only goes to standard output");
    }
    let run = choreo(&["demo", "--keep", &full]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("the folder is not empty"), "{}", run.err);
}

#[test]
fn help_has_examples() {
    for args in [
        &["--help"][..],
        &["demo", "--help"],
        &["place", "--help"],
        &["emit", "--help"],
        &["tail", "--help"],
        &["load", "--help"],
        &["dlq", "list", "--help"],
        &["dlq", "show", "--help"],
        &["dlq", "replay", "--help"],
        &["dlq", "drop", "--help"],
        &["topics", "create", "--help"],
        &["completions", "--help"],
    ] {
        let run = choreo(args).well();
        assert!(run.out.contains("Examples:\n  choreo "), "{args:?}: {}", run.out);
    }
}

#[test]
fn the_version_tells_the_commit_where_it_is_known() {
    let version = choreo(&["--version"]).well().out;
    let (number, commit) = version.trim().split_once(" (").unwrap_or((version.trim(), ""));
    assert_eq!(number, concat!("choreo ", env!("CARGO_PKG_VERSION")));
    assert!(
        commit.is_empty() || (8..=41).contains(&commit.trim_end_matches(')').len()),
        "{version}"
    );
}

#[test]
fn each_command_can_be_completed() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = choreo(&["completions", shell]).well().out;
        for word in ["place", "tail", "load", "--hot-sku", "--idempotency-key"] {
            let word = if shell == "fish" { word.trim_start_matches('-') } else { word };
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn a_broker_that_does_not_answer_is_a_failure() {
    // Port 1 is nobody's.
    for args in [
        &["emit", "OrderPlaced", "-b", "127.0.0.1:1"][..],
        &["topics", "create", "-b", "127.0.0.1:1"],
        &["tail", "-b", "127.0.0.1:1"],
        &["dlq", "list", "-b", "127.0.0.1:1"],
        &["load", "-b", "127.0.0.1:1"],
    ] {
        let run = choreo(args);
        assert_eq!(run.code, Some(1), "{args:?}: {}", run.err);
        let error = run.err.lines().last().unwrap_or_default();
        assert!(error.starts_with("error: Kafka at 127.0.0.1:1: "), "{args:?}: {}", run.err);
    }
}

#[test]
fn what_a_broker_says_is_told() {
    let broker = EmbeddedBroker::start(&event_topics()).unwrap();
    let brokers = broker.brokers();
    let error_of = |args: &[&str]| {
        let run = choreo(&[&["emit", "OrderPlaced", "-b", &brokers], args].concat());
        assert_eq!(run.code, Some(1), "{args:?}: {}", run.err);
        run.err.lines().last().unwrap_or_default().to_owned()
    };
    let error = error_of(&["-t", "ordres"]);
    assert!(error.contains("there is no topic ordres; `choreo topics create`"), "{error}");
    broker.refuse("orders").unwrap();
    let error = error_of(&[]);
    assert!(error.contains("topic orders: ") && !error.contains("there is no"), "{error}");
    let login = ["security.protocol=sasl_plaintext", "sasl.mechanism=PLAIN", "sasl.username=a"];
    let login = login.iter().flat_map(|property| ["-X", property]);
    let error = error_of(&login.chain(["-X", "sasl.password=b"]).collect::<Vec<_>>());
    assert!(error.contains("no broker answers") && error.contains("SASL"), "{error}");
}

#[test]
fn properties_in_the_environment_stand_on_a_line_each_and_are_not_shown() {
    let help = choreo_where("sasl.password=secret", &["emit", "--help"]).well().out;
    assert!(help.contains("KAFKA_PROPERTIES") && !help.contains("secret"), "{help}");
    let args = ["emit", "OrderPlaced", "--dry-run"];
    choreo_where("sasl.password=a;acks=0\nlinger.ms=5\n", &args).well();
    choreo_where("", &args).well();
    let run = choreo_where("sasl.password=secret\nacks=0", &args);
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(run.err.contains("acks cannot be set") && !run.err.contains("secret"), "{}", run.err);
}
