//! The file of the opening stock.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use inventory_svc::opening::Opening;

fn refusal_of(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stock.toml");
    std::fs::write(&path, text).unwrap();
    format!("{:#}", Opening::read(Some(&path)).unwrap_err())
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let refusal = refusal_of(text);
    for part in [&["stock.toml: ", "teapot = 250"], expected].concat() {
        assert!(refusal.contains(part), "{part:?} is missing in: {refusal}");
    }
}

#[test]
fn built_in_file_is_right() {
    let Opening(pieces) = Opening::read(None).unwrap();
    assert_eq!(pieces.len(), 12);
    assert_eq!(pieces[&"signed-print".parse().unwrap()], 100);
}

#[test]
fn wrong_files_are_refused_by_name_and_line() {
    check("a = 1\nb = -1\n", &["line 2", "must be 0 to 1000000000000 pieces, not -1"]);
    check("a = 1\nb = 1000000000001\n", &["line 2", "must be 0 to 1000000000000 pieces"]);
    check("a = 1\nb = \"1\"\n", &["line 2", "expected i64"]);
    check("a = 1\nb 1\n", &["line 2"]);
    check("a = 1\na = 2\n", &["line 2", "duplicate key"]);
    check("a = 1\n\"\" = 2\n", &["line 2", "an id must not be empty"]);
}

#[test]
fn missing_file_is_refused_by_name() {
    let refusal = Opening::read(Some("no/such.toml".as_ref())).unwrap_err();
    assert!(format!("{refusal:#}").contains("no/such.toml"), "{refusal:#}");
}
