//! The demo: few orders, all that a newcomer should see.

use crate::choreo;

/// The number at the end of the row with this label.
fn number(out: &str, label: &str) -> Option<usize> {
    let row = out.lines().find(|line| line.trim_start().starts_with(label))?;
    row.split_whitespace().last()?.parse().ok()
}

#[test]
fn all_orders_end_and_their_stories_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("demo");
    let keep = keep.to_str().unwrap();
    // However slow the machine is, no order meets its deadline.
    let patient = ["--deadline", "1h", "--wait", "10m", "--deliver-after", "10ms"];
    let args = [&["demo", "--orders", "40", "--rate", "0", "--keep", keep], &patient[..]].concat();
    let run = choreo(&args).well();
    let (out, err) = (&run.out, &run.err);

    // Two of twenty are of an unknown SKU or too many pieces of a scarce one, and so on.
    assert_eq!(number(out, "orders placed"), Some(40), "{out}");
    assert_eq!(number(out, "stock rejected"), Some(3), "{out}");
    assert_eq!(number(out, "shipment rejected"), Some(4), "{out}");
    assert_eq!(number(out, "seller declined"), Some(4), "{out}");
    assert_eq!(number(out, "not ended"), Some(0), "{out}");
    assert_eq!(number(out, "dead letters"), Some(0), "{out}");
    let ended = number(out, "confirmed and delivered").zip(number(out, "cancelled"));
    assert_eq!(ended.map(|(completed, cancelled)| completed + cancelled), Some(40), "{out}");

    for event in [
        "OrderPlaced",
        "StockReserved",
        "ShipmentPlanned",
        "SellerNotified",
        "OrderConfirmed",
        "ShipmentDelivered",
        "OrderCompleted",
        "OrderCancelled",
        "nobody listens",
    ] {
        assert!(out.contains(event), "{event}: {out}");
    }
    assert!(2 <= out.lines().filter(|line| line.starts_with("trace   ")).count(), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    assert!(!out.contains('\x1b') && !err.contains('\x1b'), "no colours in a pipe");
    assert!(!err.contains("WARN") && !err.contains("ERROR"), "{err}");
    let mut kept: Vec<_> =
        std::fs::read_dir(keep).unwrap().map(|f| f.unwrap().file_name()).collect();
    kept.retain(|name| name.to_str().unwrap().ends_with(".db"));
    assert_eq!(kept.len(), 4);
}

#[test]
fn orders_that_do_not_end_in_time_are_named() {
    // A good one, which is on its way for longer than anybody waits, however slow the machine is.
    let patient = ["--deadline", "1h", "--deliver-after", "1h"];
    let run = choreo(&[&["demo", "--orders", "1", "--wait", "1s"], &patient[..]].concat());
    assert_eq!(run.code, Some(1), "{}{}", run.out, run.err);
    assert!(run.out.contains("neither OrderCompleted nor OrderCancelled"), "{}", run.out);
    let error = run.err.lines().last().unwrap_or_default();
    assert_eq!(error, "error: 1 of 1 orders did not end", "{}", run.err);
}
