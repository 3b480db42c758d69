//! What `choreo emit` makes of its input, without a broker.

use std::path::Path;

use serde_json::Value;
use shared_events::topics::{TopicSpec, event_topics};

use crate::{choreo, choreo_with};

/// The event that would be said.
fn dry_run(args: &[&str], input: Option<&str>) -> Value {
    let args = [&["emit"], args, &["--dry-run", "-o", "json"]].concat();
    let run = choreo_with(&args, input).well();
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn an_order_has_defaults() {
    let shown = dry_run(&["OrderPlaced"], None);
    assert_eq!(shown["topic"], "orders");
    assert_eq!(shown["value"]["lines"][0]["sku"], "teapot");
    let order_id = shown["value"]["order_id"].as_str().unwrap();
    assert_eq!(order_id.as_bytes()[14], b'7', "{order_id} is of version 7");
    assert_eq!(shown["key"], order_id);
    let bytes = shown["bytes"].as_str().unwrap();
    assert!(
        bytes.starts_with(&format!("00{:08x}", shown["schema_id"].as_u64().unwrap())),
        "{bytes}"
    );
}

#[test]
fn what_is_not_said_is_noted() {
    let run = choreo(&["emit", "OrderPlaced", "--dry-run", "--set", "lines.0.sku=kettle"]).well();
    assert!(run.err.contains("lines.0.seller_id=\"acme\""), "{}", run.err);
    assert!(!run.err.contains("lines.0.sku"), "{}", run.err);
}

#[test]
fn values_are_set_by_path() {
    let table: &[(&[&str], &str, Value)] = &[
        (&["order_id=42"], "/order_id", "42".into()),
        (&["lines.0.quantity=3"], "/lines/0/quantity", 3.into()),
        (&["lines.1.sku=kettle"], "/lines/1/sku", "kettle".into()),
        (&["lines.1.sku=kettle"], "/lines/1/seller_id", "acme".into()),
        (&["lines.1.sku=a", "lines.2.sku=b"], "/lines/2/sku", "b".into()),
        (&["lines=[]"], "/lines", serde_json::json!([])),
        (&["ship_to.street=1 = 2"], "/ship_to/street", "1 = 2".into()),
        (&["ship_to.name="], "/ship_to/name", "".into()),
    ];
    for (settings, pointer, expected) in table {
        let mut args = vec!["OrderPlaced"];
        settings.iter().for_each(|setting| args.extend(["--set", setting]));
        let shown = dry_run(&args, None);
        assert_eq!(shown["value"].pointer(pointer), Some(expected), "{settings:?}");
    }
}

#[test]
fn a_file_is_taken_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("order.json");
    let order = r#"{"currency": "EUR", "lines": [], "ship_to": {"name": "", "street": "",
        "postal_code": "", "city": "", "country": "DE"}}"#;
    std::fs::write(&path, order).unwrap();
    let path = path.to_str().unwrap();
    let shown = dry_run(&["OrderPlaced", "-f", path, "--set", "currency=USD"], None);
    assert_eq!(shown["value"]["currency"], "USD");
    assert_eq!(shown["value"]["lines"], serde_json::json!([]));
    assert_eq!(shown["value"]["order_id"].as_str().unwrap().len(), 36);
}

#[test]
fn json_on_standard_input_may_have_line_breaks() {
    let input = "{\"sku\": \"a\", \"quantity\": 1}\n{\n \"sku\": \"b\",\n \"quantity\": 2}";
    for args in [&["StockReceived", "-"][..], &["StockReceived", "-f", "-"]] {
        let run =
            choreo_with(&[&["emit", "--dry-run", "-o", "json"], args].concat(), Some(input)).well();
        let keys: Vec<Value> = run
            .out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["key"].clone())
            .collect();
        assert_eq!(keys, ["a", "b"], "{args:?}");
    }
}

/// In a loop of a shell it belongs to the loop, and a job of cron has an empty one.
#[test]
fn standard_input_is_read_only_when_it_is_named() {
    for input in ["", "{\"sku\": \"a\", \"quantity\": 1}"] {
        let run = choreo_with(&["emit", "OrderPlaced", "--dry-run"], Some(input)).well();
        assert!(run.out.contains("teapot"), "the default order: {}", run.out);
        assert!(run.err.contains("standard input is not read; - after the event"), "{}", run.err);
    }
    let run = choreo_with(&["emit", "OrderPlaced", "-", "--dry-run"], Some("")).well();
    assert_eq!(run.out, "");
    let notes = "note: JSON is read from standard input\n\
                 note: the input has no JSON value, so nothing was said\n";
    assert_eq!(run.err, notes, "no defaults are left, as there are none");
}

#[test]
fn text_shows_the_bytes() {
    let args = ["emit", "StockReceived", "--dry-run", "--set", "sku=teapot", "--set", "quantity=5"];
    let run = choreo(&args).well();
    let bytes = run.out.lines().last().unwrap();
    assert!(bytes.starts_with("00000000  00 ") && bytes.ends_with("..teapot.|"), "{}", run.out);
}

