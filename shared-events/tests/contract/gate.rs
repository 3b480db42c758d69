//! The gate itself: each kind of change that breaks a reader is refused, with the field and what to do
//! instead, and those that break none are not.

use serde_json::{Value as Json, json};

use crate::files::{kept, written};
use crate::history::judge;

const PLACED: &str = "orders/OrderPlaced.avsc";
const REJECTED: &str = "inventory/StockRejected.avsc";

/// The real files, in which version 2 of the event at `path` is the first one changed.
fn with(path: &str, change: impl Fn(&mut Json)) -> Vec<String> {
    let (mut written, mut kept) = (written(), kept());
    let mut schema: Json = serde_json::from_str(&written[path]).expect("JSON");
    change(&mut schema);
    written.insert(path.to_owned(), schema.to_string());
    let event = path.trim_end_matches(".avsc");
    kept.insert(format!("history/{event}.2.avsc"), schema.to_string());
    judge(&written, &kept)
}

/// Each line names the file and has all of `words`.
fn refused(path: &str, words: &[&str], change: impl Fn(&mut Json)) {
    let found = with(path, change);
    let event = path.trim_end_matches(".avsc");
    assert!(!found.is_empty(), "{words:?} is let pass");
    for line in &found {
        assert!(line.starts_with(&format!("schemas/history/{event}.2.avsc: field ")), "{line}");
        assert!(words.iter().all(|word| line.contains(word)), "{words:?}: {line}");
    }
}

fn fields(schema: &mut Json) -> &mut Vec<Json> {
    schema["fields"].as_array_mut().expect("fields")
}

fn address(schema: &mut Json) -> &mut Json {
    &mut fields(schema)[3]["type"]
}

fn reason(schema: &mut Json) -> &mut Json {
    &mut fields(schema)[1]["type"]
}

#[test]
fn a_field_that_comes_or_goes_without_a_default_is_refused() {
    let note = json!({"name": "note", "type": "string", "doc": "A note."});
    refused(PLACED, &["field note:", "give a new field a default"], |schema| {
        fields(schema).push(note.clone());
    });
    refused(PLACED, &["field ship_to.note:", "has no default for it"], |schema| {
        fields(address(schema)).push(note.clone());
    });
    refused(PLACED, &["field currency:", "never remove one that has none"], |schema| {
        fields(schema).remove(1);
    });
    refused(PLACED, &["field lines[].", "never remove one that has none"], |schema| {
        fields(&mut fields(schema)[2]["type"]["items"]).pop();
    });
}

#[test]
fn a_type_or_a_name_that_changes_is_refused() {
    let another = "add one of the new type with a default";
    for other in [json!("int"), json!("string"), json!("double"), json!(["null", "long"])] {
        refused(PLACED, &["field lines[].quantity:", another], |schema| {
            fields(&mut fields(schema)[2]["type"]["items"])[2]["type"] = other.clone();
        });
    }
    refused(PLACED, &["field currency:", "another one"], |schema| {
        fields(schema)[1]["type"] = json!("bytes");
    });
    refused(PLACED, &["field ship_to:", "keep its name"], |schema| {
        address(schema)["name"] = json!("Destination");
    });
    refused(PLACED, &["field the event:", "keep its name and namespace"], |schema| {
        schema["namespace"] = json!("choreography.sales");
    });
    // A field that is renamed has gone, and another one has come; an alias helps in one direction only.
    refused(PLACED, &["has no default for it"], |schema| {
        fields(schema)[1]["name"] = json!("ordered_in");
        fields(schema)[1]["aliases"] = json!(["currency"]);
    });
}

#[test]
fn symbols_that_come_or_go_are_refused_without_a_default_symbol() {
    let symbols = json!(["SHORT", "ORDER_CANCELLED", "OTHER", "DISCONTINUED"]);
    let found = with(REJECTED, |schema| reason(schema)["symbols"] = symbols.clone());
    assert_eq!(found, [""; 0], "with a default symbol it is read as that");
    let words = ["field reason:", "give the enum a default symbol"];
    refused(REJECTED, &words, |schema| {
        reason(schema)["symbols"] = json!(["SHORT", "OTHER"]);
        reason(schema).as_object_mut().expect("an enum").remove("default");
    });
    refused(REJECTED, &["field reason:", "keep its name"], |schema| {
        reason(schema)["name"] = json!("Refusal");
    });
}

