//! `choreo check` and `choreo load --journal`, on services with SQLite.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::choreo;
use crate::world::{folder, world};

/// Where no file is yet.
fn fresh(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&file);
    file
}

/// The orders of a journal.
fn ids(journal: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(journal).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|entry| entry["order_id"].clone()).collect()
}

fn check(args: &[&str]) -> (Option<i32>, Value) {
    let run = choreo(&[&["check", "-b", &world().brokers, "--from", "beginning"], args].concat());
    let said = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err));
    (run.code, said)
}

#[test]
fn what_a_load_has_placed_is_whole_and_what_is_not_there_is_lost() {
    let journal = fresh("journal.jsonl");
    let file = journal.to_str().unwrap();
    choreo(&["load", "-b", &world().brokers, "-n", "20", "--journal", file]).well();
    let placed = ids(&journal);
    assert_eq!(placed.len(), 20);
    let url = |service: &str| format!("sqlite://{}/{service}.db", folder().display());
    let urls = ["order-svc", "inventory-svc", "logistics-svc", "seller-svc"].map(url);
    let names = ["--order-db", "--inventory-db", "--logistics-db", "--seller-db"];
    let databases: Vec<&str> =
        names.into_iter().zip(&urls).flat_map(|(name, url)| [name, url.as_str()]).collect();
    let args = [&databases[..], &["--journal", file, "-o", "json"]].concat();

    // The load knows their ends; the answers to these may take a moment more.
    let began = Instant::now();
    loop {
        let (code, said) = check(&args);
        // Other tests say what they like on this broker, but not about these orders.
        let list = |name: &str| said[name].as_array().unwrap().clone();
        let ours = |list: Vec<Value>| -> Vec<Value> {
            list.into_iter().filter(|line| placed.contains(&line["order"])).collect()
        };
        assert_eq!(ours(list("violations")), [] as [Value; 0], "exit code {code:?}");
        assert!(20 <= said["orders"]["looked_at"].as_u64().unwrap(), "{said}");
        if ours(list("open")).is_empty() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{said}");
    }

    let lost = "01a20000-0000-7000-8000-00000000105f";
    let entry = json!({"order_id": lost, "intended_ms": 1, "sent_ms": 1, "answered_ms": 1, "answer": "acknowledged"});
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, format!("{text}{entry}\n")).unwrap();
    let (code, said) = check(&args);
    assert_eq!(code, Some(1), "{said}");
    let told = said["violations"].as_array().unwrap().iter().find(|told| told["order"] == lost);
    let told = told.expect("the order that was lost");
    assert_eq!(
        (&told["invariant"], &told["layer"]),
        (&"no_order_lost".into(), &"producing".into())
    );
}

#[test]
fn what_cannot_be_read_is_said() {
    let broken = fresh("broken.jsonl");
    std::fs::write(&broken, "no journal\n").unwrap();
    let broken = broken.to_str().unwrap();
    let table = [
        (&["--journal", "/nowhere.jsonl"][..], 2, "--journal /nowhere.jsonl"),
        (
            &["--journal", broken],
            2,
            "line 1 of the journal is not as `choreo load --journal` writes it",
        ),
        (&["--order-db", "sqlite:///nowhere.db"], 1, "the database of order-svc"),
        (&["--order-db", "mysql://nowhere"], 1, "starts with postgres:// or sqlite://"),
        (&["--from", "-5"], 2, "orders are looked at from the beginning or from a time on"),
        (&["--from", "beginning", "--records", "1"], 1, "give --since, or more --records"),
    ];
    // So that there is more than one record.
    for _ in 0..2 {
        choreo(&["emit", "OrderPlaced", "-b", &world().brokers]).well();
    }
    for (args, code, expected) in table {
        let run = choreo(&[&["check", "-b", &world().brokers], args].concat());
        assert_eq!(run.code, Some(code), "{args:?}: {}{}", run.out, run.err);
        assert!(run.err.contains(expected), "{args:?}: {}", run.err);
    }
}

#[test]
fn a_journal_is_not_written_over() {
    let journal = fresh("written.jsonl");
    std::fs::write(&journal, "").unwrap();
    let file = journal.to_str().unwrap();
    let run = choreo(&["load", "-b", &world().brokers, "-n", "1", "--journal", file]);
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(run.err.contains("written.jsonl") && run.err.contains("exists"), "{}", run.err);
}