/// The line on standard error with which the run ends.
fn error_of(event: &str, json: &str) -> String {
    let run = choreo_with(&["emit", event, "-", "--dry-run"], Some(json));
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{json}: {}", run.err);
    run.err.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn mistakes_are_named_with_their_place_and_what_is_right() {
    let table = [
        ("StockReceived", "[1]", "the event: an object with sku, quantity is needed, not [1]"),
        ("StockReceived", "{}", "sku: it is missing; text is needed (The stock keeping unit: "),
        (
            "StockReceived",
            r#"{"sku":"a","quantity":1,"pieces":1}"#,
            "pieces: there is no such field; there are sku, quantity",
        ),
        ("StockReceived", r#"{"sku": "#, "standard input: this is no JSON: EOF while parsing"),
        ("OrderConfirmed", r#"{"order_id": "1", "answers": ["2"]}"#, "answers.0: "),
        (
            "SellerDeclined",
            r#"{"order_id": "1", "seller_id": "2", "reason": "LAZY"}"#,
            "reason: one of UNKNOWN, SUSPENDED, ORDER_CANCELLED, OTHER is needed, not \"LAZY\"",
        ),
    ];
    for (event, json, expected) in table {
        let error = error_of(event, json);
        assert!(error.starts_with(&format!("error: {expected}")), "{json}: {error}");
    }
}

#[test]
fn mistakes_deep_inside_are_named_likewise() {
    let good = r#"{"order_id": "1", "currency": "EUR", "lines": [{"sku": "a", "seller_id": "b",
        "quantity": 1, "unit_price": 1, "unit_weight": 1}], "ship_to": {"name": "", "street": "",
        "postal_code": "", "city": "", "country": "DE"}}"#;
    let quantity = r#""quantity": 1"#;
    let table = [
        (
            quantity,
            r#""quantity": "two""#,
            "quantity: a whole number is needed, not \"two\" (How many pieces: 1 to 1,000,000)",
        ),
        (quantity, r#""quantity": 1.5"#, "quantity: a whole number is needed, not 1.5"),
        (quantity, r#""quantity": 0"#, "quantity: a quantity must be 1 to 1000000, not 0"),
        (r#""sku": "a", "#, "", "sku: it is missing; text is needed"),
        (r#""sku": "a""#, r#""sku": """#, "sku: an id must not be empty"),
        (r#""sku": "a""#, r#""sku": "\u0000""#, "sku: an id must not contain control characters"),
        (
            "sku",
            "skuu",
            "skuu: there is no such field; there are sku, seller_id, quantity, unit_price, unit_weight",
        ),
    ];
    for (from, to, expected) in table {
        let error = error_of("OrderPlaced", &good.replace(from, to));
        assert!(error.starts_with(&format!("error: lines.0.{expected}")), "{to}: {error}");
    }
}

#[test]
fn wrong_settings_are_named_likewise() {
    let table = [
        ("lines.0.skuu=a", "lines.0.skuu: there is no such field; there are sku, "),
        (
            "line.0.sku=a",
            "line: there is no such field; there are order_id, currency, lines, ship_to",
        ),
        (
            "lines.first.sku=a",
            "lines: a place in the list is needed, such as lines.0, not \"first\"",
        ),
        ("lines.5.sku=a", "lines.5: the list has 1 elements, so the next one is lines.1"),
        ("lines.0.quantity=two", "lines.0.quantity: a whole number is needed, not \"two\""),
        ("lines.0.sku.a=b", "lines.0.sku: this is text, there are no parts of it"),
        ("lines=teapot", "lines: a list is needed, not \"teapot\""),
        ("lines=[1]", "lines.0: an object with sku, "),
    ];
    for (setting, expected) in table {
        let run = choreo(&["emit", "OrderPlaced", "--dry-run", "--set", setting]);
        assert_eq!(run.code, Some(2), "{setting}: {}", run.err);
        let error = run.err.lines().last().unwrap_or_default();
        assert!(error.starts_with(&format!("error: {expected}")), "{setting}: {error}");
    }
}

#[test]
fn each_event_with_a_schema_can_be_said() {
    let help = choreo(&["emit", "--help"]).well().out;
    let schemas = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas"));
    // A folder of another topic belongs to a service that brings its own structs.
    let folder = |topic: TopicSpec| schemas.join(topic.name).read_dir().unwrap();
    let folders = event_topics().into_iter().map(folder);
    let mut count = 0;
    for file in folders.flatten() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let Some(event) = name.strip_suffix(".avsc").filter(|event| !event.contains('.')) else {
            continue;
        };
        assert!(help.contains(event), "{event} is missing in emit/events.rs");
        count += 1;
    }
    assert!(18 <= count);
}