#[test]
fn a_default_that_changes_is_refused() {
    let (mut written, mut kept) = (written(), kept());
    for (version, default) in [(2, "none"), (3, "nothing")] {
        let mut schema: Json =
            serde_json::from_str(&kept["history/orders/OrderPlaced.1.avsc"]).expect("JSON");
        let note = json!({"name": "note", "type": "string", "default": default});
        fields(&mut schema).push(note);
        written.insert(PLACED.to_owned(), schema.to_string());
        kept.insert(format!("history/orders/OrderPlaced.{version}.avsc"), schema.to_string());
    }
    let found = judge(&written, &kept);
    let [line] = found.as_slice() else { panic!("{found:?}") };
    assert!(line.starts_with("schemas/history/orders/OrderPlaced.3.avsc: field note:"), "{line}");
    assert!(line.contains("keep the default"), "{line}");
}

/// Version 3 fits version 2, and not version 1: a mode that looks at the last one only lets it pass.
#[test]
fn every_version_counts_not_only_the_last_one() {
    let (mut written, mut kept) = (written(), kept());
    let first: Json = serde_json::from_str(&written[PLACED]).expect("JSON");
    let (mut second, mut third) = (first.clone(), first);
    let note = json!({"name": "note", "type": "string", "default": ""});
    fields(&mut second).push(note.clone());
    fields(&mut third).push(json!({"name": "note", "type": "string"}));
    for (version, schema) in [(2, &second), (3, &third)] {
        kept.insert(format!("history/orders/OrderPlaced.{version}.avsc"), schema.to_string());
    }
    written.insert(PLACED.to_owned(), third.to_string());
    let found = judge(&written, &kept);
    let [line] = found.as_slice() else { panic!("{found:?}") };
    assert!(line.contains("field note:") && line.contains("OrderPlaced.1.avsc"), "{line}");
}

#[test]
fn a_field_with_a_default_is_let_pass_before_it_is_written_and_then() {
    let note = json!({"name": "note", "type": ["null", "string"], "default": null});
    let found = with(PLACED, |schema| {
        fields(schema).push(note.clone());
        fields(address(schema)).insert(0, note.clone());
    });
    assert_eq!(found, [""; 0]);
    let (written, mut kept) = (written(), kept());
    let mut schema: Json = serde_json::from_str(&written[PLACED]).expect("JSON");
    fields(&mut schema).push(note);
    kept.insert("history/orders/OrderPlaced.2.avsc".to_owned(), schema.to_string());
    assert_eq!(judge(&written, &kept), [""; 0], "the first version is still the one written");
}

#[test]
fn what_is_edited_in_place_or_removed_is_refused() {
    let kept = kept();
    let mut edited = written();
    let text = edited[PLACED].replace("Somebody wants goods.", "Somebody wants something.");
    edited.insert(PLACED.to_owned(), text);
    let found = judge(&edited, &kept);
    let [line] = found.as_slice() else { panic!("{found:?}") };
    assert!(line.starts_with("schemas/orders/OrderPlaced.avsc is none of the versions"), "{line}");
    assert!(line.contains("schemas/history/orders/OrderPlaced.2.avsc"), "{line}");

    let mut gone = written();
    gone.remove(REJECTED);
    let found = judge(&gone, &kept);
    let [line] = found.as_slice() else { panic!("{found:?}") };
    assert!(line.starts_with("schemas/inventory/StockRejected.avsc is gone"), "{line}");

    let mut hole = kept.clone();
    let first = hole.remove("history/orders/OrderPlaced.1.avsc").expect("it is there");
    hole.insert("history/orders/OrderPlaced.2.avsc".to_owned(), first);
    let found = judge(&written(), &hole);
    assert!(found[0].contains("version 1 of orders/OrderPlaced is to stand here"), "{found:?}");
}
